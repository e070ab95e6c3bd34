// LaunchDarkly's SDK for Node servers, told what to do line by line.

import { createInterface } from 'node:readline'
import { init } from '@launchdarkly/node-server-sdk'

const [relay, key, protocol] = process.argv.slice(2)
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)
const logger = Object.fromEntries(['error', 'warn', 'info', 'debug'].map((level) => [level, (...words) => console.error(level, ...words)]))
const dataSystem = protocol === 'fdv2' ? { dataSource: { dataSourceOptionsType: 'streamingOnly', streamInitialReconnectDelay: 0.1 } } : undefined
const client = init(key, { baseUri: relay, streamUri: relay, eventsUri: relay, streamInitialReconnectDelay: 0.1, dataSystem, logger })
client.on('ready', () => say({ ready: true }))
client.on('failed', (error) => say({ failed: String(error) }))

const context = (name) => ({ kind: 'user', key: name })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, flag, user, all } = JSON.parse(line)
  if (all) say({ id, all: (await client.allFlagsState(context(user))).toJSON() })
  else say({ id, value: await client.variation(flag, context(user), 'none') })
}
await client.flush()
client.close()
