// The demo page against the real server, in Chromium: real clicks, and the server's own answer to
// compare with.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { PHONE, WIDE, frames, live, moment, openPage, photograph, record, recorded, startBrowser, startDemo } from './demo.mjs'
import { FAULTS, RESUME, assertEqualsServer, inOrder } from './flow.mjs'

let demo, browser, page, complaints
const children = new Set()

before(async () => {
  demo = await startDemo()
  browser = await startBrowser()
  ;({ page, complaints } = await openPage(browser, demo.url))
  // Without this nothing else means anything: fail once, and say what the page said.
  await live(page).catch(async (error) => {
    const shown = await page.getByTestId('status').innerText()
    throw new Error(`the page did not become live: ${error.message}\n${complaints.join('\n')}\n${shown}\n${demo.log()}`)
  })
})

after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await browser?.close()
  await demo?.stop()
})

const byId = (id) => page.getByTestId(id)
const row = (pid) => page.locator(`[data-testid=row][data-key^="${pid}-"]:not(.gone)`)

/** A process that does nothing, of which the table must tell. */
function idle(argv0 = 'node') {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { argv0, stdio: 'ignore' })
  children.add(child)
  return child
}

async function end(child) {
  child.kill('SIGKILL')
  children.delete(child)
}

test('the page becomes live with real rows', async () => {
  const { items } = await assertEqualsServer(page)
  assert.ok(items.length > 2, `${items.length} items`)
  await page.locator('[data-testid=check][data-result=ok]').waitFor()
  assert.equal(await byId('status-resume').textContent(), 'snapshot')
  assert.match(await byId('count').textContent(), /^\d+ processes$/)
})

test('a process of ours appears and disappears', async () => {
  const child = idle()
  await row(child.pid).waitFor()
  const text = await row(child.pid).textContent() // also where it is out of sight
  assert.match(text, /node/)
  assert.ok(text.includes(String(process.pid)), 'the parent is us')
  await end(child)
  await row(child.pid).waitFor({ state: 'detached' })
  await assertEqualsServer(page)
})

test('names are text, whatever they say', async () => {
  const name = '<img src=x onerror=document.title=1>'
  const child = idle(name)
  await row(child.pid).waitFor()
  assert.equal(await row(child.pid).locator('.command').textContent(), name)
  assert.equal(await page.locator('[data-testid=table] img').count(), 0)
  await end(child)
})

test('every column sorts, both ways', async () => {
  const ids = await page.locator('[data-testid^=sort-]').evaluateAll((all) => all.map((one) => one.dataset.testid.slice(5)))
  assert.equal(ids.length, 10)
  for (const id of [...ids, 'cpu']) {
    const directions = []
    for (let click = 0; click < 2; click += 1) {
      await byId(`sort-${id}`).click()
      const head = page.locator('[role=columnheader]').filter({ has: byId(`sort-${id}`) })
      const direction = await head.getAttribute('aria-sort')
      directions.push(direction)
      await page.waitForFunction(inOrder, [id, direction])
    }
    assert.deepEqual(directions.toSorted(), ['ascending', 'descending'])
  }
  await byId('sort-cpu').click()
})

test('the filter finds by pid, name, user and command, from the keyboard', async () => {
  const child = idle()
  await row(child.pid).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type(`node ${child.pid}`)
  const visible = page.locator('[data-testid=row]:not(.gone):visible')
  await page.waitForFunction((pid) => {
    const rows = [...document.querySelectorAll('[data-testid=row]:not([hidden])')]
    return rows.length === 1 && rows[0].dataset.key.startsWith(`${pid}-`)
  }, child.pid)
  assert.equal(await visible.count(), 1)
  assert.match(await byId('count').textContent(), /^1 of \d+ processes$/)
  await byId('filter').fill('surely nothing is called this')
  await page.waitForFunction(() => document.querySelectorAll('[data-testid=row]:not([hidden])').length === 0)
  await page.keyboard.press('Escape')
  assert.equal(await byId('filter').inputValue(), '')
  await page.waitForFunction(() => document.querySelectorAll('[data-testid=row][hidden]').length === 0)
  await page.keyboard.press('Escape')
  await end(child)
})

test('the rows keep their order under the pointer, and their contents stay right', async () => {
  await page.locator('[data-testid=row]').first().hover()
  await byId('held').waitFor()
  const order = () => page.locator('[data-testid=row]').evaluateAll((rows) => rows.map((row) => row.dataset.key))
  const before = await order()
  const version = await page.evaluate(() => window.highwaterDemo.store.version)
  await page.waitForFunction((version) => window.highwaterDemo.store.version >= version + 2, version)
  const present = await order()
  assert.deepEqual(present.slice(0, before.length), before)
  await assertEqualsServer(page)
  await page.mouse.move(5, 5)
  await byId('held').waitFor({ state: 'hidden' })
})

test('changed cells flash, new rows are marked, and nodes are kept', async () => {
  await page.evaluate(() => {
    for (const node of document.querySelectorAll('[data-testid=row]')) node.mine = true
  })
  await page.locator('[data-testid=row] [data-flash]').first().waitFor()
  const child = idle()
  await page.locator(`[data-testid=row].new[data-key^="${child.pid}-"]`).waitFor()
  const kept = await page.locator('[data-testid=row]').evaluateAll((rows) => rows.filter((row) => row.mine).length)
  assert.ok(kept > 2)
  await end(child)
  await page.locator(`[data-testid=row].gone[data-key^="${child.pid}-"]`).waitFor()
})

