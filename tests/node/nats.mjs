// A NATS server for a test, and a way to several servers that is one address to clients.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Where `nats-server` is, if it is anywhere. */
function program() {
  if (process.env.NATS_SERVER) return process.env.NATS_SERVER
  // Debian has it where not everyone looks.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map((folder) => join(folder, 'nats-server')).find((file) => existsSync(file))
}

/** Starts one, on a port and with a folder of its own; undefined where there is none, but not in CI. */
export async function startNats(t) {
  const file = program()
  if (!file) {
    const text = 'no nats-server (Debian’s package of that name, or NATS_SERVER): not tested'
    if (process.env.CI && process.env.CI !== 'false') throw new Error(text)
    t.skip(text)
    return undefined
  }
  const store = await mkdtemp(join(tmpdir(), 'highwater-nats-'))
  const child = spawn(file, ['-js', '-a', '127.0.0.1', '-p', '-1', '-sd', store], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(async () => {
    const ended = once(child, 'exit')
    if (child.exitCode === null && child.kill('SIGKILL')) await ended
    await rm(store, { recursive: true, force: true })
  })
  return new Promise((resolve, reject) => {
    let url
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`nats-server ended with ${code}`)))
    createInterface({ input: child.stderr }).on('line', (line) => {
      url ??= /Listening for client connections on (\S+)/.exec(line)?.[1]
      if (line.includes('Server is ready')) resolve(`nats://${url}`)
    })
  })
}

/** One address for several: each connection goes to the next server that takes it, as a balancer has it. */
export async function startBalancer(t) {
  const backends = new Set()
  let turn = 0
  const reach = async () => {
    for (let attempt = 0; attempt < backends.size; attempt++) {
      const urls = [...backends]
      const { hostname: host, port } = new URL(urls[turn++ % urls.length])
      const socket = dial({ host, port: Number(port), noDelay: true })
      try {
        await once(socket, 'connect')
        return socket
      } catch {
        // That one is gone; the next.
      }
    }
    return undefined
  }
  const open = new Set()
  const server = createServer({ noDelay: true, pauseOnConnect: true }, async (client) => {
    open.add(client)
    client.on('close', () => open.delete(client)).on('error', () => {})
    const backend = await reach()
    if (!backend || client.destroyed) return void (client.destroy(), backend?.destroy())
    // What one side loses the other loses, too, as it is.
    backend.on('error', () => {}).on('close', () => client.destroy())
    client.on('close', () => backend.destroy())
    client.pipe(backend)
    backend.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const client of open) client.destroy()
  })
  return { url: `http://127.0.0.1:${server.address().port}`, backends }
}
