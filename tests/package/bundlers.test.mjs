// The installed package through webpack and esbuild, and through no bundler at all.

import assert from 'node:assert/strict'
import { copyFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { startSite } from '../adapters/site.mjs'
import { install, tools } from './install.mjs'
import { APPLICATION, startStage } from './page.mjs'

let app, stage, site
before(async () => {
  app = await install()
  stage = await startStage()
  await app.write(APPLICATION)
  site = await startSite(app.folder)
})
after(() => Promise.all([app?.remove(), stage?.stop(), site?.stop()]))

/** An application that asks for nothing but the stream. */
const LEAN = `import { connect } from 'highwater'
const store = connect(new URLSearchParams(location.search).get('stream'))
const show = () => {
  document.querySelector('#page').textContent = store.status.phase + ' ' + JSON.stringify(store.entries('flag').sort())
}
store.subscribe(show)
store.onStatus(show)
`

const MODULES = ['application/wasm', 'application/wasm']

test('webpack, without configuration', async () => {
  const webpack = createRequire(join(tools, 'package.json'))('webpack')
  const configuration = { mode: 'production', context: app.folder, entry: './main.js', output: { path: join(app.folder, 'webpack'), filename: 'main.js' } }
  const stats = await new Promise((resolve, reject) => {
    webpack(configuration, (error, stats) => (error === null ? resolve(stats) : reject(error)))
  })
  const { errors, warnings, assets } = stats.toJson()
  assert.deepEqual([...errors, ...warnings].map(({ message }) => message), [])
  assert.equal(assets.filter(({ name }) => name.endsWith('.wasm')).length, app.modules.length)
  await app.write({ 'webpack/index.html': APPLICATION['index.html'] })
  assert.deepEqual(await stage.assertLive(`${site.url}/webpack/`), MODULES)
})

test('esbuild, with the module copied beside the bundle', async () => {
  const outdir = join(app.folder, 'esbuild')
  const { warnings } = await build({
    absWorkingDir: app.folder,
    entryPoints: ['main.js', 'worker.js'],
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    outdir,
    logLevel: 'silent',
  })
  assert.deepEqual(warnings, [])
  for (const name of app.modules) await copyFile(join(app.folder, 'node_modules/highwater/dist', name), join(outdir, name))
  await app.write({ 'esbuild/index.html': APPLICATION['index.html'] })
  assert.deepEqual(await stage.assertLive(`${site.url}/esbuild/`), MODULES)
})

test('esbuild: a stream of our own is followed with what its bundle imports at once, and core.wasm', async () => {
  const outdir = join(app.folder, 'lean')
  await app.write({ 'lean.js': LEAN })
  const { metafile } = await build({
    absWorkingDir: app.folder,
    entryPoints: ['lean.js'],
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    outdir,
    metafile: true,
    logLevel: 'silent',
  })
  for (const name of app.modules) await copyFile(join(app.folder, 'node_modules/highwater/dist', name), join(outdir, name))
  await app.write({ 'lean/index.html': APPLICATION['index.html'].replace('main.js', 'lean.js').replace('<output id="worker"></output>', '') })
  const files = ['lean/lean.js']
  for (const file of files) files.push(...metafile.outputs[file].imports.filter(({ kind, path }) => kind !== 'dynamic-import' && !files.includes(path)).map(({ path }) => path))
  // There is more, which is not loaded.
  assert.ok(Object.keys(metafile.outputs).length > files.length)
  const loaded = await stage.loadedBy(`${site.url}/lean/`)
  assert.deepEqual(loaded.sort(), ['core.wasm', 'index.html', ...files.map((file) => basename(file))].sort())
})

test('esbuild and the inline door: one file, and nothing beside it', async () => {
  const outdir = join(app.folder, 'inline')
  // Under its own name for both: an application would import 'highwater/inline'.
  const alias = { highwater: 'highwater/inline' }
  await build({ absWorkingDir: app.folder, entryPoints: ['main.js', 'worker.js'], bundle: true, minify: true, format: 'esm', outdir, alias })
  await app.write({ 'inline/index.html': APPLICATION['index.html'] })
  assert.deepEqual(await stage.assertLive(`${site.url}/inline/`), [])
})

test('a script of a page that is served as it is, with an import map', async () => {
  const map = { imports: { highwater: '/node_modules/highwater/dist/browser.js' } }
  const html = APPLICATION['index.html'].replace('<script', `<script type="importmap">${JSON.stringify(map)}</script>\n<script`)
  // Import maps do not reach workers: theirs is the address itself.
  const worker = APPLICATION['worker.js'].replace(`'highwater'`, `'${map.imports.highwater}'`)
  await app.write({ 'plain/index.html': html, 'plain/main.js': APPLICATION['main.js'], 'plain/worker.js': worker })
  assert.deepEqual(await stage.assertLive(`${site.url}/plain/`), MODULES)
})
