// docs/migrating.md: each table is played to the code before it and the code after it, each in a
// page of its own, and both show what the table says.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { startSite } from '../adapters/site.mjs'
import { openPage, startBrowser } from '../browser/demo.mjs'
import { root } from '../highwater.mjs'
import { begin, serve } from '../node/stream.mjs'
import { until } from '../until.mjs'
import { install, tools } from './install.mjs'

const SECTIONS = ['eventsource', 'fetch', 'launchdarkly']

let app, browser, guide
before(async () => {
  ;[app, browser, guide] = await Promise.all([install(tools), startBrowser(), readFile(join(root, 'docs/migrating.md'), 'utf8')])
})
after(() => Promise.all([app?.remove(), browser?.close()]))

/** What the server sends, and what is shown then: by hand, and by Highwater. */
function rows(section) {
  const [, text] = guide.split(`\`\`\`js ${section}-after.js\n`)
  const [table] = /^\| the server sends .*\n(?:\|.*\n)+/m.exec(text)
  return table.trim().split('\n').slice(2).map((line) => {
    const [sent, ...shown] = line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''))
    const [, event, data] = /^`(\w+)` `([^`]+)`/.exec(sent) ?? []
    assert.ok(event ? shown.length === 2 : /^nothing more: .*the connection breaks$/.test(sent), line)
    return { sent, shown, bytes: event && `event: ${event}\ndata: ${data}\n\n` }
  })
}

for (const section of SECTIONS) {
  test(`from ${section}: by hand it shows what the table says, and with Highwater, too`, { timeout: 120_000 }, async (t) => {
    let token = 1
    /** Of each page: the stream that it has, and how often it asked. */
    const pages = { before: { asked: 0 }, after: { asked: 0 } }
    const server = await serve(t, (request, response) => {
      if (request.url === '/v1/token') return void response.end(`${token}`)
      const page = pages[new URL(request.url, server.url).searchParams.get('page')]
      page.asked += 1
      if (section === 'fetch' && request.headers.authorization !== `Bearer ${token}`) return void response.writeHead(401).end()
      begin(response)
      response.write('retry: 50\n')
      page.stream = response
      response.on('close', () => page.stream === response && (page.stream = undefined))
    })
    const site = await startSite(app.folder, new URL(server.url).origin)
    t.after(() => site.stop())

    for (const [name, page] of Object.entries(pages)) {
      const [, code] = new RegExp(`^\`\`\`js ${section}-${name}\\.js\n(.*?)^\`\`\`$`, 'ms').exec(guide)
      const here = code.replace(/https:\/\/example\.org(\/v1\/\w+)/, `${site.url}$1?page=${name}`)
      assert.notEqual(here, code)
      await app.write({
        [`${name}.js`]: here,
        'token.js': `export const token = async () => (await fetch('/v1/token')).text()\n`,
        [`${name}.html`]: `<!doctype html><title>x</title><link rel="icon" href="data:,"><output></output>
<script type="importmap">{ "imports": { "highwater": "/node_modules/highwater/dist/browser.js" } }</script>
<script type="module" src="./${name}.bundle.js"></script>`,
      })
      await build({
        entryPoints: [join(app.folder, `${name}.js`)], outfile: join(app.folder, `${name}.bundle.js`),
        bundle: true, format: 'esm', target: 'es2022', external: ['highwater'],
      })
      page.page = (await openPage(browser, `${site.url}/${name}.html`)).page
      t.after(() => page.page.close())
    }

    const all = Object.values(pages)
    await until(() => all.every(({ stream }) => stream), 'both pages have a stream')
    for (const { sent, shown, bytes } of rows(section)) {
      if (bytes) {
        const { asked } = pages.after
        for (const { stream } of all) stream?.write(bytes)
        if (sent.endsWith('Highwater comes again')) await until(() => pages.after.asked > asked && pages.after.stream, 'it comes again')
      } else {
        if (section === 'fetch') token += 1
        const asked = all.map((page) => page.asked)
        site.cut()
        // By hand nobody comes again in one case, with the wrong token in another.
        const again = [section === 'launchdarkly' || pages.before, pages.after]
        await until(() => again.every((page, at) => page === true || page.asked > asked[at]) && pages.after.stream, 'they come again')
        if (section === 'eventsource') await until(() => pages.before.stream, 'EventSource comes again')
      }
      for (const [at, { page }] of all.entries()) {
        const shows = (text) => document.querySelector('output').textContent === text
        await page.waitForFunction(shows, shown[at]).catch(async (cause) => {
          const instead = await page.locator('output').textContent()
          throw new Error(`${sent}: ${Object.keys(pages)[at]} shows '${instead}', not '${shown[at]}'`, { cause })
        })
      }
    }
    if (section === 'fetch') {
      await until(() => pages.before.asked > 2, 'it goes on asking with the old token')
      assert.ok(!pages.before.stream)
    }
  })
}
