// The guides in docs/, followed by a reader: their servers run in Node, their pages in Chromium.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { createServer as createVite } from 'vite'
import { startSite } from '../adapters/site.mjs'
import { openPage, startBrowser } from '../browser/demo.mjs'
import { root, startHighwater } from '../highwater.mjs'
import { openWay } from '../interop/relay.mjs'
import { snippets } from './docs.mjs'
import { install } from './install.mjs'

const ADMIN = 'the-administrators-secret'
const WRITTEN = 'https://example.org'

let app, browser
before(async () => {
  ;[app, browser] = await Promise.all([install(), startBrowser()])
})
after(() => Promise.all([app?.remove(), browser?.close()]))

/** Runs a server of a snippet; answers with its address. */
async function run(t, name, env) {
  const child = spawn(process.execPath, [name], { cwd: app.folder, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PORT: '0', ...env } })
  t.after(() => child.kill('SIGKILL'))
  const [port] = await once(child.stdout, 'data')
  return `http://127.0.0.1:${Number(port)}`
}

test('auth: a token for each session, a new one for one that was revoked, and none after signing out', async (t) => {
  const server = await startHighwater('serve', '--admin-token', ADMIN)
  t.after(server.stop)
  const site = await startSite(app.folder, server.url)
  t.after(() => site.stop())
  const { 'app.js': program, 'page.js': code } = await snippets('auth.md')
  await app.write({
    'app.js': program,
    'auth/page.js': `${code.replaceAll(WRITTEN, site.url)}\nwindow.inbox = inbox\n`,
    'auth/index.html': `<!doctype html><title>x</title><link rel="icon" href="data:,"><output></output>
<script type="importmap">{ "imports": { "highwater": "/node_modules/highwater/dist/browser.js" } }</script>
<script type="module" src="./page.js"></script>`,
  })
  const own = await run(t, 'app.js', { HIGHWATER: server.url, ADMIN_TOKEN: ADMIN })

  const { page } = await openPage(browser, 'about:blank')
  t.after(() => page.close())
  // The page's own server: the session is Ada's, until it is nobody's.
  let session = 'session=of-ada'
  const asOwn = async (route) => {
    const answer = await fetch(own + new URL(route.request().url()).pathname, { headers: { cookie: session } })
    await route.fulfill({ status: answer.status, body: await answer.text() })
  }
  await page.route('**/token', asOwn)
  await page.route('**/sign-out', asOwn)
  const shows = (text) => page.waitForFunction((text) => document.querySelector('output').textContent.startsWith(text), text)
  const write = async (n) => {
    const headers = { authorization: `Bearer ${ADMIN}` }
    const answer = await fetch(`${server.url}/v1/topics/inbox-ada/mail/1`, { method: 'PUT', headers, body: JSON.stringify({ n }) })
    assert.ok(answer.ok)
  }
  const has = (n) => page.waitForFunction((n) => inbox.get('mail', '1')?.n === n, n)

  await write(1)
  await page.goto(`${site.url}/auth/`)
  await shows('live')
  await has(1)
  // Whoever the token is of may read nothing else.
  const used = site.streams()[0].authorization
  const others = await fetch(`${server.url}/v1/topics/inbox-bob`, { headers: { authorization: used } })
  assert.equal(others.status, 403)

  // Revoked: the page goes on with another.
  await fetch(`${own}/sign-out`, { headers: { cookie: session } })
  await write(2)
  await has(2)
  assert.notEqual(site.streams()[0].authorization, used)

  // Signed out: the function rejects, the state stays, and when somebody signs in again it goes on.
  const was = session
  session = ''
  await fetch(`${own}/sign-out`, { headers: { cookie: was } })
  await page.waitForFunction(() => inbox.status.error?.code === 'headers')
  assert.match(await page.locator('output').textContent(), /no token: 401/)
  assert.deepEqual(await page.evaluate(() => inbox.get('mail', '1')), { n: 2 })
  session = was
  await write(3)
  await has(3)
  await shows('live')
})

test('server rendering: the page has everything before the stream is there, and goes on from it', async (t) => {
  const server = await startHighwater('serve')
  t.after(server.stop)
  const site = await startSite(app.folder, server.url)
  t.after(() => site.stop())
  const put = async (key, value) => {
    const answer = await fetch(`${server.url}/v1/topics/flags/flag/${key}`, { method: 'PUT', body: JSON.stringify(value) })
    assert.ok(answer.ok)
  }
  await put('dark-mode', { on: true, note: '</script><b>' })
  await put('beta', { on: false })
  const all = await snippets('server-rendering.md')
  await app.write({ 'server.js': all['server.js'].replaceAll(WRITTEN, server.url), 'page.js': `${all['page.js'].replaceAll(WRITTEN, site.url)}\nwindow.flags = flags\n` })
  const rendered = await run(t, 'server.js')

  const { page, complaints } = await openPage(browser, 'about:blank')
  t.after(() => page.close())
  let open
  const opened = new Promise((resolve) => (open = resolve))
  const asked = []
  await page.route('**/v1/**', async (route) => {
    asked.push(route.request())
    await opened
    await route.continue()
  })
  // The page itself comes from the server of the guide.
  await page.route(`${site.url}/rendered`, async (route) => {
    const answer = await fetch(rendered)
    await route.fulfill({ status: 200, contentType: 'text/html', body: (await answer.text()).replace('<title>', '<link rel="icon" href="data:,"><title>') })
  })
  await page.goto(`${site.url}/rendered`)
  const list = () => page.locator('li').allTextContents()
  assert.deepEqual(await list(), ['beta is off', 'dark-mode is on'])
  await page.waitForFunction(() => window.flags?.status.phase === 'stale')
  assert.deepEqual(await list(), ['beta is off', 'dark-mode is on'])
  assert.deepEqual(await page.evaluate(() => flags.get('flag', 'dark-mode')), { on: true, note: '</script><b>' })
  await put('beta', { on: true })
  open()
  await page.waitForFunction(() => document.querySelector('li').textContent === 'beta is on')
  assert.equal(await page.evaluate(() => flags.status.resumed), true)
  assert.equal(asked.length, 1)
  assert.deepEqual(complaints, [])
})

