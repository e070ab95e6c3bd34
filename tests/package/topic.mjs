// A topic of the real server, for programs that use the package.

import assert from 'node:assert/strict'
import { startHighwater } from '../highwater.mjs'

/** Starts a server that has two flags. Pages from anywhere may read it. */
export async function startFlags() {
  const server = await startHighwater('serve', '--cors-origin', '*')
  const put = async (key, value) => {
    const answer = await fetch(`${server.url}/v1/topics/flags/flag/${key}`, { method: 'PUT', body: JSON.stringify(value) })
    assert.ok(answer.ok, `PUT ${key}: ${answer.status}`)
  }
  await put('dark-mode', { on: true })
  await put('beta', { on: false })
  return { stream: `${server.url}/v1/topics/flags/stream`, put, stop: server.stop }
}
