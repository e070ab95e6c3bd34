// The devtools on a page with a store of the real server's, in Chromium: real clicks and keys.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { startSite } from '../adapters/site.mjs'
import { program, root, startHighwater } from '../highwater.mjs'
import { until } from '../until.mjs'
import { PHONE, WIDE, frames, photograph, startBrowser } from './demo.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let browser, server, site
const folder = mkdtempSync(join(tmpdir(), 'highwater-panel-'))
before(async () => {
  browser = await startBrowser()
  server = await startHighwater('serve')
  site = await startSite(root, server.url)
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/highwater'))
})
after(async () => {
  await browser?.close()
  await site?.stop()
  await server?.stop()
  rmSync(folder, { recursive: true })
})

/** The panel shows what has happened with the next frame. */
function reads(read, expected) {
  const fits = (text) => (typeof expected === 'string' ? text === expected : expected.test(text))
  return until(async () => fits(await read()), `the panel to read ${expected}`)
}

let topics = 0

/** A page with a topic of its own that has some flags, and the panel. */
async function scene(t, { count = 30, more = '', context: options = {} } = {}) {
  const context = await browser.newContext({ viewport: WIDE, colorScheme: 'dark', ...options })
  t.after(() => context.close())
  const topic = `devtools-${(topics += 1)}`
  const address = (kind, key) => `${server.url}/v1/topics/${topic}/${kind}/${key}`
  const put = async (key, value, kind = 'flag') => {
    const answer = await fetch(address(kind, key), { method: 'PUT', body: JSON.stringify(value) })
    assert.ok(answer.ok, `${answer.status}`)
  }
  const remove = async (key) => assert.ok((await fetch(address('flag', key), { method: 'DELETE' })).ok)
  for (let at = 0; at < count; at += 1) await put(`flag-${at}`, { on: at % 2 === 0, name: `Number ${at}` }, at % 3 === 0 ? 'segment' : 'flag')
  const page = await context.newPage()
  const complaints = []
  page.on('console', (message) => {
    const cut = /net::ERR_|503/.test(message.text()) && message.location().url.includes('/stream')
    if (['error', 'warning'].includes(message.type()) && !cut) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.stack))
  const requests = []
  page.on('request', (request) => requests.push(new URL(request.url()).pathname))
  await page.goto(`${site.url}/tests/browser/devtools/?topic=${topic}${more}`)
  await page.waitForFunction(() => window.devtools !== undefined && window.store?.status.phase === 'live')
  const byId = (id) => page.getByTestId(id)
  const open = async () => {
    await page.getByRole('button', { name: 'Highwater devtools' }).click()
    await byId('devtools').waitFor()
  }
  const go = (tab) => byId(`tab-${tab}`).click()
  /** Until the store has what was put last. */
  const arrived = (key, name) => page.waitForFunction(([key, name]) => store.get('flag', key)?.name === name, [key, name])
  const state = () => page.evaluate(() => store.keys().map(({ kind, key }) => `${kind}/${key} ${store.versionOf(kind, key)} ${JSON.stringify(store.get(kind, key))}`).sort())
  return { page, context, byId, open, go, put, remove, arrived, state, complaints, requests }
}

test('the panel is loaded when it is opened, and everything in it can be had by keys', async (t) => {
  const { page, byId, requests, complaints } = await scene(t)
  assert.ok(requests.includes('/dist/devtools/index.js'))
  assert.ok(!requests.some((path) => path.includes('/devtools/view/')), 'the view is there before anybody wants it')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await byId('devtools').waitFor()
  const chosen = () => page.locator('[role=tab][aria-selected=true]').textContent()
  assert.equal(await chosen(), 'Items')
  await page.keyboard.press('ArrowRight')
  assert.equal(await chosen(), 'Wire')
  await page.keyboard.press('End')
  assert.equal(await chosen(), 'Session')
  await page.keyboard.press('Home')
  await byId('items').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.waitForFunction(() => document.querySelector('highwater-devtools').shadowRoot.querySelector('[data-testid=item-title]').textContent.startsWith('flag/flag-10'))
  await page.keyboard.press('End')
  await page.waitForFunction(() => document.querySelector('highwater-devtools').shadowRoot.querySelector('[data-testid=item-title]').textContent.startsWith('segment/'))
  await page.keyboard.press('Escape')
  await byId('devtools').waitFor({ state: 'hidden' })
  assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.textContent), 'Highwater', 'the focus is where it came from')
  assert.deepEqual(complaints, [])
})

