// Vite builds, and Chromium.

import { join } from 'node:path'
import { build } from 'vite'

/** Builds a page of the project with the examples' own configuration. */
export async function buildPage(project, name, environment) {
  await build({
    root: join(project.folder, name),
    configFile: join(project.folder, 'vite.config.ts'),
    base: `/${name}/`,
    logLevel: 'error',
    // Of React's builds, the one that tells of mistakes.
    define: environment && { 'process.env.NODE_ENV': JSON.stringify(environment.NODE_ENV) },
    // Its minifier of styles is not installed here: see package.json.
    build: { outDir: join(project.folder, 'dist', name), emptyOutDir: true, cssMinify: false },
  })
}

/** Opens a page, and keeps what it complains of but for streams that break. */
export async function openPage(browser, url) {
  const page = await browser.newPage()
  const complaints = []
  page.on('console', (message) => {
    const broken = /net::ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE|ABORTED)/.test(message.text())
    const cut = broken && message.location().url.includes('/stream')
    if (['error', 'warning'].includes(message.type()) && !cut) complaints.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack}`))
  await page.goto(url)
  return { page, complaints }
}

/** Waits until reading the page gives what is expected; fails with what it gives instead. */
export async function shows(read, expected, limit = 30_000) {
  const end = Date.now() + limit
  for (;;) {
    const actual = await read()
    if (JSON.stringify(actual) === JSON.stringify(expected)) return
    if (Date.now() > end) throw new Error(`expected ${JSON.stringify(expected)}, the page shows ${JSON.stringify(actual)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
