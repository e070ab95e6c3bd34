// SDKs as the tests drive them: each answers what a flag is for a user.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Those that are programs: how each is started for a relay. */
export const SDKS = {
  'Node, /all': (relay, key) => [process.execPath, here('sdks/node.mjs'), relay, key, 'fdv1'],
  'Node, /sdk/stream': (relay, key) => [process.execPath, here('sdks/node.mjs'), relay, key, 'fdv2'],
  'Rust, /all': (relay, key) => [named('INTEROP_RUST'), relay, key],
  'Python, /all': (relay, key) => [named('INTEROP_PYTHON'), here('sdks/python.py'), relay, key, 'fdv1'],
  'Python, /sdk/stream': (relay, key) => [named('INTEROP_PYTHON'), here('sdks/python.py'), relay, key, 'fdv2'],
}

/** What `cargo xtask test interop` names. */
function named(name) {
  const found = process.env[name]
  if (!found) throw new Error(`${name} is not set; \`cargo xtask test interop\` sets it`)
  return found
}

/** Outside CI a machine may lack a Python with what is tried. Then its tests say so. */
export const lacks = (variable) =>
  !process.env[variable] && !(process.env.CI && process.env.CI !== 'false') ? 'there is no Python with it' : false

/** The same, of an SDK. */
export const missing = (name) => name.startsWith('Python') && lacks('INTEROP_PYTHON')

/** Starts one. */
export function startSdk(t, command) {
  const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
  const waiting = new Map()
  const log = []
  let news
  const began = new Promise((resolve) => (news = resolve))
  child.stderr.setEncoding('utf8').on('data', (text) => log.push(text))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line)
    if (said.id === undefined) return news(said)
    waiting.get(said.id)(said)
    waiting.delete(said.id)
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const fail = () => new Error(`the SDK ended:\n${log.join('')}`)
  ended.then(() => news({ failed: String(fail()) }))
  let next = 0
  const ask = (what) =>
    new Promise((resolve, reject) => {
      const id = next++
      waiting.set(id, resolve)
      ended.then(() => reject(fail()))
      child.stdin.write(`${JSON.stringify({ id, ...what })}\n`)
    })
  t.after(() => child.kill('SIGKILL'))
  return {
    /** `{ ready }` or `{ failed }`. */
    began,
    log: () => log.join(''),
    value: async (flag, user = 'bob') => (await ask({ flag, user })).value,
    /** Every flag's value and, in `$flagsState`, its version. */
    all: async (user = 'bob') => (await ask({ all: true, user })).all,
  }
}
