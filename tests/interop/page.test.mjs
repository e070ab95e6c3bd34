// LaunchDarkly's SDK for browsers, unmodified, in Chromium on our relay: told to ask again (pings), and told values, in
// the older protocol and in the newest.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { startBrowser } from '../browser/demo.mjs'
import { CLIENT_SIDE_ID, flag, forSegment, segment, startRelay } from './relay.mjs'
import { until } from '../until.mjs'

let browser
let script
before(async () => {
  const entryPoints = [fileURLToPath(new URL('sdks/page.mjs', import.meta.url))]
  const built = await build({ entryPoints, bundle: true, format: 'esm', write: false })
  script = built.outputFiles[0].text
  browser = await startBrowser()
})
after(() => browser?.close())

/** The page, served. */
async function servePage(t) {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' })
    response.end(isScript ? script : '<!doctype html><title>flags</title><body><script type="module" src="/page.js"></script>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${server.address().port}`
}

const FLAGS = {
  flags: { plain: flag(3, 'one'), beta: forSegment(7, 'staff'), hidden: { ...flag(1, 'x'), clientSideAvailability: { usingEnvironmentId: false, usingMobileKey: false } } },
  segments: { staff: segment(4, 'ann') },
}

for (const [how, words, asked, path, refused] of [
  ['pings', [], {}, '/eval/', 'failed'],
  ['values', ['--stream-evaluations'], {}, '/eval/', 'failed'],
  // In this mode the SDK asks on for as long as its application waits.
  ['values by FDv2', [], { fdv2: 'true' }, '/sdk/stream/eval/', 'timeout'],
]) {
  test(`a page that is streamed ${how}`, async (t) => {
    const relay = await startRelay(t, FLAGS, ...words)
    const address = await servePage(t)
    const open = async (user, id = CLIENT_SIDE_ID) => {
      const page = await browser.newPage()
      t.after(() => page.close())
      await page.goto(`${address}/?${new URLSearchParams({ relay: relay.url, id, user, ...asked })}`)
      const flags = () => page.evaluate(() => window.client.allFlags())
      const becomes = (all) => until(async () => JSON.stringify(await flags()) === JSON.stringify(all), `${user} has ${JSON.stringify(all)}`)
      return { page, flags, becomes }
    }
    const ann = await open('ann')
    const bob = await open('bob')
    assert.equal((await ann.page.evaluate(() => window.started)).status, 'complete')
    const sorted = async ({ flags }) => Object.fromEntries(Object.entries(await flags()).sort())
    assert.deepEqual(await sorted(ann), { beta: 'by segment', plain: 'one' })
    assert.equal((await bob.page.evaluate(() => window.started)).status, 'complete')
    assert.deepEqual(await sorted(bob), { beta: 'by default', plain: 'one' })

    const has = (who, key, value) => until(async () => (await who.flags())[key] === value, `${key} is ${value}`)
    // Streams are open before anything changes.
    await until(() => relay.way.streams(path) >= 2, 'two streams')
    await bob.page.evaluate(() => (window.changes.length = 0))
    await relay.write({ ...FLAGS, flags: { ...FLAGS.flags, plain: flag(4, 'two') } })
    await has(ann, 'plain', 'two')
    await has(bob, 'plain', 'two')
    assert.deepEqual(await bob.page.evaluate(() => window.changes), ['plain'])
    await relay.write({ flags: { ...FLAGS.flags, plain: flag(4, 'two') }, segments: { staff: segment(5, 'bob') } })
    await has(bob, 'beta', 'by segment')
    await has(ann, 'beta', 'by default')

    const { plain, ...rest } = FLAGS.flags
    assert.ok(plain)
    await relay.write({ flags: rest, segments: { staff: segment(5, 'bob') } })
    await has(bob, 'plain', undefined)
    await relay.write({ flags: { ...rest, plain: flag(9, 'again') }, segments: { staff: segment(5, 'bob') } })
    await has(bob, 'plain', 'again')

    await relay.restart()
    await relay.write({ flags: { ...rest, plain: flag(10, 'after the restart') }, segments: { staff: segment(5, 'bob') } })
    await has(ann, 'plain', 'after the restart')
    await has(bob, 'plain', 'after the restart')
    relay.way.slow(2)
    await relay.write({ flags: { ...rest, plain: flag(11, 'slowly') }, segments: { staff: segment(5, 'bob') } })
    await has(ann, 'plain', 'slowly')

    const stranger = await open('ann', 'no-such-environment')
    assert.equal((await stranger.page.evaluate(() => window.started)).status, refused)
    assert.deepEqual(await stranger.flags(), {})
  })
}
