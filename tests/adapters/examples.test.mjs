// The examples, built by Vite from the packed package, before a real server, clicked through in Chromium.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { startBrowser } from '../browser/demo.mjs'
import { root, startHighwater } from '../highwater.mjs'
import { buildPage, openPage, shows } from './pages.mjs'
import { makeProject } from './project.mjs'
import { startSite } from './site.mjs'

/** Counts who listens to the store. */
const PROBE = `
const counted = Object.assign(globalThis, { listeners: 0 })
for (const method of ['subscribe', 'onStatus'] as const) {
  const listen = store[method].bind(store) as (...given: unknown[]) => () => void
  Object.assign(store, {
    [method]: (...given: unknown[]) => {
      const stop = listen(...given)
      let listens = counted.listeners++ >= 0
      return () => {
        if (listens) counted.listeners--
        listens = false
        stop()
      }
    },
  })
}
`

let project, server, site, browser

before(async () => {
  project = await makeProject()
  appendFileSync(`${project.folder}/tasks.ts`, PROBE)
  server = await startHighwater('serve')
  site = await startSite(`${project.folder}/dist`, server.url)
  browser = await startBrowser()
})

after(async () => {
  project?.remove()
  await Promise.all([browser?.close(), site?.stop(), server?.stop()])
})

/** The server's own word. */
const write = (kind, key, value) =>
  fetch(`${server.url}/v1/topics/tasks/${kind}/${key}`, { method: 'PUT', body: JSON.stringify(value) })

/** A topic with these three tasks and nothing else. */
async function threeTasks() {
  const item = (key, text) => ({ kind: 'task', key, object: { text, done: false } })
  const items = [item('a', 'Read'), item('b', 'Write'), item('c', 'Measure')]
  const answer = await fetch(`${server.url}/v1/topics/tasks`, { method: 'PUT', body: JSON.stringify({ items }) })
  assert.equal(answer.status, 200, await answer.text())
}

const rows = (page) =>
  page.$$eval('[data-testid=row]', (rows) =>
    rows.map((row) => `${row.querySelector('input').checked ? 'x' : 'o'} ${row.querySelector('label').textContent.trim()}`),
  )
const renders = (page) =>
  page.$$eval('[data-renders]', (all) =>
    Object.fromEntries(all.map(({ dataset }) => [dataset.key ?? dataset.testid, Number(dataset.renders)])),
  )
const text = (page, id) => page.getByTestId(id).textContent()
const box = (page, key) => page.locator(`[data-key="${key}"] input`)
const button = (page, key) => page.locator(`[data-key="${key}"] button`)

/** A page of an example, with three tasks on it. */
async function opened(name) {
  await threeTasks()
  await buildPage(project, name)
  const { page, complaints } = await openPage(browser, `${site.url}/${name}/`)
  await shows(() => text(page, 'status'), 'live').catch((error) => {
    throw new Error(`${error.message}\n${complaints.join('\n')}`)
  })
  await shows(() => rows(page), ['o Read', 'o Write', 'o Measure'])
  return { page, complaints }
}

async function add(page, words) {
  await page.getByPlaceholder('What is to be done?').fill(words)
  await page.getByRole('button', { name: 'Add' }).click()
}

