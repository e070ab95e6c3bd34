// The devtools under load, in Chromium: what frames cost while a stream goes on, without the panel, with
// it, and in each of its tabs. Figures, no verdict.

import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { launch, serve } from './chromium.mjs'

const { values: given } = parseArgs({
  options: { items: { type: 'string', default: '100000' }, rate: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '10' } },
})
const millis = Number(given.seconds) * 1000

/** What is done before frames are measured; and while they are. */
const SCENES = {
  'no panel': {},
  'recording, closed': { panel: true },
  Items: { panel: true, tab: 'items' },
  'Items, scrolling': { panel: true, tab: 'items', during: 'items' },
  'Items, searching': { panel: true, tab: 'items', search: 'value 99' },
  Wire: { panel: true, tab: 'wire' },
  Charts: { panel: true, tab: 'charts' },
}

const folder = (path) => fileURLToPath(new URL(path, import.meta.url))
const server = await serve({ '/devtools/': folder('devtools/'), '/dist/': folder('../../../dist/') })
const browser = await launch()
console.log(`${given.items} items, ${given.rate} events a second, Chromium ${browser.version()}; milliseconds\n`)
console.log('| | a frame’s work: half | 99 % | most | over 16 | between frames: half | 99 % | events/s |\n| --- | --- | --- | --- | --- | --- | --- | --- |')
for (const [name, scene] of Object.entries(SCENES)) {
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${server.address().port}/devtools/index.html?items=${given.items}&rate=${given.rate}${scene.panel ? '&panel' : ''}`)
  const { work, between, events } = await run(page, scene)
  await page.close()
  const [half, most] = [at(work, 0.5), Math.max(...work)]
  const over = `${work.filter((time) => time > 16).length} of ${work.length}`
  console.log(`| ${name} | ${half.toFixed(1)} | ${at(work, 0.99).toFixed(1)} | ${most.toFixed(1)} | ${over} | ${at(between, 0.5).toFixed(1)} | ${at(between, 0.99).toFixed(1)} | ${events.toFixed(0)} |`)
}
await browser.close()
server.close()

async function run(page, { tab, search, during }) {
  await page.waitForFunction(() => window.store?.status.phase === 'live', undefined, { timeout: 120_000 })
  if (tab !== undefined) {
    await page.evaluate(() => window.devtools.open())
    await page.getByTestId(`tab-${tab}`).click()
  }
  if (search !== undefined) await page.getByTestId('items-search').fill(search)
  // The first look at everything is over, but for a search: that is what is measured.
  else await page.evaluate(() => window.measure(1000))
  const scroll = during === undefined ? undefined : setInterval(() => void page.getByTestId(during).evaluate((list) => (list.scrollTop += 2000)).catch(() => {}), 30)
  const figures = await page.evaluate((millis) => window.measure(millis), millis)
  clearInterval(scroll)
  return figures
}

function at(figures, share) {
  return figures.toSorted((a, b) => a - b)[Math.floor((figures.length - 1) * share)]
}
