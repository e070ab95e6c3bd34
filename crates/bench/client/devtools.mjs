// The devtools under load, in Chromium: what frames cost while a stream goes on, without the panel, with
// it in the page, and with it in the browser's extension, in each of its tabs. Figures, no verdict.

import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { launch, launchWithExtension, serve } from './chromium.mjs'

const { values: given } = parseArgs({
  options: { items: { type: 'string', default: '100000' }, rate: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '10' } },
})
const millis = Number(given.seconds) * 1000

/** What is looked at, and done, while frames are measured. */
const TABS = {
  Items: { tab: 'items' },
  'Items, scrolling': { tab: 'items', during: 'items' },
  'Items, searching': { tab: 'items', search: 'value 99' },
  Wire: { tab: 'wire' },
  Charts: { tab: 'charts' },
}

/** What marks a page's main thread in the trace, before a number. */
const MARK = 'highwater-bench-'

const folder = (path) => fileURLToPath(new URL(path, import.meta.url))
const server = await serve({ '/devtools/': folder('devtools/'), '/dist/': folder('../../../dist/') })
const address = `http://127.0.0.1:${server.address().port}/devtools/index.html?items=${given.items}&rate=${given.rate}`

const browser = await launch()
console.log(`${given.items} items, ${given.rate} events a second, Chromium ${browser.version()}; milliseconds that a page’s main thread computed`)
heading('the page')
for (const [name, scene] of Object.entries({ 'no panel': {}, 'recording, closed': { panel: true }, ...TABS })) {
  const page = await browser.newPage()
  const isMounted = scene.panel === true || scene.tab !== undefined
  await open(page, isMounted ? '&panel' : '')
  if (scene.tab !== undefined) await page.evaluate(() => window.devtools.open())
  const [costs, events] = await run(browser, page, scene, [page])
  line(name, costs[0], events)
  await page.close()
}
await browser.close()

// Each in a browser of its own: the panel is a page of the extension, and knows the other by its tab.
heading('the extension’s panel', 'the page meanwhile: half', 'most', 'of a core')
for (const [name, scene] of Object.entries(TABS)) {
  const { context, worker } = await launchWithExtension(folder('../../../www/extension'))
  const page = await context.newPage()
  await open(page, '')
  const tab = await worker.evaluate(async (address) => (await chrome.tabs.query({})).find(({ url }) => url === address).id, page.url())
  const panel = await context.newPage()
  await panel.goto(`${worker.url().replace('background.js', 'panel.html')}?tab=${tab}`)
  await panel.getByTestId('items').locator('[role=option]').first().waitFor({ timeout: 120_000 })
  const [costs, events] = await run(context.browser(), panel, scene, [panel, page])
  line(name, costs[0], events, at(costs[1].frames, 0.5).toFixed(1), at(costs[1].frames, 1).toFixed(1), share(costs[1]))
  await context.close()
}
server.close()

async function open(page, more) {
  await page.goto(address + more)
  await page.waitForFunction(() => window.store?.status.phase === 'live', undefined, { timeout: 120_000 })
}

/** What the main threads of these pages computed, the last of which has the stream; and events a second. */
async function run(browser, panel, { tab, search, during }, pages) {
  if (tab !== undefined) await panel.getByTestId(`tab-${tab}`).click()
  // The first look at everything is over.
  await panel.waitForTimeout(2000)
  await browser.startTracing(undefined, { categories: ['toplevel', 'cc', 'blink.user_timing'] })
  for (const [number, page] of pages.entries()) await page.evaluate((name) => void performance.mark(name), MARK + number)
  const source = pages.at(-1)
  const before = await source.evaluate(() => [window.sent(), performance.now()])
  const scroll = during === undefined ? undefined : setInterval(() => void panel.getByTestId(during).evaluate((list) => (list.scrollTop += 2000)).catch(() => {}), 30)
  if (search !== undefined) await panel.getByTestId('items-search').fill(search)
  await panel.waitForTimeout(millis)
  clearInterval(scroll)
  const after = await source.evaluate(() => [window.sent(), performance.now()])
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString())
  const seconds = (after[1] - before[1]) / 1000
  return [pages.map((_, number) => costs(traceEvents, MARK + number, seconds)), (2 * (after[0] - before[0])) / seconds]
}

/**
 * What frames took of the main thread that made a mark, from the first callback to the end of painting; and
 * what tasks without a frame did. Chromium counts the time that a thread computes, without its waits for a core.
 */
function costs(events, mark, seconds) {
  const { pid, tid } = events.find(({ name }) => name === mark)
  const here = events.filter((event) => event.pid === pid && event.tid === tid && event.tdur !== undefined)
  const begun = here.filter(({ name }) => name === 'ProxyMain::BeginMainFrame')
  if (begun.length === 0) throw new Error('the trace tells of no frame')
  const tasks = here.filter(({ name }) => name === 'ThreadControllerImpl::RunTask')
  const others = tasks.filter(({ ts, dur }) => !begun.some((frame) => frame.ts >= ts && frame.ts < ts + dur))
  const sum = tasks.reduce((sum, { tdur }) => sum + tdur, 0)
  return { frames: begun.map(({ tdur }) => tdur / 1000), longest: Math.max(0, ...others.map(({ tdur }) => tdur / 1000)), share: sum / 1e6 / seconds }
}

function heading(what, ...more) {
  const columns = [what, 'a frame: half', '95 %', '99 %', 'most', 'over 16', 'longest other task', 'of a core', 'events/s', ...more]
  console.log(`\n| ${columns.join(' | ')} |\n| ${columns.map(() => '---').join(' | ')} |`)
}

function line(name, { frames, longest, ...rest }, events, ...more) {
  const over = `${frames.filter((time) => time > 16).length} of ${frames.length}`
  const figures = [0.5, 0.95, 0.99, 1].map((part) => at(frames, part).toFixed(1))
  console.log(`| ${[name, ...figures, over, longest.toFixed(1), share(rest), events.toFixed(0), ...more].join(' | ')} |`)
}

function share({ share }) {
  return `${(100 * share).toFixed(0)} %`
}

function at(figures, share) {
  return figures.toSorted((a, b) => a - b)[Math.floor((figures.length - 1) * share)]
}
