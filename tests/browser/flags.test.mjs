// The demo's flags: a switch is moved, and LaunchDarkly's own SDK on the same page sees it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPage, photograph, startBrowser } from './demo.mjs'
import { startHighwater } from '../highwater.mjs'

let demo, browser
before(async () => {
  demo = await startHighwater('demo', '--flags', '--www', process.env.HIGHWATER_WWW ?? 'www/dist')
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await demo?.stop()
})

test('a switch that is moved is seen by the SDK, also when somebody else moves it', async () => {
  const { page, complaints } = await openPage(browser, `${demo.url}/flags.html`)
  const seen = (key, value) => page.locator(`[data-testid="seen-${key}"]`, { hasText: value }).waitFor()
  await seen('dark-mode', 'false')
  await seen('greeting', '"good evening"')

  const toggle = page.getByTestId('toggle-dark-mode')
  await toggle.check()
  await seen('dark-mode', 'true')
  await toggle.uncheck()
  await seen('dark-mode', 'false')

  const flag = { on: true, variations: [25, 50], fallthrough: { variation: 1 }, clientSideAvailability: { usingEnvironmentId: true } }
  const put = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(flag) }
  assert.equal((await fetch(`${demo.url}/v1/topics/flags/flag/page-size`, put)).status, 200)
  await seen('page-size', '50')
  assert.ok(await page.getByTestId('toggle-page-size').isChecked())
  await photograph(page, 'flags')
  assert.deepEqual(complaints, [])
})
