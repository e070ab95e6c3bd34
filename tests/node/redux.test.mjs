// A store's changes in the Redux DevTools extension. The extension itself is not to be had outside of the
// browsers' shops: what stands for it here does what its page script does by its documentation and its
// published source, down to what goes into messages, which is text.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { connect, init } from '../../dist/node.js'
import { reduxDevtools } from '../../dist/devtools/redux.js'
import { createSource } from '../../dist/testing/index.js'
import { until } from '../until.mjs'

before(() => init())

/** The extension in the page: what it was told, and what its window asks for. */
function extension(t) {
  const told = []
  const listeners = new Set()
  let isPaused = false
  globalThis.__REDUX_DEVTOOLS_EXTENSION__ = {
    connect: (config) => {
      told.push({ type: 'connect', config })
      return {
        init: (state) => told.push({ type: 'INIT', payload: JSON.parse(JSON.stringify(state)) }),
        send: (action, state) => {
          if (isPaused) return
          const type = action === null ? 'STATE' : 'ACTION'
          told.push({ type, action: JSON.parse(JSON.stringify(action)), payload: JSON.parse(JSON.stringify(state)) })
        },
        error: (payload) => told.push({ type: 'ERROR', payload }),
        subscribe: (listener) => {
          listeners.add(listener)
          return () => void listeners.delete(listener)
        },
        unsubscribe: () => listeners.clear(),
      }
    },
  }
  t.after(() => delete globalThis.__REDUX_DEVTOOLS_EXTENSION__)
  const ask = (message) => {
    if (message.payload?.type === 'PAUSE_RECORDING') isPaused = message.payload.status
    for (const listener of listeners) listener(message)
  }
  const dispatch = (type, more = {}, state) => ask({ type: 'DISPATCH', payload: { type, ...more }, ...(state === undefined ? {} : { state }) })
  return { told, ask, dispatch, listeners, actions: () => told.filter(({ type }) => type === 'ACTION').map(({ action }) => action.type) }
}

async function live(t, count = 3) {
  const source = createSource()
  source.begin()
  for (let at = 0; at < count; at += 1) source.put('flag', `f${at}`, { n: at })
  source.end()
  const store = connect(source.url, { fetch: source.fetch })
  t.after(() => store.close())
  await store.ready
  const put = async (...items) => {
    for (const [key, value] of items) {
      if (value === undefined) source.delete('flag', key)
      else source.patch('flag', key, value)
    }
    await source.settled()
  }
  return { store, source, put }
}

test('without the extension nothing is listened to', async (t) => {
  const { store } = await live(t)
  const subscribe = t.mock.method(store, 'subscribe')
  reduxDevtools(store)()
  assert.equal(subscribe.mock.callCount(), 0)
})

test('transactions are actions, with the state after them', async (t) => {
  const { told, actions, listeners } = extension(t)
  const { store, put } = await live(t)
  const stop = reduxDevtools(store, { name: 'flags', every: 0 })
  assert.equal(told[0].config.name, 'flags')
  assert.equal(told[0].config.features.jump, false)
  assert.deepEqual(told[1], { type: 'INIT', payload: { flag: { f0: { n: 0 }, f1: { n: 1 }, f2: { n: 2 } } } })
  await put(['f1', { n: 7 }])
  await until(() => actions().includes('changed flag/f1'))
  await put(['f2'])
  await until(() => actions().includes('removed flag/f2'))
  assert.deepEqual(told.at(-1).payload, { flag: { f0: { n: 0 }, f1: { n: 7 } } })
  assert.deepEqual(told.at(-1).action.removed, ['flag/f2'])
  stop()
  assert.equal(listeners.size, 0)
})

test('of a thousand transactions few actions are made, and of a large state none is sent whole', async (t) => {
  const { told, actions } = extension(t)
  const { store, put } = await live(t, 500)
  reduxDevtools(store, { every: 100, maxBytes: 1000 })
  await put(...Array.from({ length: 1000 }, (_, at) => [`f${at % 50}`, { n: -at }]))
  const shown = () => told.filter(({ type }) => type === 'ACTION').reduce((sum, { action }) => sum + action.transactions, 0)
  await until(() => shown() === 1000, 'all transactions to be shown')
  assert.ok(actions().length < 500, `${actions().length} actions`)
  const { payload } = told.at(-1)
  assert.match(payload['(not whole)'], /^500 items of \d+ bytes, more than maxBytes \(1000\): only what changed is here$/)
  assert.ok(Object.keys(payload.flag).length <= 50)
  assert.equal(payload.flag.f49.n, -999)
})

test('what its window asks for is done, or answered with an error', async (t) => {
  const { told, ask, dispatch, actions } = extension(t)
  const { store, put } = await live(t)
  reduxDevtools(store, { every: 0 })
  const last = () => told.at(-1)
  dispatch('COMMIT')
  assert.equal(last().type, 'INIT')
  const lifted = { computedStates: [{ state: { flag: {} } }], currentStateIndex: 0 }
  dispatch('IMPORT_STATE', { nextLiftedState: lifted })
  assert.deepEqual(last(), { type: 'STATE', action: null, payload: lifted })
  for (const type of ['JUMP_TO_STATE', 'JUMP_TO_ACTION', 'RESET', 'ROLLBACK', 'TOGGLE_ACTION', 'REORDER_ACTION', 'LOCK_CHANGES']) {
    const { length } = told
    dispatch(type, {}, '{}')
    assert.equal(told.length, length + 1)
    assert.equal(last().type, 'ERROR', type)
  }
  ask({ type: 'ACTION', payload: '{"type":"x"}' })
  assert.match(last().payload, /nothing can be dispatched/)
  dispatch('PAUSE_RECORDING', { status: true })
  await put(['f0', { n: 10 }])
  dispatch('PAUSE_RECORDING', { status: false })
  ask({ type: 'STOP' })
  await put(['f0', { n: 11 }])
  ask({ type: 'START' })
  assert.deepEqual([last().type, last().payload.flag.f0], ['INIT', { n: 11 }])
  await put(['f0', { n: 12 }])
  await until(() => actions().length > 0)
  assert.deepEqual(actions(), ['changed flag/f0'])
  store.pause()
  await until(() => actions().includes('status: paused'))
})

test('a jump shows the state there, if the application can; the store goes on', async (t) => {
  const { told, dispatch } = extension(t)
  const { store } = await live(t)
  const shown = []
  reduxDevtools(store, { onJump: (state) => shown.push(state) })
  assert.equal(told[0].config.features.jump, true)
  dispatch('JUMP_TO_STATE', { index: 0 }, '{"flag":{"f0":{"n":5}}}')
  assert.deepEqual(shown, [{ flag: { f0: { n: 5 } } }])
  assert.deepEqual(store.get('flag', 'f0'), { n: 0 })
  dispatch('JUMP_TO_STATE', { index: 0 }, 'no JSON')
  assert.match(told.at(-1).payload, /^highwater: onJump: /)
})

test('it is said how it was called wrongly', async (t) => {
  const { store } = await live(t)
  for (const [options, words] of [[{ nmae: 'x' }, /nmae/], [{ every: -1 }, /option every/], [{ maxBytes: 'x' }, /option maxBytes/], [{ onJump: 1 }, /option onJump/]]) {
    assert.throws(() => reduxDevtools(store, options), (error) => error.code === 'bad-option' && words.test(error.message))
  }
})
