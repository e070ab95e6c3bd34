// README's own words, run as a reader would run them. (Its Rust is run by the crate tests/readme.)

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { program, root, startHighwater } from '../highwater.mjs'
import { install } from './install.mjs'

const run = promisify(execFile)

let app, readme
before(async () => {
  app = await install()
  readme = await readFile(join(root, 'README.md'), 'utf8')
})
after(() => app?.remove())

/** The only code in a language under a heading. */
function code(heading, language) {
  const [, section] = readme.split(`\n## ${heading}\n`)
  assert.ok(section !== undefined, `README has no section ${heading}`)
  const found = [...section.split('\n## ')[0].matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language)
  assert.equal(found.length, 1, `${language} under ${heading}`)
  return found[0][2]
}

/** The code with another address: the only thing about it that changes. */
function at(url, text, written) {
  const { host } = new URL(url)
  assert.ok(text.includes(written), text)
  return text.replaceAll(written, written.startsWith('localhost') ? host.replace('127.0.0.1', 'localhost') : host)
}

/** The lines that a program prints, one by one; each is waited for. */
function linesOf(child) {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (fits) => {
    const seen = []
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`it ended, having printed:\n${seen.join('\n')}`)
      if (fits.test(value)) return value
      seen.push(value)
    }
  }
}

test('the JavaScript shows this machine’s processes, and tells of one that comes and goes', { timeout: 60_000 }, async (t) => {
  const demo = await startHighwater('demo', '--www', 'www/dist')
  t.after(demo.stop)
  await app.write({ 'readme.js': at(demo.url, code('JavaScript', 'js'), '127.0.0.1:7070') })
  const reader = spawn(process.execPath, ['readme.js'], { cwd: app.folder, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => reader.kill('SIGKILL'))
  const line = linesOf(reader)

  const [, items, epoch] = /^(\d+) items at (\w+)\.\d+$/.exec(await line(/items/))
  assert.ok(Number(items) > 2, items)
  const { cursor } = await (await fetch(`${demo.url}/v1/topics/machine`)).json()
  assert.equal(epoch, cursor.split('.')[0])

  const idle = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
  t.after(() => idle.kill('SIGKILL'))
  await line(new RegExp(`^${idle.pid}-\\d+ \\{`))
  await line(new RegExp(`^  pid: ${idle.pid},$`))
  idle.kill('SIGKILL')
  await line(new RegExp(`^${idle.pid}-\\d+ is gone$`))
})

test('the server’s commands do what is said beside them', { timeout: 60_000 }, async (t) => {
  const commands = code('Server', 'sh').trimEnd().split('\n').map((line) => line.split(/ +# /))
  assert.equal(commands.length, 7)
  const [[serve, where], [put], [get], [wait], [stream], [tail], [replay]] = commands

  // The one line that is not run as it is: a free port, where the default may be taken.
  assert.equal(serve, 'highwater serve')
  const [, address] = /on (\S+)$/.exec(where)
  assert.ok((await run(program, ['serve', '--help'])).stdout.includes(`[default: ${address}]`), where)
  const server = await startHighwater('serve')
  t.after(server.stop)

  const env = { ...process.env, PATH: `${dirname(program)}:${process.env.PATH}` }
  const bash = (command) => ['bash', ['-c', command], { cwd: app.folder, env }]
  const ask = async (command) => JSON.parse((await run(...bash(at(server.url, command, 'localhost:7070')))).stdout)

  const written = await ask(put)
  assert.deepEqual({ ...written, cursor: '' }, { topic: 'flags', index: 1, version: 1, cursor: '' })

  const everything = await ask(get)
  assert.equal(everything.cursor, written.cursor)
  assert.deepEqual(everything.items, [{ kind: 'flag', key: 'dark-mode', version: 1, object: { on: true } }])

  const waiting = ask(wait)
  // Long enough to see an answer that does not wait; a machine that is slower than that sees less.
  assert.equal(await Promise.race([waiting, delay(500, 'nothing')]), 'nothing')
  await ask(put.replace('true', 'false'))
  const next = await waiting
  assert.equal(next.index, 2)
  assert.deepEqual(next.items.map(({ object }) => object), [{ on: false }])

  /** Runs a command that goes on until it is stopped. */
  const follow = async (command, read) => {
    const child = spawn(...bash(`exec ${at(server.url, command, 'localhost:7070')}`))
    const ended = once(child, 'exit')
    await read(linesOf(child))
    child.kill()
    await ended
  }
  await follow(stream, async (line) => {
    await line(/^event: server-intent$/)
    await line(/^data: .*"dark-mode".*\{"on":false\}/)
    await line(/^event: payload-transferred$/)
  })
  await follow(tail, async (line) => {
    const { snapshot, changes } = JSON.parse(await line(/^\{/))
    assert.equal(snapshot, true)
    assert.deepEqual(changes.map(({ key, value }) => [key, value]), [['dark-mode', { on: false }]])
  })

  await copyFile(join(root, 'tests/vectors/streams/all-06-put-replaces-everything.conn1.txt'), join(app.folder, 'recorded.txt'))
  const { stdout } = await run(...bash(replay))
  assert.match(stdout, /^connection 1: recorded\.txt\n {2}@0 put, 226 bytes\n {6}begin a snapshot\n {6}insert flags\/a at 5\n/)
  assert.match(stdout, /final state: live, 1 items\n {2}flags\n {4}a at 1: .*\n$/)
})
