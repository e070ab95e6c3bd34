// The installed package in Node, through each of its doors, on a stream of the real server.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { install, node } from './install.mjs'
import { SHOW, SHOWN, WORKER } from './show.mjs'
import { startFlags } from './topic.mjs'

const PROGRAMS = {
  'an import': {
    file: 'import.js',
    text: `import { connect } from 'highwater'
await show(connect(process.argv[2]))`,
  },
  'a require': {
    file: 'require.cjs',
    text: `const { connect } = require('highwater')
show(connect(process.argv[2]))`,
  },
  'slim, with the module read from its path': {
    file: 'slim.js',
    text: `import { readFile } from 'node:fs/promises'
import { connect, init } from 'highwater/slim'
await init(await readFile(new URL(import.meta.resolve('highwater/core.wasm'))))
await show(connect(process.argv[2]))`,
  },
  'slim by require': {
    file: 'slim.cjs',
    text: `const { readFileSync } = require('node:fs')
const { connect, init } = require('highwater/slim')
init(readFileSync(require.resolve('highwater/core.wasm'))).then(() => show(connect(process.argv[2])))`,
  },
  inline: {
    file: 'inline.js',
    text: `import { connect } from 'highwater/inline'
await show(connect(process.argv[2]))`,
  },
  'inline by require': {
    file: 'inline.cjs',
    text: `const { connect } = require('highwater/inline')
show(connect(process.argv[2]))`,
  },
  'the door for workers, given a compiled module': {
    file: 'worker.js',
    words: ['--conditions=workerd', '--import', './modules.js'],
    text: `import { connect } from 'highwater'
await show(connect(process.argv[2]))`,
  },
}

/** Imports .wasm files as such a runtime does: as a WebAssembly.Module. */
const MODULES = `import { register } from 'node:module'
const load = \`import { readFile } from 'node:fs/promises'
export async function load(url, context, next) {
  if (!url.endsWith('.wasm')) return next(url, context)
  const bytes = (await readFile(new URL(url))).toString('base64')
  const source = 'export default new WebAssembly.Module(Buffer.from("' + bytes + '", "base64"))'
  return { format: 'module', source, shortCircuit: true }
}\`
register('data:text/javascript,' + encodeURIComponent(load))
`

let app, flags
before(async () => {
  app = await install()
  flags = await startFlags()
  await app.write({ 'modules.js': MODULES })
})
after(() => Promise.all([app?.remove(), flags?.stop()]))

for (const [name, { file, text, words = [] }] of Object.entries(PROGRAMS)) {
  test(`${name} shows the state, and ends`, async () => {
    await app.write({ [file]: `${text}\n${SHOW}` })
    assert.deepEqual(JSON.parse(await node(app, ...words, file, flags.stream)), SHOWN)
  })
}

test('a worker shows the state, and the process ends', async () => {
  await app.write(WORKER)
  assert.deepEqual(JSON.parse(await node(app, 'main.js', flags.stream)), SHOWN)
})

test('all doors give the same names', async () => {
  await app.write({
    'names.js': `const doors = ['highwater', 'highwater/slim', 'highwater/inline']
console.log(JSON.stringify(await Promise.all(doors.map(async (door) => Object.keys(await import(door))))))`,
  })
  const [main, ...others] = JSON.parse(await node(app, 'names.js'))
  assert.ok(main.includes('connect'))
  for (const names of others) assert.deepEqual(names, main)
})

test('nothing else can be imported', async () => {
  await app.write({ 'inside.js': `await import('highwater/dist/store.js').catch((error) => console.log(error.code))` })
  assert.equal(await node(app, 'inside.js'), 'ERR_PACKAGE_PATH_NOT_EXPORTED\n')
})

test('slim without its module says what to do', async () => {
  await app.write({
    'early.js': `import { connect } from 'highwater/slim'
await connect(process.argv[2]).ready.catch(({ code, message }) => console.log(code, message))`,
  })
  assert.match(await node(app, 'early.js', flags.stream), /^wasm .*call init\(module\) first\n$/)
})
