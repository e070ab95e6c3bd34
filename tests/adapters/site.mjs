// One origin for pages and streams: built pages, and before the real server a network that fails.

import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer, request as ask } from 'node:http'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from './project.mjs'

/** `highwater serve` on a free port. */
export async function startServer() {
  const program = process.env.HIGHWATER_BIN ?? join(root, 'target/release/highwater')
  const child = spawn(program, ['serve', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const url = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${program} serve ended with ${code}:\n${log}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /http:\/\/\S+/.exec(line)
      if (found) resolve(found[0])
    })
  })
  return { url, stop: () => (child.kill('SIGTERM'), ended) }
}

/** Serves a folder, and passes everything under /v1 on to the server. */
export async function startSite(folder, server) {
  const streams = new Set()
  /** What becomes of writes: each is passed on, after this. */
  let beforeWrite = async () => {}
  const pass = async (request, response) => {
    if (request.method !== 'GET') {
      const status = await beforeWrite()
      if (status !== undefined) return void response.writeHead(status).end()
    }
    const { host: _, ...headers } = request.headers
    const passed = ask(`${server}${request.url}`, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      response.flushHeaders()
      answer.pipe(response)
      if (String(answer.headers['content-type']).startsWith('text/event-stream')) streams.add(response)
    })
    passed.on('error', () => response.destroy())
    response.on('close', () => {
      streams.delete(response)
      passed.destroy()
    })
    request.pipe(passed)
  }
  const file = async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site')
    const path = join(folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname)
    const body = await readFile(path).catch(() => undefined)
    if (body === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body)
  }
  const http = createServer((request, response) => void (request.url.startsWith('/v1/') ? pass : file)(request, response))
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${http.address().port}`,
    /** Breaks every stream. */
    cut: () => streams.forEach((response) => response.destroy()),
    /** Has every write wait for this; a status that it gives is the answer. */
    beforeWrite: (then) => (beforeWrite = then ?? (async () => {})),
    stop: () => {
      http.closeAllConnections()
      return new Promise((resolve) => http.close(resolve))
    },
  }
}

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
}