test('getting started: every step, and everything that it tells the reader to try', async (t) => {
  const all = await snippets('getting-started.md')
  const folder = join(app.folder, 'tasks')
  let server
  const way = await openWay(() => Number(new URL(server.url).port))
  t.after(() => way.close())
  const host = new URL(way.url).host
  await app.write({ 'tasks/index.html': all['index.html'], 'tasks/main.js': all['main.js'].replace('localhost:7070', host) })
  const vite = await createVite({ root: folder, configFile: false, logLevel: 'error', server: { host: '127.0.0.1', port: 0 } })
  t.after(() => vite.close())
  await vite.listen()
  const [url] = vite.resolvedUrls.local
  const [program, ...words] = all['server.sh'].trim().replace('http://localhost:5173', new URL(url).origin).replace('tasks-data', join(folder, 'data')).split(' ')
  assert.equal(program, 'highwater')
  const start = async () => (server = await startHighwater(...words))
  await start()
  t.after(() => server.stop())
  const shell = (text) => promisify(execFile)('bash', ['-ec', text.replaceAll('localhost:7070', host)])
  await shell(all['write.sh'])

  const { page } = await openPage(browser, url)
  t.after(() => page.close())
  const shows = (phase, ...lines) => page.waitForFunction(([phase, lines]) => {
    const shown = [...document.querySelectorAll('li')].map(({ textContent }) => textContent)
    return document.querySelector('output').textContent === phase && shown.join() === lines
  }, [phase, lines.join()])
  const [read, build, third] = ['☑ Read this', '☐ Build something', '☐ A third']
  await shows('live', read, build)
  await shell(`curl -X PUT localhost:7070/v1/topics/tasks/task/3 -d '{"text":"A third","done":false}'`)
  await shows('live', read, build, third)
  const [, remove] = /^\| `(curl [^`]+)` \|/m.exec(await readFile(join(root, 'docs/getting-started.md'), 'utf8'))
  await shell(remove)
  await shows('live', build, third)
  await server.stop()
  await shows('stale', build, third)
  // It says what it was sent by how the answer begins: the stream went on.
  const answers = []
  page.on('request', (request) => request.url().includes('/stream') && answers.push(request.url()))
  await start()
  await shows('live', build, third)
  assert.match(answers.at(-1), /[?&]basis=/)
  const resumed = await fetch(answers.at(-1))
  const reader = resumed.body.getReader()
  const { value } = await reader.read()
  await reader.cancel()
  assert.match(Buffer.from(value).toString(), /"intentCode":"(none|xfer-changes)"/)
})

test('offline: what is there stays, is caught up with, and is there for the next visit', async (t) => {
  const server = await startHighwater('serve')
  t.after(server.stop)
  const site = await startSite(app.folder, server.url)
  t.after(() => site.stop())
  const put = async (key, text) => {
    const answer = await fetch(`${server.url}/v1/topics/tasks/task/${key}`, { method: 'PUT', body: JSON.stringify({ text }) })
    assert.ok(answer.ok)
  }
  await put('1', 'Read')
  // A server on this machine is there without a network, too: this one has another name.
  const far = await startBrowser('--host-resolver-rules=MAP far.test 127.0.0.1')
  t.after(() => far.close())
  const origin = site.url.replace('127.0.0.1', 'far.test')
  const { 'main.js': code } = await snippets('offline.md')
  await app.write({
    'offline/main.js': `${code.replaceAll(WRITTEN, origin)}\nwindow.tasks = tasks\n`,
    'offline/index.html': `<!doctype html><title>x</title><link rel="icon" href="data:,"><ul></ul><output></output>
<script type="importmap">{ "imports": { "highwater": "/node_modules/highwater/dist/browser.js" } }</script>
<script type="module" src="./main.js"></script>`,
  })
  const context = await far.newContext()
  const open = async () => {
    const page = await context.newPage()
    await page.goto(`${origin}/offline/`)
    return page
  }
  const shows = (page, list, words) =>
    page.waitForFunction(([list, words]) => document.querySelector('ul').textContent === list && document.querySelector('output').textContent === words, [list, words])

  const page = await open()
  await shows(page, 'Read', 'up to date')
  await context.setOffline(true)
  await shows(page, 'Read', 'no network')
  await put('2', 'Write')
  assert.match(await page.locator('output').getAttribute('title'), /^as it was \d+ s ago$/)
  await context.setOffline(false)
  await shows(page, 'Read, Write', 'up to date')
  assert.equal(await page.evaluate(() => tasks.status.resumed), true)

  // It is kept when there is time; a page that is left writes what it can.
  await page.evaluate(() => tasks.close())
  await page.close()
  await context.route('**/v1/**', (route) => route.abort())
  await shows(await open(), 'Read, Write', 'connecting again')
})
