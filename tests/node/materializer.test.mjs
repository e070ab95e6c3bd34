// The built package in Node, without a network.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, HighwaterError, Materializer } from '../../dist/node.js'

const bytes = (text) => new TextEncoder().encode(text)

test('bytes go in, state comes out, and a value is the same object until its version moves', () => {
  const flags = new Materializer({ protocol: 'relay' })
  flags.push(bytes('event: put\ndata: {"path":"/","data":{"flags":{"a":{"version":1,"on":true}}}}\n\n'))
  const first = flags.get('flags', 'a')
  assert.deepEqual(first, { version: 1, on: true })
  assert.equal(flags.get('flags', 'a'), first)
  flags.push(bytes('event: patch\ndata: {"path":"/flags/a","data":{"version":2,"on":false}}\n\n'))
  assert.deepEqual(flags.get('flags', 'a'), { version: 2, on: false })
  assert.equal(flags.versionOf('flags', 'a'), 2)
})

test('bad input is named and changes nothing', () => {
  const flags = new Materializer({ protocol: 'relay' })
  assert.throws(
    () => flags.push(bytes('event: patch\ndata: {\n\n')),
    (error) => error instanceof HighwaterError && error.code === 'bad-data' && error.event === 'patch',
  )
  assert.equal(flags.size, 0)
})

test('misuse is named', () => {
  assert.throws(() => connect('http://127.0.0.1:1/', { nonsense: 1 }), /nonsense/)
})
