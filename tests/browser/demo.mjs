// The running demo and a browser on it, for tests: nothing here waits for anything but a condition.

import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { startHighwater } from '../highwater.mjs'

const artefacts = fileURLToPath(new URL('artefacts/', import.meta.url))

/** Starts `highwater demo` on a free port. */
export function startDemo() {
  return startHighwater('demo', '--www', process.env.HIGHWATER_WWW ?? 'www/dist')
}

export function startBrowser(...more) {
  return chromium.launch({
    executablePath: process.env.CHROME ?? process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', ...more,
    ],
  })
}

/**
 * A page whose complaints are kept. Chromium itself prints an error for a stream that breaks; that
 * is told apart by its words and the stream's address, and everything else counts.
 */
export async function openPage(browser, url, options = {}) {
  const page = await browser.newPage({ viewport: WIDE, colorScheme: 'dark', ...options })
  const complaints = []
  const broken = /net::ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|CONNECTION_CLOSED|EMPTY_RESPONSE|ABORTED|NETWORK_IO_SUSPENDED)/
  page.on('console', (message) => {
    const quiet = message.type() !== 'error' && message.type() !== 'warning'
    const cut = broken.test(message.text()) && message.location().url.includes('/v1/topics/machine/stream')
    if (!quiet && !cut) complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack}`))
  await page.goto(url)
  return { page, complaints }
}

export const WIDE = { width: 1680, height: 1050 }
export const PHONE = { width: 390, height: 844 }

/** Dark and light, wide and phone; leaves the page dark and wide. */
export async function photograph(page, name) {
  mkdirSync(artefacts, { recursive: true })
  for (const [size, viewport] of [['phone', PHONE], ['wide', WIDE]]) {
    await page.setViewportSize(viewport)
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      await frames(page)
      await page.screenshot({ path: `${artefacts}${name}-${size}-${colorScheme}.png` })
    }
  }
}

/** Until what was asked for has been drawn. */
export function frames(page) {
  return page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
}

export function live(page) {
  return page.waitForFunction(() => {
    const { phase, connected } = window.highwaterDemo?.store.status ?? {}
    return phase === 'live' && connected && document.querySelector('[data-testid=phase]').textContent === 'live'
  })
}

/** Records from now on what the wire and the status say; read with `recorded`. */
export function record(page) {
  return page.evaluate(() => {
    window.recording?.stop()
    const { store } = window.highwaterDemo
    const seen = { steps: {}, phases: [], errors: [], verdicts: [] }
    const stops = [
      store.trace(({ steps }) => {
        for (const { action } of steps) seen.steps[action] = (seen.steps[action] ?? 0) + 1
      }),
      store.onStatus(({ phase, error, resumed }) => {
        if (seen.phases.at(-1) !== phase) seen.phases.push(phase)
        if (error !== undefined && seen.errors.at(-1) !== error.code) seen.errors.push(error.code)
        if (seen.verdicts.at(-1) !== resumed) seen.verdicts.push(resumed)
      }),
    ]
    window.recording = { seen, stop: () => stops.forEach((stop) => stop()) }
  })
}

export function recorded(page) {
  return page.evaluate(() => window.recording.seen)
}

/**
 * The server's answer, and what the store holds and the table shows while the store stands at the
 * same cursor. Written apart from the page's own check, which it checks too.
 */
export function moment(page) {
  return page.evaluate(async () => {
    const { store } = window.highwaterDemo
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    for (let tries = 0; tries < 40; tries += 1) {
      const answer = await (await fetch('/v1/topics/machine', { cache: 'no-store' })).json()
      const until = performance.now() + 2000
      while (store.status.cursor !== answer.cursor && performance.now() < until) await frame()
      if (store.status.cursor !== answer.cursor) continue
      // From here on nothing is awaited: it is one moment.
      const items = ['process', 'host'].flatMap((kind) =>
        [...store.keys(kind)].map((key) => [kind, key, String(store.versionOf(kind, key)), store.get(kind, key)]),
      )
      const heads = [...document.querySelectorAll('[role=columnheader]')].map((head) => head.textContent)
      const rows = [...document.querySelectorAll('[data-testid=row]:not(.gone)')].map((row) => [
        row.dataset.key,
        Object.fromEntries([...row.children].map((cell, index) => [heads[index], cell.textContent])),
      ])
      return { answer, items, rows }
    }
    throw new Error('the store and the server never stood at the same cursor')
  })
}
