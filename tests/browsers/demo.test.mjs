// The demo page's main flow in the browsers beside Chromium, of which tests/browser tells more: it is
// live, shows what the server has, and does so again after each fault. What is judged is the same.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { live, record, recorded, startDemo } from '../browser/demo.mjs'
import { FAULTS, RESUME, assertEqualsServer, inOrder } from '../browser/flow.mjs'
import { browsers, inEach, startBrowser } from './driver.mjs'

inEach((name) => {
  let demo, browser, page
  before(async () => {
    demo = await startDemo()
    browser = await startBrowser(name, { language: 'C.UTF-8' }) // a system without any, which WebKit calls so
    page = await browser.open(demo.url)
    await live(page)
  })
  after(() => Promise.all([browser?.stop(), demo?.stop()]))

  const click = (id) => page.click(`[data-testid=${id}]`)
  const text = (id) => page.evaluate((id) => document.querySelector(`[data-testid=${id}]`).textContent, id)
  /** Waits until so many rows are of this process. */
  const rows = (pid, count) =>
    page.waitForFunction(([pid, count]) => document.querySelectorAll(`[data-testid=row][data-key^="${pid}-"]:not(.gone)`).length === count, [pid, count])

  test('live, with the rows that the server has', async () => {
    const { items } = await assertEqualsServer(page)
    assert.ok(items.length > 2, `${items.length} items`)
    assert.equal(await text('status-resume'), 'snapshot')
  })

  test('a process of ours appears, is found by the filter, and disappears', async (t) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
    t.after(() => child.kill('SIGKILL'))
    await rows(child.pid, 1)
    await page.type('[data-testid=filter]', `node ${child.pid}`)
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=row]:not([hidden])').length === 1)
    child.kill('SIGKILL')
    await rows(child.pid, 0)
    await page.type('[data-testid=filter]', '\uE00C') // Escape
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=row][hidden]').length === 0)
    await assertEqualsServer(page)
  })

  test('sorted by a click', async () => {
    for (const id of ['pid', 'name', 'cpu']) {
      await click(`sort-${id}`)
      const find = (id) => document.querySelector(`[data-testid=sort-${id}]`).closest('[role=columnheader]').ariaSort
      await page.waitForFunction(inOrder, [id, await page.evaluate(find, id)])
    }
  })

  test('paused, connected and made to connect anew by clicks', async () => {
    await click('pause')
    await page.waitForFunction(() => highwaterDemo.store.status.phase === 'paused')
    await click('pause')
    await live(page)
    assert.equal(await text('status-resume'), 'resumed')
    await record(page)
    await click('reconnect')
    await page.waitForFunction(() => window.recording.seen.steps.resumed >= 1)
    await live(page)
    await assertEqualsServer(page)
  })

  for (const [fault, judge] of Object.entries(FAULTS)) {
    test(`${fault}: the table is right again`, async () => {
      await record(page)
      await click(`fault-${fault}`)
      await page.waitForFunction((fault) => {
        const { fault: of, result } = document.querySelector('[data-testid=check]').dataset
        return of === fault && (result === 'ok' || result === 'failed')
      }, fault)
      // A page that has no time to look at itself, on a machine that has other things to do, says so.
      for (let said = await text('check'); /never stood at the same cursor/.test(said); said = await text('check')) {
        await click('verify')
        await page.waitForFunction((said) => {
          const check = document.querySelector('[data-testid=check]')
          return check.textContent !== said && ['ok', 'failed'].includes(check.dataset.result)
        }, said)
      }
      assert.match(await text('check'), /table equals the server’s state at cursor .+✓/)
      await live(page)
      judge(await recorded(page))
      const verdict = fault in RESUME ? RESUME[fault] : 'resumed'
      if (verdict !== undefined) assert.equal(await text('status-resume'), verdict)
      await assertEqualsServer(page)
    })
  }
}, browsers.filter((name) => name !== 'chromium'))
