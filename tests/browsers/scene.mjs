// Pages on streams of the real server, in one of the browsers. The server's side says which
// connections there are; each page writes down what it is told.

import assert from 'node:assert/strict'
import { startSite } from '../adapters/site.mjs'
import { root, startHighwater } from '../highwater.mjs'
import { until } from './driver.mjs'

/** The real server, and before it a network that can be cut. */
export async function startServer() {
  const server = await startHighwater('serve', '--event-streams')
  const site = await startSite(root, server.url)
  const ask = async (method, path, body) => {
    const answer = await fetch(server.url + path, { method, body: JSON.stringify(body) })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
    return answer.json()
  }
  const stop = () => Promise.all([site.stop(), server.stop()])
  return { url: server.url, site, ask, stop }
}

let topics = 0

/** A topic of its own that has some flags, and pages that follow it. */
export async function scene({ site, ask }) {
  const topic = `t${(topics += 1)}`
  /** How often each flag was put. */
  const puts = new Map()
  const put = (key, value) => {
    puts.set(key, (puts.get(key) ?? 0) + 1)
    return ask('PUT', `/v1/topics/${topic}/flag/${key}`, value)
  }
  for (let at = 0; at < 20; at += 1) await put(`flag-${at}`, { n: 0, pad: 'x'.repeat(500) })

  /** Where a page is whose store has these options. */
  const address = (options = {}, { host = '127.0.0.1', ...more } = {}) => {
    const given = new URLSearchParams({ topic, options: JSON.stringify(options), ...more })
    return `${site.url.replace('127.0.0.1', host)}/tests/browsers/page/?${given}`
  }
  /** How many connections the server has for this topic's pages. */
  const streams = () => site.paths().filter((path) => path.startsWith(`/v1/topics/${topic}/`)).length
  /** The page holds what the server has, live; and was told of everything once and in order, since it lives. */
  const assertRight = async (page) => {
    const { items } = await ask('GET', `/v1/topics/${topic}`)
    const expected = JSON.stringify(items.map(({ key, version, object }) => [key, version, object]).sort())
    await page.waitForFunction((expected) => {
      if (window.store === undefined) return 'no store'
      const state = JSON.stringify(store.entries('flag').map(([key, value]) => [key, store.versionOf('flag', key), value]).sort())
      return (store.status.phase === 'live' && state === expected) || `${store.status.phase} ${state.slice(0, 100)}, not ${expected.slice(0, 100)}`
    }, expected)
    const { heard, versions } = await page.evaluate(() => seen)
    // Each transaction is told once. What it names is read where the state is by then: two that come
    // in one piece may both read the later version.
    const told = (name) => heard.filter((words) => words.split(' ')[0] === name).length
    const tooOften = [...puts].filter(([key, count]) => told(key) > count)
    assert.deepEqual(tooOften, [], 'something was told twice')
    assert.deepEqual(items.filter(({ key }) => told(key) === 0), [], 'something was not told')
    assert.deepEqual(versions, versions.toSorted((a, b) => a - b), 'the page went back')
  }
  const live = (page) => page.waitForFunction(() => window.store?.status.phase === 'live')
  return { topic, put, address, streams, assertRight, live, until }
}
