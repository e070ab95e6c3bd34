// The types of the installed package, as a strict project sees them.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { install, tool } from './install.mjs'

const CONSUMER = `import { connect, HighwaterError, type Change, type Edits, type Group, type Row, type Snapshot, type StandardSchema, type Status, type Store, type StoreView, type Version } from 'highwater'
import { init } from 'highwater/slim'
import { connect as connectInline } from 'highwater/inline'
import { mount, type Devtools } from 'highwater/devtools'

interface Process {
  readonly name: string
  readonly parent: number | null
}
interface Machine {
  process: Process
  host: { load: [number, number, number] }
}

using store = connect<Machine>('http://127.0.0.1:7070/v1/topics/machine/stream', {
  protocol: 'fdv2',
  headers: async ({ attempt }) => ({ 'x-attempt': String(attempt) }),
  retry: { first: 100 },
})

const process: Process | undefined = store.get('process', '1')
export const name: string | undefined = process?.name
export const load: [number, number, number] | undefined = store.get('host', 'host')?.load
export const version: Version | undefined = store.versionOf('process', '1')
export const status: Status = store.status
export const snapshot: Snapshot<Machine> = store.snapshot()
export const names: string[] = [...store.collection('process')].map(([key, { name }]) => key + name)
const heard = ({ changed, removed }: Change<Machine>): void => {
  for (const { kind, key } of [...changed, ...removed]) console.log(kind satisfies 'process' | 'host', key)
}
export const stop: () => void = store.subscribe(heard, { kind: 'process', prefix: '4' })
if (store.status.error instanceof HighwaterError && store.status.error.code === 'gap') store.reconnect()

// Views: rows are of the kind that is asked for.
const rows = store.view({ kind: 'process', where: { '/name': { prefix: 'a' }, not: { '/parent': null } }, sort: ['-/name', 'key'], limit: 5 })
export const first: Process | undefined = rows.rows[0]?.value
for (const row of store.view().rows) {
  if (row.kind === 'host') console.log(row.value?.load[0])
}
export const groups: readonly Group[] = store.view({ group: '/parent' }).groups
rows.subscribe(({ inserted, removed }: Edits<Row<Machine, 'process'>>) => console.log(inserted[0]?.row.value?.name, removed[0]))
const names2: StoreView<Machine, string[]> = {
  update(changes) {
    for (const change of changes) if (change.kind === 'process') console.log(change.value?.parent)
  },
  result: () => [],
  reset() {},
}
export const materialized: string[] | undefined = store.materialize(names2).snapshot()
for await (const { changed } of store) console.log(changed[0]?.kind satisfies 'process' | 'host' | undefined)
export const again: Store<Machine> = connect<Machine>('http://127.0.0.1/', { initial: store.checkpoint(), hidden: 'pause' })

// A schema types the store.
declare const schema: StandardSchema<{ on: boolean }>
const judged = connect('http://127.0.0.1/', { schema: { flag: schema } })
export const on: boolean | undefined = judged.get('flag', 'a')?.on
// @ts-expect-error A kind without a schema.
judged.get('process', '1')
// @ts-expect-error The schema says boolean.
export const text: string | undefined = judged.get('flag', 'a')?.on
// @ts-expect-error A field is a pointer, key or kind.
store.view({ sort: ['name'] })
// @ts-expect-error A kind that this machine has not.
store.view({ kind: 'disk' })
// @ts-expect-error Rows do not change.
rows.rows.push(rows.rows[0])
// @ts-expect-error No such test.
store.view({ where: { '/name': { above: 1 } } })
// @ts-expect-error A view has a result.
store.materialize({ update() {}, reset() {} })

// @ts-expect-error A kind that this machine has not.
store.get('disk', 'sda')
// @ts-expect-error A value may be missing.
export const certain: Process = store.get('process', '1')
// @ts-expect-error Snapshots do not change.
store.snapshot().process?.set('1', process)
// @ts-expect-error No such protocol.
connect('http://127.0.0.1/', { protocol: 'gopher' })
// @ts-expect-error No such phase.
if (store.status.phase === 'dead') store.close()

// Without types, values are unknown: they have to be looked at.
const anything = connectInline('http://127.0.0.1/').get('process', '1')
// @ts-expect-error It is unknown.
export const unknown: string = anything
export const panel: Devtools = mount({ tab: 'wire', window: { entries: 1000 } })
// @ts-expect-error No such tab.
mount({ tab: 'soap' })
export const loaded: Promise<void> = init(fetch('/core.wasm'))
`

let app
before(async () => {
  app = await install()
  await app.write({ 'consumer.ts': CONSUMER })
})
after(() => app?.remove())

for (const [module, resolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
  for (const lib of [[], ['--lib', 'es2022,dom']]) {
    test(`tsc --strict, ${resolution}, ${lib[1] ?? 'its own choice of libraries'}`, async () => {
      // With libraries of packages checked too, which is the default.
      const words = ['--strict', '--noEmit', '--target', 'es2022', '--module', module, '--moduleResolution', resolution]
      assert.equal(await tool(app, 'tsc', '--ignoreConfig', ...words, ...lib, 'consumer.ts'), '')
    })
  }
}
