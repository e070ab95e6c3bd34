// The installed package in an empty Next application, built for production: rendered on the server
// with what the server's store holds, and kept up in the browser by a client component.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { snippets } from './docs.mjs'
import { install, program, tools } from './install.mjs'
import { startStage } from './page.mjs'

/** What docs/packaging.md leaves to the reader. */
const LAYOUT = `export const metadata = { icons: 'data:,' }
export default function Layout({ children }) {
  return <html><body>{children}</body></html>
}
`

// It would tell its makers of the build.
process.env.NEXT_TELEMETRY_DISABLED = '1'

let app, stage
before(async () => {
  // Where Next and React are installed: the builder wants everything under one root.
  app = await install(tools)
  stage = await startStage()
  const { 'app/page.js': page, 'app/live.js': live } = await snippets('packaging.md', stage.flags.stream)
  await app.write({
    // Of all the folders with a lock file around it, the one where its packages are.
    'next.config.mjs': `export default { turbopack: { root: ${JSON.stringify(tools)} } }\n`,
    'app/layout.js': LAYOUT,
    'app/page.js': page,
    'app/live.js': live,
  })
})
after(() => Promise.all([app?.remove(), stage?.stop()]))

test('built, started, rendered on the server and kept up in the browser', async (t) => {
  const next = join(tools, 'node_modules/next/dist/bin/next')
  await program(app, process.execPath, next, 'build')
  const server = spawn(process.execPath, [next, 'start', '--hostname', '127.0.0.1', '--port', '0'], {
    cwd: app.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => server.kill('SIGKILL'))
  const url = await addressOf(server)
  const answer = await fetch(url)
  assert.match(await answer.text(), /on the server: (<!-- -->)?\[\[&quot;beta&quot;,.*not yet/)
  assert.deepEqual(await stage.assertLive(`${url}/`), ['application/wasm'])
})

/** The address that it prints when it is there. */
async function addressOf(server) {
  for await (const line of createInterface({ input: server.stdout })) {
    const found = /http:\/\/127[^\s]+/.exec(line)
    if (found) {
      server.stdout.resume()
      return found[0]
    }
  }
  throw new Error('next start ended')
}
