// Chromium, and a page of its own for each peer.

import { createServer } from 'node:http'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'

/** Starts it. `run(ask, said)` opens a page and answers with what `ask(bench)` does there. */
export async function startChromium() {
  const folder = await bundle()
  const server = await serve({ '/page/': folder, '/dist/': fileURLToPath(new URL('../../../dist/', import.meta.url)) })
  const browser = await launch()
  const cdp = await browser.newBrowserCDPSession()
  const url = `http://127.0.0.1:${server.address().port}/`
  return {
    version: browser.version(),
    async run(said, ask, ...given) {
      const page = await browser.newPage()
      try {
        return await inPage(page, url, cdp, said, ask, given)
      } finally {
        await page.close()
      }
    },
    async stop() {
      await browser.close()
      server.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Chromium itself. */
export function launch() {
  return chromium.launch({ executablePath, args })
}

/** Chromium with an extension, and that one's background. */
export async function launchWithExtension(folder) {
  const context = await chromium.launchPersistentContext('', {
    executablePath,
    ignoreDefaultArgs: ['--disable-extensions'],
    viewport: { width: 1280, height: 720 },
    args: [...args, `--disable-extensions-except=${folder}`, `--load-extension=${folder}`],
  })
  return { context, worker: context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker')) }
}

const executablePath = process.env.CHROME ?? process.env.CHROMIUM ?? '/usr/bin/chromium'
const args = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc',
]

async function inPage(page, url, cdp, said, ask, given) {
  let fault
  page.on('pageerror', (error) => (fault ??= error))
  await page.exposeFunction('said', said)
  const session = await page.context().newCDPSession(page)
  await page.exposeFunction('heapBytes', async () => {
    for (let times = 0; times < 3; times += 1) await session.send('HeapProfiler.collectGarbage')
    const { usedSize, backingStorageSize = 0, embedderHeapUsedSize = 0 } = await session.send('Runtime.getHeapUsage')
    return usedSize + backingStorageSize + embedderHeapUsedSize
  })
  await page.goto(url)
  await page.waitForFunction(() => 'bench' in globalThis)
  // Only now: to come here the page took another process.
  await page.exposeFunction('threadTime', await threadTimes(cdp))
  const answer = await page.evaluate(ask, given)
  if (fault !== undefined) throw fault
  return answer
}

/**
 * Milliseconds that the main threads of all renderers have computed; all but ours are idle. Linux
 * counts them without the waits for a core, and elsewhere the wall clock has to do.
 */
async function threadTimes(cdp) {
  const { processInfo } = await cdp.send('SystemInfo.getProcessInfo')
  const times = new Map(processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => [`/proc/${id}/schedstat`, 0]))
  const read = () => {
    let sum = 0
    for (const file of times.keys()) {
      // A spare one may end: what it had computed stays.
      const text = existsSync(file) ? readFileSync(file, 'latin1') : undefined
      if (text !== undefined) times.set(file, Number(text.split(' ')[0]) / 1e6)
      sum += times.get(file)
    }
    return sum
  }
  return read() > 0 ? read : () => performance.now()
}

async function bundle() {
  const folder = await mkdtemp(join(tmpdir(), 'highwater-bench-'))
  await build({
    entryPoints: [fileURLToPath(new URL('page.mjs', import.meta.url))],
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    external: ['/dist/*'],
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning',
  })
  return folder
}

/** Files of some folders, to a page that is alone in its process and so has a fine clock. */
export async function serve(folders) {
  const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    if (pathname === '/') {
      response.writeHead(200, { ...headers, 'content-type': 'text/html' })
      response.end('<!doctype html><title>bench</title><script type=module src=/page/page.mjs></script>')
      return
    }
    const prefix = Object.keys(folders).find((prefix) => pathname.startsWith(prefix))
    const file = prefix === undefined ? undefined : await readFile(join(folders[prefix], pathname.slice(prefix.length))).catch(() => undefined)
    if (file === undefined) response.writeHead(404).end()
    else response.writeHead(200, { ...headers, 'content-type': TYPES[extname(pathname)] ?? 'text/javascript' }).end(file)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const TYPES = { '.wasm': 'application/wasm', '.html': 'text/html' }
