// Our own client on the streams that SDKs read: the same flags, at the same versions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { flag, forSegment, segment, SDK_KEY, startRelay } from './relay.mjs'
import { until } from '../until.mjs'
import { SDKS, startSdk } from './sdks.mjs'

const headers = { authorization: SDK_KEY }
const flags = { plain: flag(3, 'one'), beta: forSegment(7, 'staff'), last: flag(1, 1) }
const segments = { staff: segment(4, 'ann') }

for (const [path, protocol] of [['/all', 'relay'], ['/sdk/stream', 'fdv2']]) {
  test(`${path}: what an SDK has, our store has`, async (t) => {
    const relay = await startRelay(t, { flags, segments })
    const sdk = startSdk(t, SDKS['Node, /all'](relay.url, SDK_KEY))
    await sdk.began
    const store = connect(relay.url + path, { protocol, headers })
    t.after(() => store.close())
    await store.ready
    const kind = [...store.keys()].some(({ kind }) => kind === 'flags') ? 'flags' : 'flag'
    const same = async () => {
      const { $flagsState } = await sdk.all()
      const theirs = Object.entries($flagsState).map(([key, { version }]) => [key, version])
      const ours = [...store.entries(kind)].map(([key]) => [key, store.versionOf(kind, key)])
      assert.deepEqual(ours.sort(), theirs.sort())
      return true
    }
    await same()
    assert.deepEqual(store.get(kind, 'plain').variations, ['one', 'by segment'])

    await relay.write({ flags: { ...flags, plain: flag(4, 'two') }, segments })
    await until(async () => store.versionOf(kind, 'plain') === 4 && (await sdk.value('plain')) === 'two', 'both have it')
    await same()
    const { last, ...rest } = flags
    assert.ok(last)
    await relay.restart()
    await relay.write({ flags: { ...rest, plain: flag(6, 'three') }, segments })
    await until(async () => store.versionOf(kind, 'plain') === 6 && (await sdk.value('plain')) === 'three', 'both have it, after a restart')
    await until(() => !store.has(kind, 'last'), 'what is gone is gone')
    await same()
  })
}