test('the examples compile, strictly', () => {
  const { status, stdout } = spawnSync(`${root}node_modules/.bin/tsc`, ['-p', project.folder], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

for (const name of ['react', 'svelte', 'vue', 'solid']) {
  test(`${name}: tasks are shown, written, and drawn again only where they changed`, async () => {
    const { page, complaints } = await opened(name)
    assert.equal(await text(page, 'left'), '3 left')

    // One item: its own row is drawn again, once, and nothing else.
    const first = await renders(page)
    assert.deepEqual(Object.keys(first).sort(), ['a', 'b', 'c', 'list', 'status'])
    await box(page, 'b').click()
    await shows(() => rows(page), ['o Read', 'x Write', 'o Measure'])
    await shows(() => text(page, 'left'), '2 left')
    assert.deepEqual(await renders(page), { ...first, b: first.b + 1 })

    // From elsewhere, and as one that is new: the list, and the row that came.
    await write('task', 'd', { text: 'Rest', done: true })
    await shows(() => rows(page), ['o Read', 'x Write', 'o Measure', 'x Rest'])
    // The status, the keys, all tasks; and one for each row.
    await shows(() => page.evaluate(() => window.listeners), 7)
    assert.deepEqual(await renders(page), { ...first, b: first.b + 1, list: first.list + 1, d: 1 })

    // Another kind is nobody's business here.
    await write('owner', 'ada', { name: 'Ada' })
    await button(page, 'd').click()
    await shows(() => rows(page), ['o Read', 'x Write', 'o Measure'])
    await shows(() => page.evaluate(() => window.listeners), 6)
    assert.deepEqual(await renders(page), { ...first, b: first.b + 1, list: first.list + 2 })

    // A cut shows in the status alone; what was missed is made up for.
    await page.evaluate(() => {
      const status = document.querySelector('[data-testid=status]')
      window.phases = []
      new MutationObserver(() => window.phases.push(status.textContent)).observe(status, { subtree: true, childList: true, characterData: true })
    })
    site.cut()
    await write('task', 'c', { text: 'Measure again', done: false })
    await shows(() => rows(page), ['o Read', 'x Write', 'o Measure again'])
    await shows(() => page.evaluate(() => window.phases), ['stale', 'live'])
    const last = await renders(page)
    assert.deepEqual({ ...last, status: 0 }, { ...first, b: first.b + 1, list: first.list + 2, c: first.c + 1, status: 0 })
    assert.equal(last.status, first.status + 2)

    await add(page, 'Sleep')
    await shows(() => rows(page).then((all) => all.toSorted()), ['o Measure again', 'o Read', 'o Sleep', 'x Write'])
    assert.deepEqual(complaints, [])
    await page.close()
  })
}

test('tanstack-db: live queries and joins follow the stream, and writes show before the server has them', async () => {
  const { page, complaints } = await opened('tanstack-db')
  await write('owner', 'ada', { name: 'Ada' })
  await write('task', 'a', { text: 'Read', done: false, owner: 'ada' })
  await shows(() => rows(page), ['o Read (Ada)', 'o Write', 'o Measure'])
  await write('owner', 'ada', { name: 'Ada L.' })
  await shows(() => rows(page), ['o Read (Ada L.)', 'o Write', 'o Measure'])

  // While the server is asked: the page is ahead of it, and does not fall back when it answers.
  let release
  const held = new Promise((resolve) => (release = resolve))
  site.beforeWrite(() => held)
  const seen = await page.evaluateHandle(() => {
    const seen = []
    const list = document.querySelector('[data-testid=list]')
    new MutationObserver(() => {
      const now = list.querySelector('[data-key=b] input')?.checked
      if (seen.at(-1) !== now) seen.push(now)
    }).observe(list, { childList: true })
    return seen
  })
  await box(page, 'b').click()
  await shows(() => text(page, 'left'), '2 left')
  assert.equal((await (await fetch(`${server.url}/v1/topics/tasks/task/b`)).json()).done, false)
  release()
  const stored = async () => (await (await fetch(`${server.url}/v1/topics/tasks/task/b`)).json()).done
  await shows(stored, true)
  await write('task', 'c', { text: 'Measure again', done: false })
  await shows(() => rows(page), ['o Read (Ada L.)', 'x Write', 'o Measure again'])
  assert.deepEqual(await seen.jsonValue(), [true])

  // A write that the server refuses is taken back.
  site.beforeWrite(async () => 500)
  await box(page, 'a').click()
  await shows(() => text(page, 'failed'), 'Error: the server answered 500')
  await shows(() => rows(page), ['o Read (Ada L.)', 'x Write', 'o Measure again'])
  site.beforeWrite()

  await add(page, 'Rest')
  await shows(() => rows(page).then((all) => all.includes('o Rest')), true)
  await button(page, 'a').click()
  await shows(() => rows(page).then((all) => all.length), 3)

  // A whole new state, while the page was away: what is gone is gone, and nothing else moved.
  site.cut()
  await threeTasks()
  await shows(() => rows(page), ['o Read', 'o Write', 'o Measure'])
  assert.deepEqual(complaints.filter((words) => !words.includes('status of 500')), [])
  await page.close()
})

test('testing: a stream in the hands of a page, by a clock of its own', async () => {
  await buildPage(project, 'testing')
  const { page, complaints } = await openPage(browser, `${site.url}/testing/`)
  const state = async () => JSON.parse(await text(page, 'state'))
  const push = (name) => page.getByRole('button', { name, exact: true }).click()
  await page.getByTestId('state').filter({ hasText: 'connections' }).waitFor()

  await push('put')
  await page.getByRole('alert').filter({ hasText: 'there is no snapshot; begin one' }).waitFor()
  for (const name of ['begin', 'put', 'end']) await push(name)
  await shows(state, { state: { a: 'text 2', b: 'text 3' }, resumed: false, connections: 1 })
  for (const name of ['patch', 'duplicate', 'delete']) await push(name)
  await shows(state, { state: { a: 'text 4' }, resumed: false, connections: 1 })
  await push('reorder')
  await shows(state, { state: { a: 'text 4' }, error: 'gap', resumed: false, connections: 1 })
  await push('1 s later')
  await shows(state, { state: { a: 'text 6' }, resumed: true, connections: 2 })
  await push('cut')
  await shows(() => text(page, 'status'), 'stale')
  await push('1 min later')
  await shows(() => text(page, 'status'), 'live')
  await push('restart')
  await push('1 min later')
  await shows(() => state().then(({ resumed }) => resumed), false)
  assert.equal(await text(page, 'changes'), 'snapshot +a +b\n+a\n-b\n+a\n+a\n')
  assert.deepEqual(complaints, [])
  await page.close()
})
