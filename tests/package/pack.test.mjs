// What `npm pack` puts into the package, and what the linters of packages say of it.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { install, tool } from './install.mjs'

let app
before(async () => {
  app = await install()
})
after(() => app?.remove())

test('the package holds its module and its doors, and nothing of the sources', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' }))
  const paths = files.map(({ path }) => path)
  for (const door of ['core.wasm', 'full.wasm', 'browser.js', 'browser.d.ts', 'node.js', 'inline.js', 'slim.js', 'workerd.js']) {
    assert.ok(paths.includes(`dist/${door}`), door)
  }
  for (const path of paths) assert.match(path, /^(dist\/((adapters|devtools(\/view)?|testing)\/)?[a-z0-9.-]+\.(js|d\.ts|wasm)|package\.json|README\.md|LICENSE-(MIT|APACHE))$/)
})

test('publint finds nothing, not even something to suggest', async () => {
  assert.match(await tool(app, 'publint', 'run', app.tarball, '--strict'), /All good!/)
})

test('however it is resolved, the types are those of the script', async () => {
  // Without the resolutions of old: by `require` the types are the same, and Node 20.19 can.
  await tool(app, 'attw', app.tarball, '--profile', 'esm-only', '--exclude-entrypoints', 'core.wasm', 'full.wasm', '--no-color')
})
