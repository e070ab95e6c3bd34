// Misuse: a message that names the mistake, and never a dead store without one.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { connect, HighwaterError, Materializer, MessageReceiver, Protocol, Session, SseDecoder } from '../../dist/node.js'
import { begin, serve, snapshot, SOON } from './stream.mjs'

const URL_ = 'http://127.0.0.1:9/s'
const DIST = fileURLToPath(new URL('../../dist', import.meta.url))

test('options: a mistake is named before anything happens', () => {
  const wrong = [
    [{ hedaers: {} }, /^unknown option hedaers; there are: protocol, transport, headers,/],
    [[], /^options must be an object, not an array$/],
    [null, /^options must be an object, not null$/],
    [{ protocol: 'soap' }, /^there is no protocol 'soap'; there are: fdv2, relay/],
    [{ protocol: 7 }, /^option protocol must be a name or an object, not 7$/],
    [{ protocol: { name: 'json', kye: '/a' } }, /^unknown option protocol\.kye; there are: name, upsert/],
    [{ protocol: { name: 'json', key: 'id' } }, /^option protocol\.key must be a JSON pointer.*not 'id'$/],
    [{ protocol: { name: 'json', upsert: [1] } }, /^option protocol\.upsert must be a string or a list of strings/],
    [{ protocol: { name: 'xml' } }, /^option protocol\.name must be one of json, fdv2, consul, not 'xml'$/],
    [{ protocol: 'ping' }, /^protocol 'ping' needs option poll/],
    [{ transport: 'websocket' }, /^option transport must be 'auto' or 'fetch' or 'eventsource', not 'websocket'$/],
    [{ transport: 'eventsource' }, /^here is no EventSource; use transport 'fetch'$/],
    [{ transport: 'eventsource', headers: {} }, /^option headers cannot be had with transport 'eventsource'/],
    [{ headers: 'x' }, /^option headers must be an object or a function, not 'x'$/],
    [{ headers: { 'a b': 'c' } }, /^option headers cannot be sent: /],
    [{ method: '' }, /^option method must be a string/],
    [{ body: 'x' }, /^option body needs a method that has one/],
    [{ body: new ReadableStream(), method: 'POST' }, /^option body cannot be a stream/],
    [{ credentials: 'yes' }, /^option credentials must be 'omit' or/],
    [{ poll: 'ftp://x/' }, /^option poll must be an http or https URL, not ftp:/],
    [{ retry: { max: '1s' } }, /^option retry\.max must be a number of at least 0, not '1s'$/],
    [{ retry: { jitter: 2 } }, /^option retry\.jitter must be a number from -10 to 1, not 2$/],
    [{ retry: { delay: 2 } }, /^unknown option retry\.delay; there are: first/],
    [{ idle: 0 }, /^option idle must be false or a number of at least 1, not 0$/],
    [{ idle: true }, /^option idle must be false or a number of at least 1, not true$/],
    [{ maxBytes: NaN }, /^option maxBytes must be a number from 1 to 2147483647, not NaN$/],
    [{ tombstones: { count: -1 } }, /^option tombstones\.count must be a number from 0/],
    [{ share: 'window' }, /^option share must be 'tab' or 'browser', not 'window'$/],
    [{ share: 'browser', method: 'POST', body: new FormData() }, /^option share 'browser' needs a body that is a string/],
    [{ validate: 'never' }, /^option validate must be 'read' or 'ingest', not 'never'$/],
    [{ signal: {} }, /^option signal must be an AbortSignal, not an object$/],
    [{ fetch: 1 }, /^option fetch must be a function, not 1$/],
    [{ onError: 'log' }, /^option onError must be a function, not 'log'$/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => connect(URL_, options), { name: 'HighwaterError', code: 'bad-option', message }, JSON.stringify(options))
  }
})

