// The built program, started by a test.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const root = fileURLToPath(new URL('..', import.meta.url))
/** The program `highwater`. */
export const program = process.env.HIGHWATER_BIN ?? `${root}target/release/highwater`

/** Starts a sub-command that serves, on a free port, and waits for the line that names its address. */
export async function startHighwater(...words) {
  const child = spawn(program, [...words, '--listen', '127.0.0.1:0'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text))
  const url = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${program} ${words.join(' ')} ended with ${code}:\n${log}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /http:\/\/[^\s]+/.exec(line)
      if (found) resolve(found[0])
    })
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  return { url, log: () => log, stop: () => (child.kill('SIGTERM'), ended), kill: () => (child.kill('SIGKILL'), ended) }
}
