// What runtimes that are not browsers are given to run: it shows the state, and ends.

/** Shows the state, and ends by itself: what `close` left open would keep the process. */
export const SHOW = `
async function show(store) {
  await store.ready
  console.log(JSON.stringify({ beta: store.get('flag', 'beta'), keys: store.keys('flag').sort(), phase: store.status.phase }))
  store.close()
}
`
export const SHOWN = { beta: { on: false }, keys: ['beta', 'dark-mode'], phase: 'live' }

/** The same from within a worker. */
export const WORKER = {
  'main.js': `import process from 'node:process'
import { Worker } from 'node:worker_threads'
new Worker(new URL('./worker.js', import.meta.url), { workerData: process.argv[2] })`,
  'worker.js': `import { workerData } from 'node:worker_threads'
import { connect } from 'highwater'
await show(connect(workerData))
${SHOW}`,
}
