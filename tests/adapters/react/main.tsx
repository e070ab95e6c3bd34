// What of the React adapter shows only in a browser: called by react.test.mjs.

import { connect, init } from 'highwater'
import { useItem, useStatus, useView } from 'highwater/react'
import { createSource } from 'highwater/testing'
import { type ReactNode, startTransition, StrictMode, useEffect, useReducer, useState } from 'react'
import { flushSync } from 'react-dom'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'

interface Kinds {
  n: number
}

async function started() {
  const source = createSource<Kinds>()
  const store = connect<Kinds>(source.url, { fetch: source.fetch })
  source.begin().put('n', 'x', 0).put('n', 'y', 0).end()
  await store.ready
  return { source, store }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

function container(html = ''): HTMLElement {
  const element = document.createElement('div')
  element.innerHTML = html
  document.body.append(element)
  return element
}

/**
 * Forty components that take their time, shown in a transition, while the item moves between the
 * slices of that. Answers with how often two showed different values at once, and how often the
 * item moved while they were being rendered.
 */
async function tearing(how: 'adapter' | 'naive'): Promise<{ torn: number; moved: number; shown: number }> {
  const { source, store } = await started()
  const useNaive = (): number | undefined => {
    const [, again] = useReducer((count: number) => count + 1, 0)
    useEffect(() => store.subscribe(again), [])
    return store.get('n', 'x')
  }
  const useAdapter = (): number | undefined => useItem(store, 'n', 'x')
  const useValue = how === 'adapter' ? useAdapter : useNaive
  function Slow() {
    const value = useValue()
    const until = performance.now() + 3
    while (performance.now() < until);
    return <i>{value}</i>
  }
  let show: (() => void) | undefined
  function Page() {
    const [shown, setShown] = useState(false)
    show = () => startTransition(() => setShown(true))
    return shown ? Array.from({ length: 40 }, (_, at) => <Slow key={at} />) : null
  }
  const element = container()
  const values = (): Set<string | null> => new Set([...element.querySelectorAll('i')].map(({ textContent }) => textContent))
  let torn = 0
  new MutationObserver(() => void (values().size > 1 && torn++)).observe(element, { subtree: true, childList: true, characterData: true })
  const root = createRoot(element)
  root.render(<Page />)
  while (show === undefined) await turn()
  show()
  let moved = 0
  for (; values().size === 0; moved++) {
    source.patch('n', 'x', moved + 1)
    await source.settled()
    await turn()
  }
  // What it shows in the end is what the store holds; who listens too late may never show that.
  while (how === 'adapter' && (values().size > 1 || !values().has(String(store.get('n', 'x'))))) await turn()
  const shown = element.querySelectorAll('i').length
  root.unmount()
  store.close()
  return { torn, moved, shown }
}

/** A part of a page that is taken over after the store has moved on. */
async function hydration(): Promise<{ server: string; errors: string[]; shown: string | null }> {
  const { source, store } = await started()
  function Part() {
    const x = useItem(store, 'n', 'x')
    const sum = useView(store, ({ n }) => [...(n?.values() ?? [])].reduce((sum, value) => sum + value, 0))
    const size = useView(store, 'n').size
    const cursor = useStatus(store, (status) => status.cursor)
    return <b>{[x, sum, size, cursor].join(' ')}</b>
  }
  const server = renderToString(<Part />)
  const errors: string[] = []
  const take = async (): Promise<HTMLElement> => {
    const element = container(server)
    hydrateRoot(element, <Part />, { onRecoverableError: (error) => errors.push(String(error)) })
    await turn()
    return element
  }
  await take()
  source.patch('n', 'x', 5)
  await source.settled()
  const late = await take()
  while (!late.textContent?.startsWith('5')) await turn()
  store.close()
  return { server, errors, shown: late.textContent }
}

/** A component whose key changes, within a store that is closed at last. */
async function lifetimes(): Promise<(string | null)[]> {
  const { source, store } = await started()
  const element = container()
  const root = createRoot(element)
  const seen: (string | null)[] = []
  function Item({ id }: { id: string | undefined }) {
    return <b>{String(useItem(store, 'n', id))}</b>
  }
  const draw = (node: ReactNode): void => {
    flushSync(() => root.render(<StrictMode>{node}</StrictMode>))
    seen.push(element.textContent)
  }
  const push = async (change: () => void): Promise<void> => {
    change()
    await source.settled()
    // What the store's listeners asked for is drawn by now: React does that at once.
    seen.push(element.textContent)
  }
  draw(<Item id="x" />)
  await push(() => source.patch('n', 'x', 1))
  draw(<Item id="y" />)
  await push(() => source.patch('n', 'x', 2))
  await push(() => source.patch('n', 'y', 3))
  draw(<Item id={undefined} />)
  draw(<Item id="none" />)
  store.close()
  // A closed store stays readable, and whoever comes now is no error.
  draw(<Item key="new" id="y" />)
  root.unmount()
  return seen
}

/** Components with specs that are written anew each time: what they show, and how often they rendered. */
async function specs(): Promise<{ shown: (string | null)[]; renders: number[] }> {
  // A view that is drawn at once has to find what it needs.
  await init()
  const { source, store } = await started()
  let made = 0
  const { view } = store
  store.view = ((spec) => {
    made++
    return view.call(store, spec)
  }) as typeof store.view
  let renders = 0
  function Top({ least }: { least: number }) {
    renders++
    const { rows, count } = useView(store, { kind: 'n', where: { '': { gte: least } }, sort: ['-'], limit: 1 })
    return <b>{rows.map(({ key, value }) => `${key}${value}`).join()} of {count}</b>
  }
  const element = container()
  const root = createRoot(element)
  const shown: (string | null)[] = []
  const draw = (least: number): void => {
    flushSync(() => root.render(<Top least={least} />))
    shown.push(element.textContent)
  }
  const push = async (key: string, value: number): Promise<void> => {
    source.patch('n', key, value)
    await source.settled()
    shown.push(element.textContent)
    counts.push(renders)
  }
  const counts: number[] = []
  draw(0)
  draw(0)
  await push('x', 5)
  // Beyond the limit, and the count is the same: nothing to render.
  await push('y', 1)
  await push('z', 2)
  draw(4)
  await push('y', 9)
  root.unmount()
  await push('y', 10)
  store.close()
  return { shown, renders: [...counts, made] }
}

Object.assign(globalThis, { proofs: { tearing, hydration, lifetimes, specs } })
