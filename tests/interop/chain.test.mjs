// A source of environments and flags, a relay that follows it, a relay that follows that one, and SDKs at the end.
// Every process is killed in turn, for HIGHWATER_CHAIN_SECONDS; 15 by itself.

import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { startHighwater } from '../highwater.mjs'
import { flag, forSegment, openWay, SDK_KEY, segment } from './relay.mjs'
import { until } from '../until.mjs'
import { missing, SDKS, startSdk } from './sdks.mjs'

const SECONDS = Number(process.env.HIGHWATER_CHAIN_SECONDS ?? 15)
/** Who was away long enough waits half a minute before it asks again. */
const PATIENCE = 120_000

const source = `[auto-config]
serve-to = ["rel-for-the-first"]
[[environments]]
id = "chained"
project = "p"
sdk-key = "${SDK_KEY}"
mobile-key = "mob-x"
file = "flags.json"
`
const relay = (key, upstream, others) => `[auto-config]
key = "${key}"
stream-uri = "${upstream}"
cache = "environments.cache"
${others ? `serve-to = ["${others}"]\n` : ''}`

test('a chain whose every link is killed again and again', { timeout: SECONDS * 1000 + 3 * PATIENCE }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'highwater-chain-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const write = async (version) => {
    const flags = { counter: flag(version, version), beta: forSegment(1, 'staff') }
    await writeFile(join(folder, 'new'), JSON.stringify({ flags, segments: { staff: segment(1, 'ann') } }))
    await rename(join(folder, 'new'), join(folder, 'flags.json'))
  }

  /** A link with an address for good. */
  async function link(name, config) {
    const file = join(folder, `${name}.toml`)
    await writeFile(file, config.replace('environments.cache', `${name}.cache`))
    let process = await startHighwater('relay', '--config', file)
    const way = await openWay(() => Number(new URL(process.url).port))
    t.after(async () => {
      way.close()
      await process.kill()
    })
    const restart = async () => {
      await process.kill()
      process = await startHighwater('relay', '--config', file)
    }
    return { url: way.url, restart }
  }

  await write(1)
  const first = await link('source', source)
  const second = await link('first', relay('rel-for-the-first', first.url, 'rel-for-the-second'))
  const third = await link('second', relay('rel-for-the-second', second.url))
  const links = [first, second, third]
  const sdks = Object.entries(SDKS).filter(([name]) => !missing(name))
  assert.ok(sdks.length >= 2)
  const ends = sdks.map(([name, command]) => [name, startSdk(t, command(third.url, SDK_KEY))])
  for (const [name, sdk] of ends) assert.deepEqual(await sdk.began, { ready: true }, `${name}: ${sdk.log()}`)
  const store = connect(`${third.url}/sdk/stream`, { protocol: 'fdv2', headers: { authorization: SDK_KEY } })
  t.after(() => store.close())
  await store.ready

  let [version, kills] = [1, 0]
  const end = performance.now() + SECONDS * 1000
  while (performance.now() < end) {
    await write(++version)
    await links[kills++ % links.length].restart()
    await new Promise((resolve) => setTimeout(resolve, 700))
    // What there was is never lost, whoever is away.
    for (const [name, sdk] of ends) {
      assert.equal(await sdk.value('beta', 'ann'), 'by segment', name)
      assert.ok((await sdk.value('counter')) >= 1, name)
    }
  }
  await write(++version)
  const before = performance.now()
  for (const [name, sdk] of ends) {
    await until(async () => (await sdk.value('counter')) === version, `${name} has version ${version}: ${sdk.log().slice(-2000)}`, PATIENCE)
  }
  await until(() => store.versionOf('flag', 'counter') === version, 'our store has it', PATIENCE)
  t.diagnostic(`${kills} kills in ${SECONDS} s, ${version} versions; ${ends.length + 1} clients had the last ${Math.round(performance.now() - before)} ms after it was written`)
})
