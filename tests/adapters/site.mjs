// One origin for pages and streams: built pages, and before the real server a network that fails.

import { readFile } from 'node:fs/promises'
import { createServer, request as ask } from 'node:http'
import { connect } from 'node:net'
import { extname, join } from 'node:path'

/** Serves a folder, and passes everything under /v1 on to the server. */
export async function startSite(folder, server) {
  /** Those that are open, and what each was asked with. */
  const streams = new Map()
  /** What becomes of writes: each is passed on, after this. */
  let beforeWrite = async () => {}
  let isReachable = true
  const pass = async (request, response) => {
    if (!isReachable) return void response.destroy()
    if (request.method !== 'GET') {
      const status = await beforeWrite()
      if (status !== undefined) return void response.writeHead(status).end()
    }
    const { host: _, ...headers } = request.headers
    const passed = ask(`${server}${request.url}`, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      response.flushHeaders()
      answer.pipe(response)
      if (String(answer.headers['content-type']).startsWith('text/event-stream')) streams.set(response, headers)
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
  // Word for word, so that the server sees which origin the page is of.
  http.on('upgrade', ({ url, rawHeaders }, socket) => {
    const { hostname, port } = new URL(server)
    const onward = connect(Number(port), hostname, () => {
      const lines = rawHeaders.map((word, at) => (at % 2 === 0 ? `${word}: ` : `${word}\r\n`)).join('')
      onward.write(`GET ${url} HTTP/1.1\r\n${lines}\r\n`)
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${http.address().port}`,
    /** Breaks every stream. */
    cut: () => streams.forEach((_, response) => response.destroy()),
    /** The same, and nothing under /v1 is answered; until it is again. */
    reachable: (is) => {
      isReachable = is
      if (!is) streams.forEach((_, response) => response.destroy())
    },
    /** The headers of every stream that is open. */
    streams: () => [...streams.values()],
    /** The path of every stream that is open. */
    paths: () => [...streams.keys()].map(({ req }) => req.url),
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
