// React: rendered on a server, taken over in a browser, and never torn.

import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { connect } from 'highwater'
import { useItem, useStatus, useView } from 'highwater/react'
import { createSource } from 'highwater/testing'
import { createElement as h } from 'react'
import { renderToString } from 'react-dom/server'
import { startBrowser } from '../browser/demo.mjs'
import { root } from '../highwater.mjs'
import { buildPage, openPage } from './pages.mjs'
import { makeProject } from './project.mjs'
import { startSite } from './site.mjs'

let project, site, browser, page, complaints

before(async () => {
  project = await makeProject({ react: 'tests/adapters/react' })
  await buildPage(project, 'react', { NODE_ENV: 'development' })
  site = await startSite(`${project.folder}/dist`)
  browser = await startBrowser()
  ;({ page, complaints } = await openPage(browser, `${site.url}/react/`))
})

after(async () => {
  project?.remove()
  await Promise.all([browser?.close(), site?.stop()])
})

test('no two components show different moments; those that read by themselves do', async () => {
  const torn = await page.evaluate(() => window.proofs.tearing('naive'))
  assert.ok(torn.torn > 0 && torn.moved > 1, `the check sees nothing: ${JSON.stringify(torn)}`)
  const { torn: seen, moved, shown } = await page.evaluate(() => window.proofs.tearing('adapter'))
  assert.deepEqual([seen, shown], [0, 40])
  assert.ok(moved > 1, `the item moved ${moved} times`)
})

test('a part that is taken over late shows the server’s state first, and then the store’s', async () => {
  const { server, errors, shown } = await page.evaluate(() => window.proofs.hydration())
  assert.equal(server, '<b>0 0 2 test1.1</b>')
  assert.deepEqual(errors, [])
  assert.equal(shown, '5 5 2 test1.2')
})

test('keys may change or be missing, and a closed store is no error', async () => {
  const seen = await page.evaluate(() => window.proofs.lifetimes())
  assert.deepEqual(seen, ['0', '1', '0', '0', '3', 'undefined', 'undefined', '3'])
  assert.deepEqual(complaints, [])
})

test('a spec that says the same has one view, and renders again for what it lists alone', async () => {
  const { shown, renders } = await page.evaluate(() => window.proofs.specs())
  assert.deepEqual(shown, ['x0 of 2', 'x0 of 2', 'x5 of 2', 'x5 of 2', 'x5 of 3', 'x5 of 1', 'y9 of 2', ''])
  // Twice drawn, moved, not moved, counted; drawn with another spec, moved, gone. Two views in all.
  assert.deepEqual(renders, [3, 3, 4, 6, 6, 2])
  assert.deepEqual(complaints, [])
})

test('a server renders what the store holds, and leaves no listener behind', async (t) => {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch })
  t.after(() => store.close())
  let listeners = 0
  for (const method of ['subscribe', 'onStatus']) store[method] = () => listeners++
  function App() {
    const flag = useItem(store, 'flag', 'dark')
    const all = useView(store, 'flag')
    const on = useView(store, ({ flag }) => [...(flag?.values() ?? [])].filter((each) => each.on).length)
    const phase = useStatus(store, (status) => status.phase)
    const { count } = useView(store, { kind: 'flag', where: { '/on': true }, limit: 0 })
    assert.equal(count, on)
    return h('p', null, [phase, String(flag?.on), all.size, on].join(' '))
  }
  assert.equal(renderToString(h(App)), '<p>connecting undefined 0 0</p>')
  source.begin().put('flag', 'dark', { on: true }).put('flag', 'light', { on: false }).end()
  await store.ready
  assert.equal(renderToString(h(App)), '<p>live true 2 1</p>')
  // The next request sees the next state.
  source.patch('flag', 'light', { on: true })
  await source.settled()
  assert.equal(renderToString(h(App)), '<p>live true 2 2</p>')
  assert.equal(listeners, 0)
})

test('the adapter is at most 1 KB', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "export * from 'highwater/react'", resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['react'],
    write: false,
  })
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length
  assert.ok(size <= 1024, `${size} bytes`)
  assert.ok(size > 200, `${size} bytes: that cannot be all`)
  console.log(`highwater/react: ${size} bytes, gzipped`)
})
