// A project as a user has it: the packed package installed, the frameworks beside it, the examples.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Makes one in a folder of its own. The package is unpacked there; what is not ours is linked.
 * `pages` are folders of the repository that it has under these names.
 */
export function makeProject(pages = { '.': 'www/examples' }) {
  const folder = mkdtempSync(join(tmpdir(), 'highwater-adapters-'))
  const modules = join(folder, 'node_modules')
  const run = (program, ...args) => execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  mkdirSync(join(modules, 'highwater'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name.startsWith('.')) continue
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction')
  }
  const [{ filename }] = JSON.parse(run('npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder))
  run('tar', '-xzf', join(folder, filename), '-C', join(modules, 'highwater'), '--strip-components=1')
  for (const file of ['package.json', 'vite.config.ts']) cpSync(join(root, 'www/examples', file), join(folder, file))
  for (const [name, from] of Object.entries(pages)) {
    const installed = join(root, from, 'node_modules')
    cpSync(join(root, from), join(folder, name), { recursive: true, filter: (path) => path !== installed })
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