test('addresses: a mistake is named', () => {
  const wrong = [
    ['/stream', /^the URL to connect to '\/stream' is relative, and here is no page/],
    ['http://', /^the URL to connect to 'http:\/\/' is not a URL$/],
    ['https://me:secret@x/', /^the URL to connect to must hold no user name and no password/],
    ['ws://x/', /^the URL to connect to must be an http or https URL, not ws:/],
    [undefined, /^the URL to connect to must be a string or a URL, not undefined$/],
  ]
  for (const [url, message] of wrong) assert.throws(() => connect(url), { code: 'bad-option', message })
})

test('listeners and scopes: a mistake is named', (t) => {
  const store = connect(URL_)
  t.after(() => store.close())
  assert.throws(() => store.subscribe('x'), { code: 'bad-option', message: 'subscribe needs a function, not string' })
  assert.throws(() => store.onStatus(), { code: 'bad-option', message: 'onStatus needs a function, not undefined' })
  assert.throws(() => store.subscribe(() => {}, { knid: 'a' }), { message: /^unknown scope\.knid; there are: kind/ })
  assert.throws(() => store.subscribe(() => {}, { kind: 1 }), { message: 'scope.kind must be a string, not 1' })
  assert.equal(store.get(1, null), undefined)
})

test('the lower classes name mistakes too', () => {
  const receiver = new MessageReceiver()
  const throws = (call, message) => assert.throws(call, { name: 'HighwaterError', code: 'bad-option', message })
  throws(() => receiver.upsert(1, {}, 1), 'upsert needs a string as id, not 1')
  throws(() => receiver.upsert('a', {}, 1.5), 'upsert needs a whole number or a bigint as version, not 1.5')
  throws(() => receiver.upsert('a', {}, '1'), "upsert needs a whole number or a bigint as version, not '1'")
  throws(() => receiver.delete('a', 2 ** 60), /beyond what a number holds exactly; give a bigint$/)
  throws(() => receiver.delete('a', 2n ** 63n), /a version of at most 64 bits/)
  throws(() => receiver.purge('a'), "purge needs a function, not 'a'")
  throws(() => new Materializer({ protcol: 'x' }), /^unknown option protcol/)
  throws(() => new Materializer({}, {}), /^a view needs the methods update and reset/)
  throws(() => new Materializer().push('text'), "push needs a Uint8Array, not 'text'")
  throws(() => new Materializer().pushEvent({ type: 'put' }), /^pushEvent needs an object with data/)
  throws(() => new SseDecoder().push([1]), 'push needs a Uint8Array, not an array')
  throws(() => new SseDecoder({ limit: 0 }), /^option limit must be a number from 1/)
  throws(() => new Session().handle(0, { type: 'begin' }), "there is no input 'begin'")
  throws(() => new Protocol('soap'), /^there is no protocol 'soap'/)
  assert.ok(new HighwaterError('closed', 'x') instanceof Error)
})

/** Runs a program to its end. */
async function run(program, ...flags) {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const timer = setTimeout(() => child.kill(), 20_000)
  const [code, signal] = await once(child, 'exit')
  clearTimeout(timer)
  return { code: code ?? signal, output }
}

test('a closed store keeps no process alive, and rejects nothing unhandled', async (t) => {
  const server = await serve(t, (_, response, at) => {
    if (at % 2 === 1) return response.writeHead(503, { 'retry-after': '3600' }).end()
    begin(response)
    response.write(snapshot(1, { a: { x: [1, 1] } }))
  })
  const program = `
    import { connect } from ${JSON.stringify(pathToFileURL(join(DIST, 'node.js')).href)}
    const live = connect(${JSON.stringify(server.url)})
    await live.ready
    const waiting = connect(${JSON.stringify(server.url)})
    while (waiting.status.retryAt === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    const asked = connect(${JSON.stringify(server.url)}, { headers: () => new Promise(() => {}) })
    const failed = connect(${JSON.stringify(server.url)}, { headers: async () => { await null; throw new Error('late') } })
    live.get('a', 'x')
    for (const store of [live, waiting, asked, failed]) store.close()
    console.log('closed', live.get('a', 'x'))`
  const { code, output } = await run(program, '--unhandled-rejections=strict')
  assert.deepEqual([code, output], [0, 'closed 1\n'])
})

