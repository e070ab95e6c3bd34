// The pages of the demo, in Chromium: how long after the last byte of a stream's first state that state is
// on the screen. Figures, no verdict. The built program and www/dist have to be there.

import { createServer, request } from 'node:http'
import { parseArgs } from 'node:util'
import { startHighwater } from '../../../tests/highwater.mjs'
import { launch } from './chromium.mjs'

const { values: given } = parseArgs({ options: { times: { type: 'string', default: '20' } } })
const times = Number(given.times)

/** Where the state shows first, and what one does before. */
const PAGES = {
  Processes: { path: 'index.html', shown: '[data-testid=row]' },
  Flags: { path: 'flags.html', shown: '#flags tr' },
  Orders: { path: 'orders.html', shown: '[data-testid=order]' },
  'Playground, on the processes': { path: 'playground.html', shown: '#items [role=listitem]', click: 'example-machine' },
  '100k items': { path: 'items.html', shown: '#ours [role=listitem]', click: 'start', fewer: 4 },
}

const demo = await startHighwater('demo', '--www', 'www/dist')
const watch = await startWatch(demo.url)
const browser = await launch()
console.log(`Chromium ${browser.version()}, ${times} visits each; milliseconds from the last byte of the snapshot to its first row on the screen\n`)
const columns = ['', 'first visit: half', '90 %', 'most', 'again: half', '90 %', 'most']
console.log(`| ${columns.join(' | ')} |\n| ${columns.map(() => '---').join(' | ')} |`)
for (const [name, page] of Object.entries(PAGES)) {
  const [first, again] = [[], []]
  for (let visit = 0; visit < times / (page.fewer ?? 1); visit += 1) {
    // A context of its own has nothing in its cache, and the second page of it has.
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 } })
    first.push(await visited(context, page))
    again.push(await visited(context, page))
    await context.close()
  }
  const figures = [first, again].flatMap((list) => [0.5, 0.9, 1].map((share) => at(list, share).toFixed(0)))
  console.log(`| ${[name, ...figures].join(' | ')} |`)
}
await browser.close()
await watch.stop()
await demo.stop()

/** From the last byte to the screen, once. */
async function visited(context, { path, shown, click }) {
  const page = await context.newPage()
  // The page tells: to ask it again and again would be work at the wrong time.
  let tell
  const presented = new Promise((resolve) => (tell = resolve))
  await page.exposeFunction('presentedAt', tell)
  await page.addInitScript((shown) => {
    // Until it is presented it may be another: rows are made anew.
    const looking = new MutationObserver(() => {
      let first = document.querySelector(shown)
      while (first?.firstElementChild) first = first.firstElementChild
      first?.setAttribute('elementtiming', 'first')
    })
    looking.observe(document, { childList: true, subtree: true })
    // The browser itself says when the frame with its text was presented.
    const tell = ([{ renderTime }]) => {
      looking.disconnect()
      void window.presentedAt(performance.timeOrigin + renderTime)
    }
    new PerformanceObserver((list) => tell(list.getEntries())).observe({ type: 'element' })
  }, shown)
  watch.forget()
  await page.goto(`${watch.url}/${path}`)
  if (click !== undefined) await page.getByTestId(click).click()
  const seen = await presented
  const offset = await page.evaluate(clocks)
  await page.close()
  return seen + offset - watch.lastByte()
}

/** Runs in the page: how far the clock of the watch is ahead of the page's. */
async function clocks() {
  let best = { trip: Infinity, offset: 0 }
  for (let times = 0; times < 20; times += 1) {
    const asked = performance.timeOrigin + performance.now()
    const told = Number(await (await fetch('/clock', { cache: 'no-store' })).text())
    const heard = performance.timeOrigin + performance.now()
    if (heard - asked < best.trip) best = { trip: heard - asked, offset: told - (asked + heard) / 2 }
  }
  return best.offset
}

/** Between the page and the server, and looks at the clock when the first state of a stream is through. */
async function startWatch(server) {
  const now = () => performance.timeOrigin + performance.now()
  let last
  const watch = createServer((asked, answer) => {
    if (asked.url === '/clock') return void answer.end(String(now()))
    const on = request(server + asked.url, { method: asked.method, headers: asked.headers }, (came) => {
      answer.writeHead(came.statusCode, came.headers)
      let tail = ''
      let isOver = !asked.url.includes('/stream')
      came.on('data', (chunk) => {
        if (isOver) return void answer.write(chunk)
        const text = tail + chunk.toString('latin1')
        const end = text.indexOf('event: payload-transferred')
        isOver = end >= 0 && text.indexOf('\n\n', end) >= 0
        // It has left when the system has it: what waits in here has not.
        answer.write(chunk, isOver ? () => (last ??= now()) : undefined)
        tail = end >= 0 ? text.slice(end) : text.slice(-30)
      })
      came.on('end', () => answer.end())
      came.on('error', () => answer.destroy())
    })
    on.on('error', () => answer.destroy())
    answer.on('close', () => on.destroy())
    asked.pipe(on)
  })
  await new Promise((resolve) => watch.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${watch.address().port}`,
    forget: () => (last = undefined),
    lastByte: () => last,
    stop: () => (watch.closeAllConnections(), new Promise((resolve) => watch.close(resolve))),
  }
}

function at(figures, share) {
  return figures.toSorted((a, b) => a - b)[Math.floor((figures.length - 1) * share)]
}
