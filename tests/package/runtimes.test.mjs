// The installed package in Deno and in Bun, as npm brings them: skipped where it has none for the platform.

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { install, program, tools } from './install.mjs'
import { SHOW, SHOWN, WORKER } from './show.mjs'
import { startFlags } from './topic.mjs'

/** The program in the one package of the scope that npm installed for this platform. */
function programOf(scope, path) {
  const folder = join(tools, 'node_modules', scope)
  const [name] = existsSync(folder) ? readdirSync(folder) : []
  return name === undefined ? undefined : join(folder, name, path)
}

const RUNTIMES = {
  // It may read its packages and the network, and nothing else.
  deno: { file: programOf('@deno', 'deno'), words: ['run', '--quiet', '--no-prompt', '--allow-net', '--allow-read'] },
  bun: { file: programOf('@oven', 'bin/bun'), words: ['run'] },
}

const PROGRAMS = {
  highwater: `import { connect } from 'highwater'
await show(connect(process.argv[2]))`,
  'highwater/inline': `import { connect } from 'highwater/inline'
await show(connect(process.argv[2]))`,
}

let app, flags
before(async () => {
  app = await install()
  flags = await startFlags()
  await app.write(WORKER)
})
after(() => Promise.all([app?.remove(), flags?.stop()]))

for (const [name, { file, words }] of Object.entries(RUNTIMES)) {
  const skip = file === undefined && `npm has no ${name} for ${process.platform} on ${process.arch}`
  for (const [door, text] of Object.entries(PROGRAMS)) {
    test(`${name}: ${door} shows the state, and ends`, { skip }, async () => {
      const main = `${door.replace('/', '-')}.js`
      await app.write({ [main]: `import process from 'node:process'\n${text}\n${SHOW}` })
      assert.deepEqual(JSON.parse(await program(app, file, ...words, main, flags.stream)), SHOWN)
    })
  }
  test(`${name}: a worker shows the state, and the program ends`, { skip }, async () => {
    assert.deepEqual(JSON.parse(await program(app, file, ...words, 'main.js', flags.stream)), SHOWN)
  })
}
