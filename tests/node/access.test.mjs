// Tokens and limits as the store sees them, of the real server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { startHighwater } from '../highwater.mjs'
import { statusOf } from './stream.mjs'
import { until } from '../until.mjs'

const ADMIN = 'the-administrators-secret'

async function guarded(t) {
  const server = await startHighwater('serve', '--admin-token', ADMIN)
  t.after(server.stop)
  const ask = async (method, path, body) => {
    const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' }
    const response = await fetch(server.url + path, { method, headers, body: body && JSON.stringify(body) })
    assert.ok(response.ok, `${method} ${path}: ${response.status}`)
    return response.json()
  }
  await ask('PUT', '/v1/topics/t/a/1', { n: 1 })
  return { ask, stream: `${server.url}/v1/topics/t/stream` }
}

test('a revoked token: the state stays, and the status says why', async (t) => {
  const { ask, stream } = await guarded(t)
  const { id, secret } = await ask('POST', '/v1/admin/tokens', { name: 'page', read: ['*'] })
  const store = connect(stream, { headers: { authorization: `Bearer ${secret}` } })
  t.after(() => store.close())
  await store.ready
  const said = []
  store.onStatus(({ error }) => error && said.push(error))
  await ask('DELETE', `/v1/admin/tokens/${id}`)
  const status = await statusOf(store, ({ phase }) => phase === 'stopped')
  assert.ok(said.some(({ code, message }) => code === 'server' && message.includes('the token was revoked')), said.join('\n'))
  assert.deepEqual([status.error.code, status.error.status, status.error.terminal], ['status', 401, true])
  assert.deepEqual(store.get('a', '1'), { n: 1 })
})

test('a revoked token is replaced by a headers function, without a gap', async (t) => {
  const { ask, stream } = await guarded(t)
  const mint = () => ask('POST', '/v1/admin/tokens', { name: 'page', read: ['*'] })
  let token = await mint()
  const store = connect(stream, { headers: () => ({ authorization: `Bearer ${token.secret}` }) })
  t.after(() => store.close())
  await store.ready
  const old = token
  token = await mint()
  await ask('DELETE', `/v1/admin/tokens/${old.id}`)
  await ask('PUT', '/v1/topics/t/a/1', { n: 2 })
  await until(() => store.get('a', '1').n === 2, 'what was written meanwhile')
  assert.equal(store.status.resumed, true)
})

test('a token that may not read the topic stops the store before it is ready', async (t) => {
  const { ask, stream } = await guarded(t)
  const { secret } = await ask('POST', '/v1/admin/tokens', { name: 'page', read: ['other'] })
  for (const [authorization, status] of [[`Bearer ${secret}`, 403], ['Bearer none-of-this-server', 401]]) {
    const store = connect(stream, { headers: { authorization } })
    await assert.rejects(store.ready, { code: 'status', status })
  }
})
