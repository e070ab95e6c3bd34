// docs/packaging.md and docs/sharing.md, run as a reader would. (Next's part: next.test.mjs.)

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { openPage } from '../browser/demo.mjs'
import { startSite } from '../adapters/site.mjs'
import { root } from '../highwater.mjs'
import { snippets } from './docs.mjs'
import { install, node } from './install.mjs'
import { APPLICATION, startStage } from './page.mjs'

const run = promisify(execFile)

let app, stage, site, packaging
before(async () => {
  app = await install()
  stage = await startStage()
  site = await startSite(app.folder, new URL(stage.flags.stream).origin)
  packaging = await snippets('packaging.md', stage.flags.stream)
})
after(() => Promise.all([app?.remove(), stage?.stop(), site?.stop()]))

for (const name of ['main.js', 'main.cjs', 'inline.js', 'slim.js']) {
  test(`packaging: ${name} in Node`, async () => {
    await app.write({ [name]: packaging[name] })
    assert.equal(await node(app, name), '{ on: true }\n')
  })
}

test('packaging: a page without a bundler', async () => {
  await app.write({ 'index.html': `<!doctype html>\n${packaging['index.html']}`, 'main.js': packaging['main.js'] })
  const { page } = await openPage(stage.browser, 'about:blank')
  const printed = page.waitForEvent('console', (message) => message.type() === 'log')
  await page.goto(`${site.url}/`)
  assert.deepEqual(await (await printed).args()[0].jsonValue(), { on: true })
  await page.close()
})

test('packaging: esbuild', async () => {
  await app.write(APPLICATION)
  const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` }
  await run('bash', ['-ec', packaging['esbuild.sh']], { cwd: app.folder, env })
  await app.write({ 'dist/index.html': APPLICATION['index.html'] })
  await stage.assertLive(`${site.url}/dist/`)
})

test('sharing: two tabs, one connection', async () => {
  const { 'main.js': main } = await snippets('sharing.md')
  const html = packaging['index.html'].replace('./main.js', './page.js')
  const show = `import { flags } from './main.js'\nflags.ready.then(() => (document.title = flags.keys('flag').sort().join(' ')))\n`
  await app.write({ 'share/index.html': `<!doctype html>\n${html}`, 'share/main.js': main, 'share/page.js': show })
  const context = await stage.browser.newContext()
  for (let tab = 0; tab < 2; tab += 1) {
    const page = await context.newPage()
    await page.goto(`${site.url}/share/`)
    await page.waitForFunction(() => document.title === 'beta dark-mode')
  }
  assert.equal(site.streams().length, 1)
  await context.close()
})
