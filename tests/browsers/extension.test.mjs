// The browser's extension in Firefox: installed for a while, as its developers do, and its panel opened
// by its own address. What the panel does with a store is tried in Chromium, by tests/browser.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { root } from '../highwater.mjs'
import { browsers, inEach, startBrowser } from './driver.mjs'
import { startServer } from './scene.mjs'

const ID = 'devtools@highwater.invalid'

inEach((name) => {
  let server, browser
  before(async () => {
    server = await startServer()
    browser = await startBrowser(name)
  })
  after(() => Promise.all([browser?.stop(), server?.stop()]))

  test('the panel finds the stores of a tab, follows them, and breaks them', async () => {
    const put = (topic, key, value) => server.ask('PUT', `/v1/topics/${topic}/flag/${key}`, value)
    for (let at = 0; at < 8; at += 1) await put('fox', `flag-${at}`, { name: `Fox ${at}` })
    await put('frame', 'only', { name: 'Framed' })
    const page = await browser.open(`${server.site.url}/tests/browser/extension/?topic=fox&frame=frame`)
    await page.waitForFunction(() => window.isReady)

    assert.equal(await browser.ask('/moz/addon/install', { path: `${root}www/extension`, temporary: true }), ID)
    const [host, tab] = await browser.asFirefox(
      `const { extension, mozExtensionHostname } = WebExtensionPolicy.getByID(arguments[0])
       const window = Services.wm.getMostRecentWindow('navigator:browser')
       return [mozExtensionHostname, extension.tabManager.getWrapper(window.gBrowser.selectedTab).id]`,
      ID,
    )
    const panel = await browser.open(`moz-extension://${host}/panel.html?tab=${tab}`)
    const reads = (id, text) =>
      panel.waitForFunction(([id, text]) => {
        const found = document.querySelector('highwater-devtools')?.shadowRoot?.querySelector(`[data-testid=${id}]`)?.textContent
        return found?.includes(text) || `${id} reads ${found}`
      }, [id, text])
    const click = (id) => panel.evaluate((id) => document.querySelector('highwater-devtools').shadowRoot.querySelector(`[data-testid=${id}]`).click(), id)
    await reads('store', '/v1/topics/fox/stream')
    await reads('store', 'frame: /v1/topics/frame/stream')
    await reads('store-phase', 'live')
    await reads('items-count', '8 items')
    await put('fox', 'flag-1', { name: 'Vixen' })
    await reads('items', 'Vixen')
    await click('tab-break')
    await click('break-duplicate')
    await reads('break-pending', 'the next 5 come twice')

    // Seen from its first byte.
    await page.goto(`${server.site.url}/tests/browser/extension/?topic=fox`)
    await page.waitForFunction(() => window.isReady)
    await click('tab-wire')
    await panel.show()
    await reads('wire', 'server-intent')
    await page.goto(`${server.site.url}/tests/browser/extension/`)
    await panel.show()
    await reads('nothing', 'This page has no store of Highwater')
  })
}, browsers.filter((name) => name === 'firefox'))
