// The installed package in an empty Vite application: as it is developed, and as it is built.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build, createLogger, createServer, preview } from 'vite'
import { install } from './install.mjs'
import { APPLICATION, startStage } from './page.mjs'

let app, stage
before(async () => {
  app = await install()
  stage = await startStage()
  await app.write(APPLICATION)
})
after(() => Promise.all([app?.remove(), stage?.stop()]))

/** Compiled while it comes, which only this type allows; by the page and by its worker. */
const MODULES = ['application/wasm', 'application/wasm']

test('in development', async (t) => {
  const vite = await createServer({ root: app.folder, configFile: false, logLevel: 'error', server: { host: '127.0.0.1', port: 0 } })
  t.after(() => vite.close())
  await vite.listen()
  assert.deepEqual(await stage.assertLive(vite.resolvedUrls.local[0]), MODULES)
})

test('built and previewed, with each module beside the scripts once', async (t) => {
  const warnings = []
  const customLogger = { ...createLogger('silent'), warn: (text) => warnings.push(text) }
  await build({ root: app.folder, configFile: false, customLogger })
  assert.deepEqual(warnings, [])
  const files = await readdir(join(app.folder, 'dist/assets'))
  assert.deepEqual(files.filter((name) => name.endsWith('.wasm')).length, app.modules.length, files.join(' '))
  const vite = await preview({ root: app.folder, configFile: false, logLevel: 'error', preview: { host: '127.0.0.1', port: 0 } })
  t.after(() => vite.close())
  assert.deepEqual(await stage.assertLive(vite.resolvedUrls.local[0]), MODULES)
})
