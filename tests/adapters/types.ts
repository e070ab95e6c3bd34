// What a user's compiler must say of each adapter; compiled, never run.

import { connect } from 'highwater'
import * as react from 'highwater/react'
import * as solid from 'highwater/solid'
import * as svelte from 'highwater/svelte'
import * as vue from 'highwater/vue'
import { createSource } from 'highwater/testing'
import type { Status } from 'highwater'
import type { Accessor } from 'solid-js'
import type { ShallowRef } from 'vue'

interface Task {
  text: string
}
interface Kinds {
  task: Task
  count: number
}

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Same<A, B>): void => {}

const store = connect<Kinds>('https://example.org/')
const untyped = connect('https://example.org/')
const view = { subscribe: (_: () => void) => () => {}, snapshot: (): readonly Task[] => [] }

// Of a kind, of an item, of a view, of a selection.
const item = react.useItem(store, 'task', 'a')
is<typeof item, Task | undefined>(true)
const number = react.useItem(store, 'count', 'a')
is<typeof number, number | undefined>(true)
const all = react.useView(store, 'task')
is<typeof all, ReadonlyMap<string, Task>>(true)
const viewed = react.useView(store, view)
is<typeof viewed, readonly Task[]>(true)
const listed = react.useView(store, { kind: 'task', where: { '/text': { prefix: 'a' } }, sort: ['-/text'] })
is<typeof listed.rows, readonly { readonly kind: 'task'; readonly key: string; readonly value: Task | undefined }[]>(true)
const vueListed = vue.useView(store, { kind: 'count' })
is<typeof vueListed.value.rows[number]['value'], number | undefined>(true)
const svelteListed = svelte.useView(store, { limit: 5 })
is<typeof svelteListed.current.rows[number]['kind'], 'task' | 'count'>(true)
const solidListed = solid.useView(store, { kind: 'count' })
is<ReturnType<typeof solidListed>['count'], number>(true)
const made = react.useView(store, store.view({ kind: 'task' }))
is<typeof made.rows[number]['value'], Task | undefined>(true)
const collected = react.useView(store, store.collection('count'))
is<typeof collected, ReadonlyMap<string, number>>(true)
const selected = react.useView(store, ({ task, count }) => [task?.size, count?.get('a')] as const)
is<typeof selected, readonly [number | undefined, number | undefined]>(true)
const status = react.useStatus(store)
is<typeof status, Status>(true)
const phase = react.useStatus(store, ({ phase }) => phase)
is<typeof phase, Status['phase']>(true)
const unknown = react.useItem(untyped, 'anything', 'a')
is<typeof unknown, unknown>(true)

const svelteItem = svelte.useItem(store, 'task', 'a')
is<typeof svelteItem, svelte.Live<Task | undefined>>(true)
const svelteView = svelte.useView(store, view)
is<typeof svelteView, svelte.Live<readonly Task[]>>(true)
const vueItem = vue.useItem(store, 'task', () => 'a')
is<typeof vueItem, Readonly<ShallowRef<Task | undefined>>>(true)
const vueView = vue.useView(store, 'count')
is<typeof vueView, Readonly<ShallowRef<ReadonlyMap<string, number>>>>(true)
const solidItem = solid.useItem(store, 'task', () => 'a')
is<typeof solidItem, Accessor<Task | undefined>>(true)
const solidPhase = solid.useStatus(store, ({ phase }) => phase)
is<typeof solidPhase, Accessor<Status['phase']>>(true)

// What there is not.
// @ts-expect-error no such kind
react.useItem(store, 'none', 'a')
// @ts-expect-error no such kind
react.useView(store, 'none')
// @ts-expect-error no such kind
react.useView(store, { kind: 'none' })
// @ts-expect-error no pointer
react.useView(store, { where: { text: 'a' } })
// @ts-expect-error no such operator
react.useView(store, { where: { '/text': { above: 'a' } } })
// @ts-expect-error no such kind
svelte.useItem(store, 'none', 'a')
// @ts-expect-error no such kind
vue.useItem(store, 'none', 'a')
// @ts-expect-error no such kind
solid.useItem(store, 'none', 'a')
// @ts-expect-error a key is a text
react.useItem(store, 'task', 7)
// @ts-expect-error values are not to be changed
all.set('a', { text: '' })
// @ts-expect-error a ref to be read
vueItem.value = undefined

const source = createSource<Kinds>()
source.begin().put('task', 'a', { text: '' }).put('count', 'a', 1, 2n).end()
// @ts-expect-error not a value of this kind
source.patch('task', 'a', { texts: '' })