test('items are found by key and value, follow the stream, and have a history', async (t) => {
  const { page, byId, open, put, remove, arrived } = await scene(t)
  await open()
  await page.waitForFunction(() => document.querySelector('highwater-devtools').shadowRoot.querySelector('[data-testid=items-count]').textContent === '30 items')
  await byId('items-search').fill('number 11')
  const rows = byId('items').locator('[role=option]:visible')
  await rows.filter({ hasText: 'flag-11' }).waitFor()
  await reads(() => byId('items-count').textContent(), '1 of 30 items')
  await rows.first().click()
  await put('flag-11', { on: false, name: 'Renamed' })
  await arrived('flag-11', 'Renamed')
  await byId('item-value').getByText('"Renamed"').waitFor()
  // It is not found by that name any more.
  await page.waitForFunction(() => document.querySelector('highwater-devtools').shadowRoot.querySelector('[data-testid=items-count]').textContent === '0 of 30 items')
  await byId('items-search').fill('')
  await byId('item-history-show').click()
  const turns = byId('item-history').locator('li')
  await reads(() => turns.nth(0).innerText(), /updated v\d+\s+\{"on":false,"name":"Renamed"\}/)
  await reads(() => turns.nth(1).innerText(), /insert v\d+\s+\{.*"name":"Number 11"\}/)
  // To the moment before.
  await turns.nth(1).locator('button').click()
  await byId('time-items').locator('[role=option]').filter({ hasText: 'Number 11' }).waitFor()
  await byId('tab-items').click()
  await remove('flag-11')
  await page.waitForFunction(() => document.querySelector('highwater-devtools').shadowRoot.querySelector('[data-testid=items-count]').textContent === '29 items')
})

