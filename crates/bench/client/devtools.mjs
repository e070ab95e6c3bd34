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
const columns = ['', 'a frame: half', '90 %', '99 %', 'most', 'over 16', 'longest other task', 'main thread, of a core', 'events/s']
console.log(`${given.items} items, ${given.rate} events a second, Chromium ${browser.version()}; milliseconds that the page’s main thread computed\n`)
console.log(`| ${columns.join(' | ')} |\n| ${columns.map(() => '---').join(' | ')} |`)
for (const [name, scene] of Object.entries(SCENES)) {
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${server.address().port}/devtools/index.html?items=${given.items}&rate=${given.rate}${scene.panel ? '&panel' : ''}`)
  const { frames, longest, share, events } = await run(page, scene)
  await page.close()
  const over = `${frames.filter((time) => time > 16).length} of ${frames.length}`
  const figures = [at(frames, 0.5), at(frames, 0.9), at(frames, 0.99), at(frames, 1)].map((figure) => figure.toFixed(1))
  console.log(`| ${[name, ...figures, over, longest.toFixed(1), `${(100 * share).toFixed(0)} %`, events.toFixed(0)].join(' | ')} |`)
}
await browser.close()
server.close()

async function run(page, { tab, search, during }) {
  await page.waitForFunction(() => window.store?.status.phase === 'live', undefined, { timeout: 120_000 })
  if (tab !== undefined) {
    await page.evaluate(() => window.devtools.open())
    await page.getByTestId(`tab-${tab}`).click()
  }
  // The first look at everything is over.
  await page.waitForTimeout(2000)
  await browser.startTracing(page, { categories: ['toplevel', 'cc'] })
  const before = await page.evaluate(() => [window.sent(), performance.now()])
  const scroll = during === undefined ? undefined : setInterval(() => void page.getByTestId(during).evaluate((list) => (list.scrollTop += 2000)).catch(() => {}), 30)
  if (search !== undefined) await page.getByTestId('items-search').fill(search)
  await page.waitForTimeout(millis)
  clearInterval(scroll)
  const after = await page.evaluate(() => [window.sent(), performance.now()])
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString())
  const seconds = (after[1] - before[1]) / 1000
  return { ...costs(traceEvents, seconds), events: (2 * (after[0] - before[0])) / seconds }
}

/**
 * What frames took of the page's main thread, from the first callback to the end of painting; and what
 * tasks without a frame did. Chromium counts the time that a thread computes, without its waits for a core.
 */
function costs(events, seconds) {
  const begun = events.filter(({ name, tdur }) => name === 'ProxyMain::BeginMainFrame' && tdur !== undefined)
  if (begun.length === 0) throw new Error('the trace tells of no frame')
  const [{ pid, tid }] = begun
  const tasks = events.filter((event) => event.pid === pid && event.tid === tid && event.name === 'ThreadControllerImpl::RunTask')
  const others = tasks.filter(({ ts, dur }) => !begun.some((frame) => frame.ts >= ts && frame.ts < ts + dur))
  const sum = tasks.reduce((sum, { tdur = 0 }) => sum + tdur, 0)
  return { frames: begun.map(({ tdur }) => tdur / 1000), longest: Math.max(0, ...others.map(({ tdur = 0 }) => tdur / 1000)), share: sum / 1e6 / seconds }
}

function at(figures, share) {
  return figures.toSorted((a, b) => a - b)[Math.floor((figures.length - 1) * share)]
}
