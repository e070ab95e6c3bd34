// A project as a user has it: the packed package installed, the frameworks beside it, pages to build.

import { cpSync, existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../highwater.mjs'
import { install } from '../package/install.mjs'

/**
 * Makes one in a folder of its own. What is not ours is linked, not fetched. `pages` are folders of
 * the repository that it has under these names.
 */
export async function makeProject(pages = { '.': 'www/examples' }) {
  const { folder } = await install()
  const modules = join(folder, 'node_modules')
  for (const name of readdirSync(join(root, 'node_modules'))) {
    const link = join(modules, name)
    if (!name.startsWith('.') && !existsSync(link)) symlinkSync(join(root, 'node_modules', name), link, 'junction')
  }
  for (const file of ['package.json', 'vite.config.ts']) cpSync(join(root, 'www/examples', file), join(folder, file))
  for (const [name, from] of Object.entries(pages)) {
    const installed = join(root, from, 'node_modules')
    cpSync(join(root, from), join(folder, name), { recursive: true, filter: (path) => path !== installed })
  }
  // At once: a runner that is made to exit waits for nobody.
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
