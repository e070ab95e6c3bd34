// SDKs of LaunchDarkly, unmodified, on our relay.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flag, forSegment, segment, SDK_KEY, startRelay } from './relay.mjs'
import { until } from '../until.mjs'
import { missing, SDKS, startSdk } from './sdks.mjs'

const FLAGS = {
  flags: { plain: flag(3, 'one'), beta: forSegment(7, 'staff'), off: { ...flag(2, 'never'), on: false, variations: ['off'] } },
  segments: { staff: segment(4, 'ann') },
}
const having = (flags, segments = {}) => ({
  flags: { ...FLAGS.flags, ...flags },
  segments: { ...FLAGS.segments, ...segments },
})

for (const [name, command] of Object.entries(SDKS)) {
  const skip = missing(name)
  const start = async (t, flags = FLAGS, key = SDK_KEY) => {
    const relay = await startRelay(t, flags)
    const sdk = startSdk(t, command(relay.url, key))
    const becomes = (value, flag, user) => until(async () => (await sdk.value(flag, user)) === value, `${flag} becomes ${value}; ${sdk.log()}`)
    return { relay, sdk, becomes }
  }

  test(`${name}: flags and segments, and what becomes of them`, { skip }, async (t) => {
    const { relay, sdk, becomes } = await start(t)
    assert.deepEqual(await sdk.began, { ready: true })
    assert.equal(await sdk.value('plain'), 'one')
    assert.equal(await sdk.value('off'), 'off')
    assert.equal(await sdk.value('beta', 'ann'), 'by segment')
    assert.equal(await sdk.value('beta', 'bob'), 'by default')
    assert.equal(await sdk.value('unknown'), 'none')

    await relay.write(having({ plain: flag(4, 'two') }))
    await becomes('two', 'plain')
    await relay.write(having({ plain: flag(4, 'two') }, { staff: segment(5, 'bob') }))
    await becomes('by segment', 'beta', 'bob')
    assert.equal(await sdk.value('beta', 'ann'), 'by default')

    const { plain, ...rest } = FLAGS.flags
    assert.ok(plain)
    await relay.write({ flags: rest, segments: { staff: segment(6, 'bob') } })
    await becomes('none', 'plain')
    await relay.write({ flags: { ...rest, plain: flag(9, 'again') }, segments: { staff: segment(6, 'bob') } })
    await becomes('again', 'plain')
    const { $flagsState, ...values } = await sdk.all()
    assert.deepEqual([values.plain, values.beta, values.off], ['again', 'by segment', 'off'])
    assert.deepEqual([$flagsState.plain.version, $flagsState.beta.version], [9, 7])
  })

  test(`${name}: a restart, and what is outdated on the wire`, { skip }, async (t) => {
    const { relay, sdk, becomes } = await start(t)
    await sdk.began
    await relay.restart()
    await relay.write(having({ plain: flag(8, 'after the restart') }))
    await becomes('after the restart', 'plain')

    // What an old server still had in its buffers.
    await until(() => relay.way.streams() > 0, 'a stream')
    if (name.endsWith('/all')) {
      relay.way.inject(`event: patch\ndata: ${JSON.stringify({ path: '/flags/plain', data: { key: 'plain', ...flag(5, 'outdated') } })}\n\n`)
      relay.way.inject(`event: delete\ndata: {"path":"/flags/plain","version":6}\n\n`)
    } else {
      // Not committed, it is nothing.
      relay.way.inject(`event: put-object\ndata: ${JSON.stringify({ kind: 'flag', key: 'plain', version: 5, object: { key: 'plain', ...flag(5, 'outdated') } })}\n\n`)
      relay.way.cut()
    }
    await relay.write(having({ plain: flag(8, 'after the restart'), last: flag(1, 'seen') }))
    await becomes('seen', 'last')
    assert.equal(await sdk.value('plain'), 'after the restart')

    for (let round = 1; round <= 3; round++) {
      relay.way.cut()
      await relay.write(having({ plain: flag(8 + round, `cut ${round}`) }))
      await becomes(`cut ${round}`, 'plain')
    }
  })

  test(`${name}: a key that is not known, or no longer`, { skip }, async (t) => {
    const { relay, sdk, becomes } = await start(t)
    assert.deepEqual(await sdk.began, { ready: true })
    const stranger = startSdk(t, command(relay.url, 'sdk-nobody'))
    assert.ok((await stranger.began).failed, 'it is told at once, and does not wait')
    await until(() => REFUSED.test(stranger.log()), 'its log to say why') // which comes by another pipe

    await relay.restart({ key: 'sdk-another-0123456789' })
    await until(() => REFUSED.test(sdk.log()), 'it hears of it')
    await becomes('one', 'plain') // what it had is still there
    const heir = startSdk(t, command(relay.url, 'sdk-another-0123456789'))
    assert.deepEqual(await heir.began, { ready: true })
    assert.equal(await heir.value('plain'), 'one')
    assert.doesNotMatch(relay.log(), /sdk-(nobody|another|interop)/)
  })

  test(`${name}: a slow network`, { skip }, async (t) => {
    const relay = await startRelay(t, having(Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`f${at}`, flag(1, at)]))))
    relay.way.slow(5)
    const sdk = startSdk(t, command(relay.url, SDK_KEY))
    assert.deepEqual(await sdk.began, { ready: true })
    assert.equal(await sdk.value('f29'), 29)
    await relay.write(having({ f29: flag(2, 'late') }))
    await until(async () => (await sdk.value('f29')) === 'late', 'the update')
    assert.equal(await sdk.value('f0'), 'none')
  })
}

/** How SDKs say it. */
const REFUSED = /401|[Aa]uthentication failed/
