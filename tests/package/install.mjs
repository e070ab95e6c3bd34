// The package as its users have it: packed, and installed into a project of its own.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../highwater.mjs'

const run = promisify(execFile)

/** The folder whose package.json pins the bundlers, frameworks and runtimes that it is tried in. */
export const tools = join(root, 'tests/package/tools')

/**
 * Packs the package and installs it into an empty project. Nothing of the repository is left in it
 * but the package; a project within another folder also finds what is installed there.
 */
export async function install(within = tmpdir()) {
  const folder = await mkdtemp(join(within, 'highwater-package-'))
  const npm = (directory, ...words) => run('npm', [...words, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: directory })
  await npm(root, 'pack', '--pack-destination', folder)
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  const tarball = join(folder, name)
  const write = async (files) => {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), text)
    }
  }
  await write({ 'package.json': '{ "name": "application", "private": true, "type": "module" }' })
  // It depends on nothing, so there is nothing to be fetched.
  await npm(folder, 'install', '--offline', tarball)
  // The modules of the package: bundlers put each beside the bundle, once.
  const modules = (await readdir(join(folder, 'node_modules/highwater/dist'))).filter((file) => file.endsWith('.wasm'))
  return { folder, tarball, modules, write, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Runs Node in the project, and answers with what it printed. Warnings on standard error are failures. */
export async function node(app, ...words) {
  return program(app, process.execPath, ...words)
}

/** Runs a program in the project, as {@link node} runs Node. */
export async function program({ folder }, file, ...words) {
  const { stdout, stderr } = await run(file, words, { cwd: folder, timeout: LIMIT })
  if (stderr !== '') throw new Error(`${file} ${words.join(' ')} complained:\n${stderr}`)
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

// A build of a few seconds takes minutes on a machine that has other work.
const LIMIT = 240_000