test('charts draw the machine and the stream, within their boxes', async () => {
  await byId('chart-cpu').waitFor()
  const value = async (id) => byId(id).textContent()
  await page.waitForFunction(() => /\d/.test(document.querySelector('[data-testid=chart-cpu-total]').textContent))
  assert.match(await value('chart-memory-used'), /iB$/)
  assert.match(await value('chart-load-1-min'), /^\d/)
  await page.waitForFunction(() => Number(document.querySelector('[data-testid=chart-stream-events-s]').textContent) > 0)
  for (const viewport of [PHONE, WIDE]) {
    await page.setViewportSize(viewport)
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.plot')].every((box) => {
        const canvas = box.querySelector('canvas')
        return canvas.clientWidth <= box.clientWidth && canvas.clientWidth > box.clientWidth * 0.6
      }),
    )
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'no sideways scrolling')
  }
})

test('the devtools show what events did, and the state at any moment', async () => {
  const rows = byId('wire').locator('[role=option]:visible')
  await byId('wire-commit').click()
  await rows.filter({ hasText: /commit|updated|insert|delete/ }).first().waitFor()
  // Rows move while they are followed: keys choose among what there is.
  await byId('wire').focus()
  await page.keyboard.press('End')
  await byId('event-detail').waitFor()
  assert.match(await byId('event-detail').innerText(), /It says\s+commit \w+\.\d+/)
  assert.match(await byId('event-raw').innerText(), /"state"/)
  await byId('event-travel').click()
  await byId('time-items').locator('[role=option]:visible').filter({ hasText: 'host' }).first().waitFor()
  await byId('tab-wire').click()
  await byId('wire-commit').click()
  await byId('wire-follow').click()
})

test('pause, connect and reconnect', async () => {
  await byId('pause').click()
  await page.waitForFunction(() => window.highwaterDemo.store.status.phase === 'paused')
  assert.equal(await byId('phase').textContent(), 'paused')
  assert.equal(await byId('pause').textContent(), 'Connect')
  await byId('pause').click()
  await live(page)
  assert.equal(await byId('status-resume').textContent(), 'resumed')
  await record(page)
  await byId('reconnect').click()
  await page.waitForFunction(() => window.recording.seen.steps.resumed >= 1)
  await live(page)
  await assertEqualsServer(page)
})

test('the check is a check: it tells of a row that is wrong', async () => {
  const child = idle()
  await row(child.pid).waitFor()
  const verdict = await page.evaluate(async (pid) => {
    const cell = document.querySelector(`[data-testid=row][data-key^="${pid}-"] .version`)
    const right = cell.textContent
    cell.textContent = '999999'
    const verdict = await window.highwaterDemo.verify()
    cell.textContent = right
    return verdict
  }, child.pid)
  assert.equal(verdict.ok, false)
  assert.match(verdict.problems.join('; '), /shows version 999999/)
  await byId('verify').click()
  await page.locator('[data-testid=check][data-result=ok][data-fault=""]').waitFor()
  await end(child)
})

for (const [fault, judge] of Object.entries(FAULTS)) {
  test(`${fault}: the table is right again`, { timeout: 90_000 }, async () => {
    const epoch = (await moment(page)).answer.cursor.split('.')[0]
    await record(page)
    await byId(`fault-${fault}`).click()
    await page.locator(`[data-testid=check][data-fault=${fault}]:is([data-result=ok], [data-result=failed])`).waitFor({ timeout: 60_000 })
    const line = await byId('check').textContent()
    assert.equal(await byId('check').getAttribute('data-result'), 'ok', line)
    assert.match(line, /table equals the server’s state at cursor .+✓/)
    await live(page)
    judge(await recorded(page))
    const verdict = fault in RESUME ? RESUME[fault] : 'resumed'
    if (verdict !== undefined) assert.equal(await byId('status-resume').textContent(), verdict)
    const answer = await assertEqualsServer(page)
    assert.equal(answer.cursor.split('.')[0] === epoch, fault !== 'restart', 'another life only after a restart')
    assert.equal(answer.items.some(({ key }) => key === 'garbage'), false)
    await photograph(page, fault)
  })
}

test('the theme is the system’s until one is chosen', async () => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  await page.emulateMedia({ colorScheme: 'light' })
  const light = await ground()
  await page.emulateMedia({ colorScheme: 'dark' })
  const dark = await ground()
  assert.notEqual(light, dark)
  await byId('theme').click()
  assert.equal(await ground(), light)
  await page.reload()
  await live(page)
  assert.equal(await ground(), light, 'the choice is kept')
  await byId('theme').click()
  assert.equal(await ground(), dark)
})

test('without motion, changes are marked all the same', async () => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.locator('[data-testid=row] [data-flash]').first().waitFor()
  const timing = await page.locator('[data-testid=row] [data-flash]').first().evaluate((cell) => getComputedStyle(cell).animationTimingFunction)
  assert.match(timing, /step/)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
})

test('every control has a name, and headings and roles are in place', async () => {
  await frames(page)
  const nameless = await page.locator(':is(button, input, a, [role=region], [role=table]):not([hidden])').evaluateAll((all) =>
    all
      .filter((one) => !(one.textContent.trim() || one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') || one.closest('label')))
      .map((one) => one.outerHTML),
  )
  assert.deepEqual(nameless, [])
  assert.equal(await page.locator('h1').count(), 1)
})

test('nobody complained', () => {
  // What Chromium prints for a stream that we broke on purpose was told apart as it came.
  assert.deepEqual(complaints, [])
})
