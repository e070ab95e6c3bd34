// Values as the application declares them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { createSource } from '../../dist/testing/index.js'

/** A schema as libraries make them. */
const schemaOf = (validate) => ({ '~standard': { version: 1, vendor: 'test', validate } })

/** What has a name, with a place for a count; asks are counted. */
function named() {
  const schema = schemaOf((value) => {
    schema.asked++
    return typeof value?.name === 'string'
      ? { value: { ...value, count: value.count ?? 0 } }
      : { issues: [{ message: 'a string is wanted', path: ['name'] }, { message: 'all wrong' }, { message: 'deep', path: [{ key: 'a' }, 0] }] }
  })
  schema.asked = 0
  return schema
}

async function live(t, schema) {
  const source = createSource()
  source.begin().put('flag', 'good', { name: 'g' }).put('flag', 'bad', { nmae: 'b' }).put('other', 'x', { anything: 1 }).end()
  const reported = []
  const store = connect(source.url, { fetch: source.fetch, schema, onError: (error) => reported.push(error) })
  t.after(() => store.close())
  await source.settled()
  return { source, store, reported }
}

test('a value is judged when it is first read, and what the schema makes of it is the value', async (t) => {
  const flag = named()
  const { source, store, reported } = await live(t, { flag })
  assert.equal(flag.asked, 0)
  const good = store.get('flag', 'good')
  assert.deepEqual(good, { name: 'g', count: 0 })
  assert.equal(store.get('flag', 'good'), good)
  assert.equal(flag.asked, 1)
  assert.deepEqual([store.get('other', 'x'), reported], [{ anything: 1 }, []])
  assert.equal(store.snapshot().flag.get('good'), good)
  assert.equal(store.view({ kind: 'flag', where: { key: 'good' } }).rows[0].value, good)
  const before = store.snapshot()
  source.patch('flag', 'good', { name: 'new', count: 5 })
  await source.settled()
  assert.deepEqual(store.get('flag', 'good'), { name: 'new', count: 5 })
  assert.equal(before.flag.get('good'), good)
})

test('a value that does not fit is not there, and is told once, with what is wrong', async (t) => {
  const { source, store, reported } = await live(t, { flag: named() })
  for (let at = 0; at < 3; at++) assert.equal(store.get('flag', 'bad'), undefined)
  const [error] = reported
  assert.equal(reported.length, 1)
  assert.deepEqual([error.name, error.code, error.kind, error.key, error.issues.length], ['HighwaterError', 'schema', 'flag', 'bad', 3])
  assert.equal(error.message, 'flag/bad is not what its schema says: name: a string is wanted; all wrong; a.0: deep')
  assert.equal(store.status.error, error)
  assert.deepEqual([store.has('flag', 'bad'), store.entries('flag').map(([key]) => key)], [true, ['good']])
  const before = store.snapshot()
  assert.deepEqual([before.flag.get('bad'), [...before.flag.keys()], [...before.flag].length], [undefined, ['good', 'bad'], 1])
  source.patch('flag', 'bad', { name: 'better' })
  await source.settled()
  assert.deepEqual([store.get('flag', 'bad'), store.status.error, before.flag.get('bad')], [{ name: 'better', count: 0 }, undefined, undefined])
  assert.equal(reported.length, 1)
})

test('an old value in a snapshot is judged too, and nobody is told of it', async (t) => {
  const { source, store, reported } = await live(t, { flag: named() })
  const { flag } = store.snapshot()
  source.patch('flag', 'bad', { name: 'better' }).patch('flag', 'good', 7)
  await source.settled()
  assert.deepEqual([flag.get('bad'), flag.get('good'), reported], [undefined, { name: 'g', count: 0 }, []])
})

test('schemas that throw, wait or answer nothing are told, and harm nobody else', async (t) => {
  let rejected = 0
  const wrong = [
    [() => { throw new Error('broken') }, /^the schema of flag\/good threw: broken$/],
    [async () => { rejected++; throw new Error('late') }, /^the schema of flag validates asynchronously, and a read is synchronous/],
    [() => undefined, /^the schema of flag answered with undefined$/],
    [() => true, /^the schema of flag answered with true$/],
  ]
  for (const [validate, message] of wrong) {
    const { store, reported } = await live(t, { flag: schemaOf(validate) })
    assert.equal(store.get('flag', 'good'), undefined)
    assert.equal(store.get('flag', 'good'), undefined)
    assert.equal(reported.length, 1)
    assert.match(reported[0].message, message)
    assert.deepEqual([reported[0].code, store.get('other', 'x'), store.status.phase], ['schema', { anything: 1 }, 'live'])
  }
  assert.equal(rejected, 1)
})

test('schema: a mistake is named before anything happens', () => {
  const wrong = [
    [5, /^option schema must be an object, not 5$/],
    [{ flag: {} }, /^option schema\.flag must be a Standard Schema of version 1, not an object$/],
    [{ flag: { '~standard': { version: 2, validate: () => 1 } } }, /^option schema\.flag must be/],
    [{ flag: null }, /^option schema\.flag must be a Standard Schema of version 1, not null$/],
  ]
  for (const [schema, message] of wrong) assert.throws(() => connect('http://127.0.0.1:9/', { schema }), { code: 'bad-option', message })
  for (const hidden of [true, 'yes', -1, NaN, 2 ** 31]) {
    assert.throws(() => connect('http://127.0.0.1:9/', { hidden }), { code: 'bad-option', message: /^option hidden must be / })
  }
  // A schema may be a function.
  connect('http://127.0.0.1:9/', { schema: { flag: Object.assign(() => 1, schemaOf((value) => ({ value }))) } }).close()
})
