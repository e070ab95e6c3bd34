// The other pages of the demo, in the browsers beside Chromium, of which tests/browser/gallery tells more.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startDemo } from '../browser/demo.mjs'
import { browsers, inEach, startBrowser, until } from './driver.mjs'

inEach((name) => {
  let demo, browser, page
  before(async () => {
    demo = await startDemo()
    browser = await startBrowser(name)
    page = await browser.open()
  })
  after(() => Promise.all([browser?.stop(), demo?.stop()]))

  const click = (id) => page.click(`[data-testid=${id}]`)
  const text = (selector) => page.evaluate((selector) => document.querySelector(selector)?.textContent, selector)
  const has = (selector) => page.waitForFunction((selector) => document.querySelector(selector) !== null, selector)
  const says = (id, words, limit) =>
    until(`${name}: ${id} to say ${words}`, async () => {
      const said = await text(`[data-testid="${id}"]`)
      return words.test(said) || String(said)
    }, limit)

  test('flags: a switch is seen by LaunchDarkly’s SDK', async () => {
    await page.goto(`${demo.url}/flags.html`)
    await says('seen-dark-mode', /^false$/)
    await click('toggle-dark-mode')
    await says('seen-dark-mode', /^true$/)
  })

  test('orders: what was refused comes again, until worker and view are equal', async () => {
    await page.goto(`${demo.url}/orders.html`)
    await has('#verdict[data-result=ok]')
    await click('flow')
    await click('fail')
    await click('place-many')
    await has('[data-testid=batch][data-outcome=refused]')
    await has('[data-testid=batch][data-again]')
    await until(`${name}: all to be dealt with`, async () => {
      const done = await page.evaluate(() => document.querySelectorAll('[data-testid=order] [data-state=done]').length)
      return done === 20 || `${done} are`
    })
    await says('verdict', /equals the view/)
    await says('fact-in order', /^yes, of \d+ events$/)
  })

  test('100,000 items: figures, and no wrong key', async () => {
    await page.goto(`${demo.url}/items.html`)
    await click('start')
    await says('said', /^measured: 3 rounds, 100,000 items/, 240_000)
    assert.equal(await text('[data-testid=ours-wrong]'), '0')
  })

  test('playground: a recording, with its reasons; a broken one, with its line', async () => {
    await page.goto(`${demo.url}/playground.html`)
    await click('example-relay')
    await says('message', /^7 events led to 2 items\.$/)
    const wire = () => document.querySelector('highwater-devtools').shadowRoot.textContent
    await until(`${name}: the wire to be shown`, async () => /stale.+tombstone/s.test(await page.evaluate(wire)))
    await click('example-broken')
    await says('message', /^Line 5: the data of event 'patch'/)
    await click('example-machine')
    await says('message', /^Live at .+: \d+ items\.$/)
  })
}, browsers.filter((name) => name !== 'chromium'))