test('the wire tells what came, what it did, and what the state was then', async (t) => {
  const { page, byId, open, go, put, remove, arrived } = await scene(t)
  await put('flag-1', { name: 'Second' })
  await remove('flag-2')
  await put('flag-4', { name: 'Fourth' })
  await arrived('flag-4', 'Fourth')
  await open()
  await go('wire')
  const rows = byId('wire').locator('[role=option]:visible')
  await byId('wire-delete').click()
  await until(async () => (await rows.count()) === 1, 'there to be one row')
  await rows.filter({ hasText: 'delete flag/flag-2' }).waitFor()
  await rows.first().click()
  await reads(() => byId('event-detail').innerText(), /payload-transferred[\s\S]*It says\s+commit [\s\S]*It did\s+delete flag\/flag-2/)
  await reads(() => byId('event-raw').innerText(), /"state"/)
  await byId('event-travel').click()
  const items = byId('time-items').locator('[role=option]:visible')
  await items.filter({ hasText: 'Second' }).waitFor()
  await reads(() => byId('time-count').textContent(), '29 items')
  await reads(() => byId('time-says').textContent(), /delete flag\/flag-2/)
  await byId('time-back').click()
  await page.waitForFunction(() => document.querySelector('highwater-devtools').shadowRoot.querySelector('[data-testid=time-count]').textContent === '30 items')
  await reads(() => byId('time-says').textContent(), /updated flag\/flag-1/)
  // What is different from here to the end: one that went, one that was renamed.
  await byId('time-compare').check()
  await byId('time-other').waitFor()
  await byId('time-other').focus()
  await page.keyboard.press('End')
  await page.waitForFunction(() => document.querySelector('highwater-devtools').shadowRoot.querySelector('[data-testid=time-count]').textContent === '2 differences')
  assert.deepEqual((await items.allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').split(' {')[0]).toSorted(), ['flag flag-2 delete', 'flag flag-4 updated'])
  await items.filter({ hasText: 'flag-4' }).click()
  await reads(() => byId('time-difference').innerText(), /Before v\d+[\s\S]*"Number 4"[\s\S]*After v\d+[\s\S]*"Fourth"/)
  // Search, in what came.
  await go('wire')
  await byId('wire-delete').click()
  await byId('wire-search').fill('fourth')
  await rows.filter({ hasText: 'put flag/flag-4' }).waitFor()
  await until(async () => (await rows.count()) === 1, 'there to be one row')
})

test('what is broken shows, and heals', async (t) => {
  const { page, byId, open, go, put, arrived, complaints } = await scene(t)
  await open()
  await go('break')
  await put('flag-1', { name: 'Before' })
  await arrived('flag-1', 'Before')
  await byId('break-replay').click()
  await reads(() => byId('said').textContent(), /^1 transaction sent again|^\d+ transactions sent again/)
  await go('wire')
  await byId('wire-refused').click()
  await byId('wire').locator('[role=option]:visible').filter({ hasText: 'refused: this transaction was applied before' }).first().waitFor()
  await go('break')
  await byId('break-refuse').click()
  await page.waitForFunction(() => store.status.phase === 'live' && store.status.resumed === true)
  await go('connection')
  await byId('connection-history').locator('[role=option]:visible').filter({ hasText: '503' }).first().waitFor()
  await reads(() => byId('field-phase').textContent(), 'live, connected')
  await reads(() => byId('field-last-connection').textContent(), 'went on from the cursor')
  await go('break')
  await byId('break-reorder').click()
  await reads(() => byId('break-pending').textContent(), /the next two are swapped/)
  for (const name of ['One', 'Two', 'Three']) await put('flag-1', { name })
  await arrived('flag-1', 'Three')
  await byId('break-cut').click()
  await page.waitForFunction(() => store.status.phase === 'live')
  await byId('break-heal').click()
  assert.deepEqual(complaints, [])
})

test('a session is exported, and comes to the same state in the panel, in highwater replay, and as a test', async (t) => {
  const { page, context, byId, open, go, put, remove, arrived, state } = await scene(t)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await open()
  await put('flag-1', { name: 'Before' })
  await remove('flag-2')
  await go('break')
  await arrived('flag-1', 'Before')
  await byId('break-replay').click()
  await byId('break-cut').click()
  await page.waitForFunction(() => store.status.phase === 'live' && store.status.resumed === true)
  await put('flag-1', { name: 'After' })
  await arrived('flag-1', 'After')
  const wanted = await state()
  assert.equal(wanted.length, 29)

  await go('session')
  await reads(() => byId('session-window').textContent(), /At most 20,000 entries and about 32\.0 MiB of them are kept/)
  const [download] = await Promise.all([page.waitForEvent('download'), byId('session-export').click()])
  assert.match(download.suggestedFilename(), /^v1-topics-devtools-\d+-stream\.highwater\.txt$/)
  const file = join(folder, download.suggestedFilename())
  await download.saveAs(file)

  const told = JSON.parse(execFileSync(program, ['replay', '--json', file], { encoding: 'utf8' }))
  const kinds = Object.entries(told.final.items)
  const replayed = kinds.flatMap(([kind, of]) => Object.entries(of).filter(([, { deleted }]) => deleted !== true).map(([key, { version, value }]) => `${kind}/${key} ${version} ${JSON.stringify(value)}`))
  assert.deepEqual(replayed.sort(), wanted)

  await byId('session-copy').click()
  await page.waitForFunction(() => document.querySelector('highwater-devtools').shadowRoot.querySelector('[data-testid=said]').textContent.startsWith('Copied a test'))
  writeFileSync(join(folder, 'copied.test.mjs'), await page.evaluate(() => navigator.clipboard.readText()))
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout } = spawnSync(process.execPath, ['--test', join(folder, 'copied.test.mjs')], { encoding: 'utf8', env })
  assert.equal(status, 0, stdout)

  await byId('session-file').setInputFiles(file)
  await byId('store-phase').filter({ hasText: 'recorded' }).waitFor()
  await go('items')
  await byId('items-count').filter({ hasText: '29 items' }).waitFor()
  await byId('items-search').fill('after')
  await byId('items').locator('[role=option]:visible').filter({ hasText: '{"name":"After"}' }).waitFor()
  // What is no session is refused, with the reason.
  await go('session')
  await byId('session-file').setInputFiles({ name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<html></html>\n') })
  await byId('said').filter({ hasText: 'page.html: the session cannot be read: it holds no event' }).waitFor()
})

test('a store that was there before the panel is found, and is recorded from then on', async (t) => {
  const { page, byId, open, go, put, arrived, complaints } = await scene(t, { more: '&late' })
  await put('flag-1', { name: 'New' })
  await arrived('flag-1', 'New')
  await open()
  await byId('items-count').filter({ hasText: '30 items' }).waitFor()
  await go('time')
  await byId('time-count').filter({ hasText: '30 items' }).waitFor()
  await byId('time-items').locator('[role=option]:visible').filter({ hasText: '{"name":"New"}' }).waitFor()
  await page.evaluate(() => devtools.close())
  assert.equal(await page.locator('highwater-devtools').count(), 0)
  assert.equal(await page.evaluate(() => store.status.phase), 'live')
  assert.deepEqual(complaints, [])
})

test('a hundred thousand items are listed and searched, and only those in sight are in the document', { timeout: 120_000 }, async (t) => {
  const { page, byId, open } = await scene(t, { count: 1, more: '&many=100000' })
  await open()
  await byId('items-count').filter({ hasText: '100,000 items' }).waitFor()
  const rows = byId('items').locator('[role=option]')
  assert.ok((await rows.count()) < 80)
  await byId('items-search').fill('value 99999')
  await rows.filter({ hasText: 'key-099999' }).waitFor()
  await byId('items-count').filter({ hasText: /^1 of 100,000 items$/ }).waitFor()
  await byId('items-search').fill('')
  await byId('items').focus()
  await page.keyboard.press('End')
  await byId('item-title').filter({ hasText: 'key-099999' }).waitFor()
})

test('it is said how it was called wrongly', async (t) => {
  const { page } = await scene(t, { count: 1 })
  const said = (options) => page.evaluate((options) => import('/dist/devtools/index.js').then(({ mount }) => mount(options)).then(() => 'mounted', ({ code, message }) => `${code}: ${message}`), options)
  for (const [options, words] of [
    [{ tab: 'soap' }, /^bad-option: .*tab.*soap/],
    [{ theme: 1 }, /^bad-option: .*theme/],
    [{ windows: {} }, /^bad-option: .*windows/],
    [{ window: { entries: 0 } }, /^bad-option: .*window\.entries/],
    [{ parent: 'body' }, /^bad-option: .*parent/],
  ]) assert.match(await said(options), words)
  assert.equal(await page.locator('highwater-devtools').count(), 1)
})

const snippets = [...readFileSync(join(root, 'docs/devtools.md'), 'utf8').matchAll(/^```ts (\S+)\n(.*?)^```$/gms)].map(([, name, text]) => [name, text])

test('the snippets of docs/devtools.md compile, strictly', () => {
  assert.equal(snippets.length, 3)
  for (const [name, text] of snippets) writeFileSync(join(folder, name), text)
  const compilerOptions = {
    target: 'ES2022', lib: ['ES2022', 'DOM', 'DOM.Iterable'], module: 'ESNext', moduleResolution: 'bundler', moduleDetection: 'force',
    strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noEmit: true, types: [], skipLibCheck: false,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: snippets.map(([name]) => name) }))
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

for (const [name, text] of snippets) {
  test(`${name} of docs/devtools.md does what it says`, async (t) => {
    const { page, complaints } = await scene(t, { count: 1 })
    const own = { '/snippet.html': '<!doctype html><html lang="en"><title>snippet</title><link rel="icon" href="data:,"><body><script type="module" src="/snippet.js"></script>', '/snippet.js': await bundled(text) }
    for (const [path, body] of Object.entries(own)) await page.route(`**${path}`, (route) => route.fulfill({ contentType: path.endsWith('js') ? 'text/javascript' : 'text/html', body }))
    await page.addInitScript(() => {
      const connect = ({ name }) => ({ init: () => (window.shown = name), send() {}, error() {}, subscribe() {} })
      window.__REDUX_DEVTOOLS_EXTENSION__ = { connect }
      window.mounted = 0
      window.gone = 0
      new MutationObserver((records) => {
        const count = (nodes) => [...nodes].filter(({ localName }) => localName === 'highwater-devtools').length
        for (const { addedNodes, removedNodes } of records) {
          window.mounted += count(addedNodes)
          window.gone += count(removedNodes)
        }
      }).observe(document, { childList: true, subtree: true })
    })
    const { port } = new URL(site.url)
    await page.goto(`http://localhost:${port}/snippet.html`)
    const [mounted, gone, shown] = { 'main.ts': [1, 1], 'dev.ts': [1, 0], 'redux.ts': [0, 0, 'tasks'] }[name]
    await page.waitForFunction(([mounted, gone, shown]) => window.mounted === mounted && window.gone === gone && window.shown == shown, [mounted, gone, shown])
    assert.deepEqual(complaints, [])
  })
}

/** A snippet for a page: the package as it is in dist/, and the stream that there is. */
async function bundled(text) {
  const names = { highwater: '/dist/browser.js', 'highwater/devtools': '/dist/devtools/index.js' }
  const plugin = { name: 'package', setup: (build) => build.onResolve({ filter: /^highwater/ }, ({ path }) => ({ path: names[path], external: true })) }
  const { outputFiles } = await build({ stdin: { contents: text, loader: 'ts' }, bundle: true, format: 'esm', target: 'es2022', write: false, plugins: [plugin], tsconfigRaw: '{}' })
  return outputFiles[0].text.replace('https://example.org/v1/topics/tasks/stream', `/v1/topics/devtools-${topics}/stream`)
}

const TABS = ['items', 'wire', 'time', 'connection', 'charts', 'break', 'session']

test('axe finds nothing, in any tab, dark and light, wide and on a phone', { timeout: 240_000 }, async (t) => {
  const { page, byId, open, go, put, arrived } = await scene(t)
  await page.evaluate(axe)
  await open()
  await put('flag-1', { name: 'New' })
  await arrived('flag-1', 'New')
  const violations = []
  for (const tab of TABS) {
    await go(tab)
    if (tab === 'items') {
      await byId('items').locator('[role=option]:visible').first().click()
      await byId('item-history-show').click()
    } else if (tab === 'wire') await byId('wire').locator('[role=option]:visible').last().click()
    else if (tab === 'time') {
      await byId('time-compare').check()
  await byId('time-other').waitFor()
      await byId('time-items').locator('[role=option]:visible').first().click()
    }
    for (const viewport of [WIDE, PHONE]) {
      await page.setViewportSize(viewport)
      for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ colorScheme })
        await frames(page)
        const found = await page.evaluate(() => window.axe.run('highwater-devtools', { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)))
        violations.push(...found.map((text) => `${tab} ${viewport.width} ${colorScheme} ${text}`))
      }
    }
    await photograph(page, `devtools-${tab}`)
  }
  assert.deepEqual(violations, [])
})
