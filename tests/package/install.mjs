// The package as its users have it: packed, and installed into a project of its own.

import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../highwater.mjs'

const run = promisify(execFile)

/** Packs the package and installs it into an empty project. Nothing of the repository is left in it but the package. */
export async function install() {
  const folder = await mkdtemp(join(tmpdir(), 'highwater-package-'))
  const npm = (directory, ...words) => run('npm', [...words, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: directory })
  await npm(root, 'pack', '--pack-destination', folder)
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  const tarball = join(folder, name)
  const write = async (files) => {
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  }
  await write({ 'package.json': '{ "name": "application", "private": true, "type": "module" }' })
  // It depends on nothing, so there is nothing to be fetched.
  await npm(folder, 'install', '--offline', tarball)
  return { folder, tarball, write, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Runs Node in the project, and answers with what it printed. Warnings on standard error are failures. */
export async function node({ folder }, ...words) {
  const { stdout, stderr } = await run(process.execPath, words, { cwd: folder, timeout: LIMIT })
  if (stderr !== '') throw new Error(`node ${words.join(' ')} complained:\n${stderr}`)
  return stdout
}

/** Runs a program of the repository's node_modules in the project. Answers with its output, or throws it. */
export async function tool({ folder }, name, ...words) {
  const script = join(root, 'node_modules', '.bin', name)
  try {
    return (await run(script, words, { cwd: folder, timeout: LIMIT })).stdout
  } catch (error) {
    throw new Error(`${name} ${words.join(' ')}\n${error.stdout}${error.stderr}`, { cause: error })
  }
}

const LIMIT = 60_000
