// A relay with flags in a file, and a way to it that tests can spoil.

import { once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHighwater } from '../highwater.mjs'

export const SDK_KEY = 'sdk-interop-0123456789'
export const CLIENT_SIDE_ID = 'interop-environment'

/** A relay. It has the same address for its whole life, however often it is restarted. */
export async function startRelay(t, flags, ...words) {
  const folder = await mkdtemp(join(tmpdir(), 'highwater-interop-'))
  const write = async (all) => {
    // Nobody sees a half.
    await writeFile(join(folder, 'new'), JSON.stringify(all))
    await rename(join(folder, 'new'), join(folder, 'flags.json'))
  }
  const configure = (key) =>
    writeFile(
      join(folder, 'relay.toml'),
      `[[environments]]\nid = "${CLIENT_SIDE_ID}"\nsdk-key = "${key}"\nmobile-key = "mob-x"\nfile = "flags.json"\n`,
    )
  await write(flags)
  await configure(SDK_KEY)
  const start = () => startHighwater('relay', '--config', join(folder, 'relay.toml'), ...words)
  let process = await start()
  const way = await openWay(() => Number(new URL(process.url).port))
  t.after(async () => {
    way.close()
    await process.kill()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    url: way.url,
    way,
    write,
    /** Ends it, and starts it again; with another SDK key, if one is named. */
    async restart({ key = SDK_KEY } = {}) {
      await process.kill()
      await configure(key)
      process = await start()
    },
    log: () => process.log(),
  }
}

/** A proxy to whatever port there is at the moment. */
export async function openWay(port) {
  const open = new Set()
  let wait = 0
  const server = createServer((near) => {
    const far = connect(port(), '127.0.0.1')
    const pair = { near, far, head: '' }
    open.add(pair)
    near.on('data', (bytes) => {
      // The newest request: connections are used again.
      if (/^[A-Z]+ \//.test(bytes.toString('latin1', 0, 12))) pair.head = bytes.toString('latin1')
      far.write(bytes)
    })
    // A few bytes at a time, if the way is slow.
    let last = Promise.resolve()
    far.on('data', (bytes) => {
      last = last.then(async () => {
        if (!wait) return void near.write(bytes)
        for (let at = 0; at < bytes.length && !near.destroyed; at += 64) {
          near.write(bytes.subarray(at, at + 64))
          await new Promise((resolve) => setTimeout(resolve, wait))
        }
      })
    })
    const end = () => {
      open.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('error', end)
    near.on('close', end)
    far.on('close', () => last.then(end))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const streams = () => [...open].filter(({ head }) => /^(GET|REPORT) \/(all|flags|sdk\/stream|eval)/.test(head))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Milliseconds between pieces of 64 bytes. */
    slow: (millis) => (wait = millis),
    /** How many streams are open whose path begins so. */
    streams: (path = '') => streams().filter(({ head }) => head.split(' ')[1].startsWith(path)).length,
    /** Writes an event into every open stream, as if the server had sent it. */
    inject(event) {
      const length = Buffer.byteLength(event).toString(16)
      for (const { near } of streams()) near.write(`${length}\r\n${event}\r\n`)
    },
    cut() {
      for (const { near } of open) near.destroy()
    },
    close() {
      server.close()
      for (const { near } of open) near.destroy()
    },
  }
}

/** A flag, as a file says it. */
export const flag = (version, value, more = {}) => ({
  version,
  on: true,
  variations: [value, 'by segment'],
  fallthrough: { variation: 0 },
  offVariation: 0,
  salt: 'salt',
  clientSideAvailability: { usingEnvironmentId: true, usingMobileKey: true },
  ...more,
})

/** A flag that says something else to the members of a segment. */
export const forSegment = (version, segment) =>
  flag(version, 'by default', {
    rules: [{ id: 'rule', variation: 1, clauses: [{ attribute: '', op: 'segmentMatch', values: [segment] }] }],
  })
export const segment = (version, ...included) => ({ version, included, salt: 'salt' })
