// What `npm pack` puts into the package.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

test('the package holds its module and its doors, and nothing of the sources', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' }))
  const paths = files.map(({ path }) => path)
  for (const door of ['core.wasm', 'browser.js', 'browser.d.ts', 'node.js', 'inline.js', 'slim.js', 'workerd.js']) {
    assert.ok(paths.includes(`dist/${door}`), door)
  }
  assert.ok(!paths.some((path) => path.startsWith('crates/')))
})
