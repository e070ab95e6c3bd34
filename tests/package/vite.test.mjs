// The installed package in an empty Vite application: as it is developed, and as it is built.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build, createLogger, createServer, preview } from 'vite'
import { openPage, startBrowser } from '../browser/demo.mjs'
import { install } from './install.mjs'
import { startFlags } from './topic.mjs'

const APPLICATION = {
  'index.html': `<!doctype html>
<meta charset="utf-8"><title>flags</title><link rel="icon" href="data:,">
<output></output>
<script type="module" src="/main.js"></script>
`,
  'main.js': `import { connect } from 'highwater'
const store = connect(new URLSearchParams(location.search).get('stream'))
const show = () => {
  document.querySelector('output').textContent = store.status.phase + ' ' + JSON.stringify(store.entries('flag').sort())
}
store.subscribe(show)
store.onStatus(show)
`,
}

let app, flags, browser
before(async () => {
  app = await install()
  flags = await startFlags()
  browser = await startBrowser()
  await app.write(APPLICATION)
})
after(async () => {
  await browser?.close()
  await Promise.all([app?.remove(), flags?.stop()])
})

/** The page shows what the server has, also when that changes, and complains of nothing. */
async function assertLive(address) {
  const { page, complaints } = await openPage(browser, 'about:blank')
  const responses = []
  page.on('response', (response) => responses.push([new URL(response.url()).pathname, response.headers()['content-type']]))
  await page.goto(`${address}?stream=${encodeURIComponent(flags.stream)}`)
  const shows = (state) =>
    page.waitForFunction((text) => document.querySelector('output').textContent === text, `live ${JSON.stringify(state)}`).catch(async (error) => {
      const shown = await page.textContent('output')
      throw new Error(`the page shows ${shown}\n${complaints.join('\n')}`, { cause: error })
    })
  await flags.put('dark-mode', { on: true })
  await shows([['beta', { on: false }], ['dark-mode', { on: true }]])
  await flags.put('dark-mode', { on: false })
  await shows([['beta', { on: false }], ['dark-mode', { on: false }]])
  assert.deepEqual(complaints, [])
  await page.close()
  // Compiled while it comes, which only this type allows.
  const modules = responses.filter(([path]) => path.endsWith('.wasm'))
  assert.deepEqual(modules.map(([, type]) => type), ['application/wasm'])
}

test('in development', async (t) => {
  const vite = await createServer({ root: app.folder, configFile: false, logLevel: 'error', server: { host: '127.0.0.1', port: 0 } })
  t.after(() => vite.close())
  await vite.listen()
  await assertLive(vite.resolvedUrls.local[0])
})

test('built and previewed, with its modules beside the script, of which it loads one', async (t) => {
  const warnings = []
  const customLogger = { ...createLogger('silent'), warn: (text) => warnings.push(text) }
  await build({ root: app.folder, configFile: false, customLogger })
  assert.deepEqual(warnings, [])
  const files = (await readdir(join(app.folder, 'dist/assets'))).map((name) => name.slice(name.lastIndexOf('.'))).sort()
  assert.deepEqual(files, ['.js', '.wasm', '.wasm'])
  const vite = await preview({ root: app.folder, configFile: false, logLevel: 'error', preview: { host: '127.0.0.1', port: 0 } })
  t.after(() => vite.close())
  await assertLive(vite.resolvedUrls.local[0])
})
