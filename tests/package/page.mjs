// One application for every bundler: a page whose own script and whose worker each keep a store,
// over one connection to the real server. And what has to be true of it, however it was built.

import assert from 'node:assert/strict'
import { openPage, startBrowser } from '../browser/demo.mjs'
import { startFlags } from './topic.mjs'

/** What both scripts show, as text. */
const TEXT = `store.status.phase + ' ' + JSON.stringify(store.entries('flag').sort())`

export const APPLICATION = {
  'index.html': `<!doctype html>
<meta charset="utf-8"><title>flags</title><link rel="icon" href="data:,">
<output id="page"></output>
<output id="worker"></output>
<script type="module" src="./main.js"></script>
`,
  'main.js': `import { connect } from 'highwater'
const stream = new URLSearchParams(location.search).get('stream')
const store = connect(stream, { share: 'browser', persist: true })
const show = () => {
  document.querySelector('#page').textContent = ${TEXT}
}
store.subscribe(show)
store.onStatus(show)

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
worker.onmessage = ({ data }) => {
  document.querySelector('#worker').textContent = data
}
worker.postMessage(stream)
`,
  'worker.js': `import { connect } from 'highwater'
onmessage = ({ data: stream }) => {
  const store = connect(stream, { share: 'browser', persist: true })
  const show = () => postMessage(${TEXT})
  store.subscribe(show)
  store.onStatus(show)
}
`,
}

/** A browser, and a topic that its pages may read. */
export async function startStage() {
  const [browser, flags] = await Promise.all([startBrowser(), startFlags()])
  /** The page and its worker show what the server has, also when that changes, and complain of nothing. Answers with all that was loaded. */
  const follow = async (address) => {
    const { page, complaints } = await openPage(browser, 'about:blank')
    const loaded = []
    let streams = 0
    page.context().on('response', (response) => {
      if (response.url().startsWith(flags.stream)) streams += 1
      else if (response.url().startsWith('http')) loaded.push({ name: new URL(response.url()).pathname.split('/').pop() || 'index.html', type: response.headers()['content-type'] })
    })
    await page.goto(`${address}?stream=${encodeURIComponent(flags.stream)}`)
    for (const on of [true, false]) {
      await flags.put('dark-mode', { on })
      const text = `live ${JSON.stringify([['beta', { on: false }], ['dark-mode', { on }]])}`
      await shows(page, text, complaints)
    }
    assert.deepEqual(complaints, [])
    assert.equal(streams, 1)
    await page.close()
    return loaded
  }
  /** The types of the modules that were loaded. */
  const assertLive = async (address) => (await follow(address)).flatMap(({ name, type }) => (name.endsWith('.wasm') ? [type] : []))
  /** The names of all files that were loaded. */
  const loadedBy = async (address) => (await follow(address)).map(({ name }) => name)
  const stop = () => Promise.all([browser.close(), flags.stop()])
  return { browser, flags, assertLive, loadedBy, stop }
}

/** Waits until all outputs of the page show this text. */
async function shows(page, text, complaints) {
  const all = (text) => [...document.querySelectorAll('output')].every(({ textContent }) => textContent === text)
  await page.waitForFunction(all, text).catch(async (error) => {
    const shown = await page.locator('output').allTextContents()
    throw new Error(`the page shows ${shown.join(' and ')}\n${complaints.join('\n')}`, { cause: error })
  })
}