test('a module that does not load is told by the store, and rejects nothing unhandled', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'highwater-'))
  t.after(() => rmSync(folder, { recursive: true }))
  cpSync(DIST, folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'full.wasm'), 'not wasm')
  const door = JSON.stringify(pathToFileURL(join(folder, 'node.js')).href)
  const program = `
    import { connect, SseDecoder } from ${door}
    const store = connect('http://127.0.0.1:9/s')
    const seen = []
    store.onStatus(({ phase, error }) => seen.push(phase, error?.code))
    store.pause()
    const view = store.view({ kind: 'a' })
    view.subscribe(() => {})
    const told = store.materialize({ update() {}, result: () => 'nothing', reset() {} })
    const reading = (async () => { for await (const _ of store); })().catch((error) => error.code)
    let none
    try { store.checkpoint() } catch (error) { none = error.code }
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log(JSON.stringify([view.snapshot(), told.snapshot(), await reading, none]))
    view.show(1, 2)
    view.close()
    const { phase, error } = store.status
    let thrown
    try { new SseDecoder() } catch (error) { thrown = error.message }
    console.log(JSON.stringify([seen, phase, error.code, error.message.slice(0, 40), store.get('a', 'x'), thrown]))
    await store.ready.catch((error) => console.log(error.code))
    store.close()`
  const { code, output } = await run(program, '--unhandled-rejections=strict')
  assert.equal(code, 0, output)
  const [followed, line, rejected] = output.trim().split('\n')
  assert.deepEqual(JSON.parse(followed), [{ rows: [], count: 0, groups: [] }, 'nothing', 'wasm', 'wasm'])
  assert.deepEqual(JSON.parse(line), [
    ['stopped', 'wasm'], 'stopped', 'wasm', 'the WebAssembly module did not load: Web', null,
    'SseDecoder needs the WebAssembly module: await init() first',
  ])
  assert.equal(rejected, 'wasm')
})

test('a module that comes later is waited for, and what was asked meanwhile is done', async (t) => {
  const server = await serve(t, (_, response) => {
    begin(response)
    response.write(snapshot(1, { a: { x: [1, 1] } }))
  })
  const slim = JSON.stringify(pathToFileURL(join(DIST, 'slim.js')).href)
  const program = `
    import { readFileSync } from 'node:fs'
    import { connect, init } from ${slim}
    const early = connect(${JSON.stringify(server.url)})
    await early.ready.catch((error) => console.log(error.message))
    const done = init(readFileSync(${JSON.stringify(join(DIST, 'full.wasm'))}))
    const store = connect(${JSON.stringify(server.url)}, ${JSON.stringify({ retry: SOON })})
    store.pause('early')
    const traced = []
    store.trace(({ event }) => traced.push(event))
    const late = connect(${JSON.stringify(server.url)}, { onError: ({ code }) => console.log('told', code) })
    const [wrong, right] = [late.view({ were: 1 }), late.view({ kind: 'a' })]
    right.subscribe(({ inserted }) => console.log('rows', inserted.length))
    await done
    await late.ready
    await right.ready
    console.log(wrong.error.code, wrong.rows.length, right.rows.length, await wrong.ready.catch(({ code }) => code))
    late.close()
    console.log(store.status.phase)
    store.resume('early')
    await store.ready
    console.log(store.get('a', 'x'), traced.join())
    store.close()
    const closed = connect(${JSON.stringify(server.url)})
    closed.close()`
  const { code, output } = await run(program, '--unhandled-rejections=strict')
  assert.deepEqual([code, output.split('\n')], [0, [
    'the WebAssembly module did not load: highwater/slim brings no module of its own: call init(module) first',
    'told bad-query', 'rows 1', 'bad-query 0 1 bad-query',
    'paused', '1 server-intent,put-object,payload-transferred', '',
  ]])
})
