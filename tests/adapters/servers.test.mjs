// Svelte, Vue and Solid on a server: rendered with what the store holds, and no listener left behind.
// And what of them needs no page to be seen.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'highwater'
import * as solid from 'highwater/solid'
import * as svelte from 'highwater/svelte'
import { createSource } from 'highwater/testing'
import * as highwaterVue from 'highwater/vue'
import { renderToString as renderSolid } from 'solid-js/web'
import { compile } from 'svelte/compiler'
import { render as renderSvelte } from 'svelte/server'
import { createSSRApp, effectScope, h, isReactive, ref, watch } from 'vue'
import { renderToString as renderVue } from 'vue/server-renderer'

/** A store, and how many listen to it. */
async function started(t) {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch })
  t.after(() => store.close())
  source.begin().put('flag', 'dark', { on: true }).put('flag', 'light', { on: false }).end()
  await source.settled()
  const counted = { source, store, listeners: 0 }
  for (const method of ['subscribe', 'onStatus']) {
    const listen = store[method].bind(store)
    store[method] = (...given) => {
      const stop = listen(...given)
      counted.listeners += 1
      return () => {
        counted.listeners -= 1
        stop()
      }
    }
  }
  return counted
}

const countOn = ({ flag }) => [...(flag?.values() ?? [])].filter(({ on }) => on).length

test('vue renders on a server', async (t) => {
  const counted = await started(t)
  const { store } = counted
  const app = createSSRApp({
    setup() {
      const flag = highwaterVue.useItem(store, 'flag', () => 'dark')
      const all = highwaterVue.useView(store, 'flag')
      const on = highwaterVue.useView(store, countOn)
      const phase = highwaterVue.useStatus(store, (status) => status.phase)
      return () => h('p', [phase.value, flag.value.on, all.value.size, on.value].join(' '))
    },
  })
  assert.equal(await renderVue(app), '<p>live true 2 1</p>')
  assert.equal(counted.listeners, 0)
})

test('vue: refs follow the item, their keys too, and end with their scope', async (t) => {
  const counted = await started(t)
  const { store, source } = counted
  const scope = effectScope()
  const key = ref('dark')
  const seen = []
  const flag = scope.run(() => {
    const flag = highwaterVue.useItem(store, 'flag', key)
    watch(flag, (flag) => seen.push(flag?.on), { flush: 'sync' })
    return flag
  })
  // The store's own object: nothing is made reactive that never changes.
  assert.equal(flag.value, store.get('flag', 'dark'))
  assert.equal(isReactive(flag.value), false)
  source.patch('flag', 'light', { on: true }).patch('flag', 'dark', { on: false })
  await source.settled()
  assert.deepEqual(seen, [false])
  key.value = 'light'
  assert.deepEqual([seen.at(-1), flag.value], [true, store.get('flag', 'light')])
  assert.equal(counted.listeners, 1)
  key.value = 'none'
  assert.equal(flag.value, undefined)
  scope.stop()
  assert.equal(counted.listeners, 0)
})

test('solid renders on a server', async (t) => {
  const counted = await started(t)
  const { store } = counted
  const html = renderSolid(() => {
    const flag = solid.useItem(store, 'flag', () => 'dark')
    const all = solid.useView(store, 'flag')
    const on = solid.useView(store, countOn)
    const phase = solid.useStatus(store, (status) => status.phase)
    return [phase(), flag().on, all().size, on()].join(' ')
  })
  assert.equal(html, 'live true 2 1')
  assert.equal(counted.listeners, 0)
})

test('svelte renders on a server', async (t) => {
  const counted = await started(t)
  const Component = `
    <script>
      import { useItem, useStatus, useView } from 'highwater/svelte'
      const { store, countOn } = $props()
      const flag = $derived(useItem(store, 'flag', 'dark'))
      const all = useView(store, 'flag')
      const on = useView(store, countOn)
      const phase = useStatus(store, (status) => status.phase)
    </script>
    <p>{$phase} {flag.current.on} {$all.size} {on.current}</p>`
  const { code } = compile(Component, { generate: 'server', filename: 'Component.svelte' }).js
  const resolved = code.replace(/(from|import) '([^']+)'/g, (_, word, name) => `${word} '${import.meta.resolve(name)}'`)
  const { default: component } = await import(`data:text/javascript,${encodeURIComponent(resolved)}`)
  const { body } = renderSvelte(component, { props: { store: counted.store, countOn } })
  assert.match(body, /<p>live true 2 1<\/p>/)
  assert.equal(counted.listeners, 0)
})

test('svelte: the contract of its stores', async (t) => {
  const counted = await started(t)
  const { store, source } = counted
  const seen = { item: [], view: [], on: [], phase: [] }
  const stops = [
    svelte.useItem(store, 'flag', 'dark').subscribe((flag) => seen.item.push(flag?.on)),
    svelte.useView(store, store.collection('flag')).subscribe((flags) => seen.view.push(flags.size)),
    svelte.useView(store, countOn).subscribe((on) => seen.on.push(on)),
    svelte.useStatus(store, (status) => status.phase).subscribe((phase) => seen.phase.push(phase)),
  ]
  source.patch('flag', 'light', { on: true })
  source.transaction(() => source.patch('flag', 'dark', { on: false }).patch('flag', 'new', { on: true }))
  source.delete('flag', 'dark')
  await source.settled()
  assert.deepEqual(seen, { item: [true, false, undefined], view: [2, 2, 3, 2], on: [1, 2], phase: ['live'] })
  for (const stop of stops) stop()
  assert.equal(counted.listeners, 0)
})
