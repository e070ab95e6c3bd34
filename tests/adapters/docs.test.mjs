// docs/adapters.md as a user's compiler reads it, and as a server runs it; and the adapters' types.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { createElement } from 'react'
import { renderToString as renderReact } from 'react-dom/server'
import { renderToString as renderSolid } from 'solid-js/web'
import { compile } from 'svelte/compiler'
import { render as renderSvelte } from 'svelte/server'
import { createSSRApp } from 'vue'
import { compileScript, compileTemplate, parse } from 'vue/compiler-sfc'
import { renderToString as renderVue } from 'vue/server-renderer'
import { root } from '../highwater.mjs'
import { makeProject } from './project.mjs'

let project, folder

/** What the store of the snippets is here: live, with two flags. */
const STORE = `
  import { connect } from 'highwater'
  import { createSource } from 'highwater/testing'
  const source = createSource()
  export const store = connect(source.url, { fetch: source.fetch })
  source.begin().put('flag', 'dark-mode', { on: true }).put('flag', 'beta', { on: false }).end()
  await store.ready`

before(async () => {
  project = await makeProject({})
  folder = join(project.folder, 'docs')
  mkdirSync(folder)
  const blocks = [...readFileSync(join(root, 'docs/adapters.md'), 'utf8').matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)]
  assert.ok(blocks.length >= 7)
  for (const [, name, text] of blocks) writeFileSync(join(folder, name), text)
})

after(() => project?.remove())

const read = (name) => readFileSync(join(folder, name), 'utf8')

/** Compiles these files, strictly. */
function check(files, options = {}) {
  const config = {
    compilerOptions: {
      target: 'ES2022',
      lib: ['ES2022', 'DOM', 'DOM.Iterable'],
      module: 'ESNext',
      moduleResolution: 'bundler',
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: ['node'],
      ...options,
    },
    files,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
}

test('typed kinds flow through every adapter, and our declarations are sound by themselves', () => {
  cpSync(join(root, 'tests/adapters/types.ts'), join(folder, 'types.ts'))
  check(['types.ts'], { skipLibCheck: false })
  // TanStack DB's own declarations do not hold under exactOptionalPropertyTypes.
  cpSync(join(root, 'tests/adapters/tanstack-db-types.ts'), join(folder, 'tanstack-db-types.ts'))
  check(['tanstack-db-types.ts'], { skipLibCheck: false, exactOptionalPropertyTypes: false })
})

test('every snippet compiles', () => {
  const script = (name) => /<script[^>]*>\n(.*?)<\/script>/s.exec(read(name))[1]
  writeFileSync(join(folder, 'svelte-script.ts'), script('Flags.svelte'))
  writeFileSync(join(folder, 'vue-script.ts'), script('Flags.vue'))
  const rest = ['svelte-script.ts', 'vue-script.ts', 'flags.ts', 'flags.test.ts']
  check(['Flags.tsx', ...rest], { jsx: 'react-jsx', types: ['node', 'svelte', 'vue'], skipLibCheck: true })
  check(['SolidFlags.tsx'], { jsx: 'preserve', jsxImportSource: 'solid-js' })
})

/** Bundles a module of the snippets, what is installed left out. */
async function bundle(name, options = {}) {
  const out = join(folder, `${name}.mjs`)
  const store = {
    name: 'store',
    setup(build) {
      build.onResolve({ filter: /^\.\/store$/ }, () => ({ path: 'store', namespace: 'store' }))
      build.onLoad({ filter: /.*/, namespace: 'store' }, () => ({ contents: STORE, resolveDir: folder }))
    },
  }
  await build({
    entryPoints: [join(folder, name)],
    outfile: out,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    packages: 'external',
    // Not that which the compiler was last given here.
    tsconfigRaw: '{}',
    plugins: [store],
    ...options,
  })
  return out
}

const run = async (name, options) => import(await bundle(name, options))

const words = (html) => html.replace(/<!--.*?-->|<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim()

test('React’s snippet renders', async () => {
  const { Flags } = await run('Flags.tsx', { jsx: 'automatic' })
  assert.equal(words(renderReact(createElement(Flags))).replaceAll(' ,', ','), 'dark mode is on 2 flags, live')
})

test('Svelte’s snippet renders', async () => {
  const { js } = compile(read('Flags.svelte'), { generate: 'server', filename: 'Flags.svelte' })
  writeFileSync(join(folder, 'Flags.svelte.js'), js.code)
  const { default: Flags } = await run('Flags.svelte.js')
  assert.equal(words(renderSvelte(Flags).body), 'dark mode is on 2 flags, live')
})

test('Vue’s snippet renders', async () => {
  const { descriptor } = parse(read('Flags.vue'))
  const { content, bindings } = compileScript(descriptor, { id: 'x', genDefaultAs: 'Flags' })
  const { code } = compileTemplate({
    source: descriptor.template.content, filename: 'Flags.vue', id: 'x', ssr: true, ssrCssVars: [], compilerOptions: { bindingMetadata: bindings },
  })
  writeFileSync(join(folder, 'Flags.vue.ts'), `${content}\n${code}\nexport default Object.assign(Flags, { ssrRender })`)
  const { default: Flags } = await run('Flags.vue.ts')
  assert.equal(words(await renderVue(createSSRApp(Flags))), 'dark mode is on 2 flags, live')
})

test('Solid’s snippet runs', async () => {
  // Solid's compiler is not here: the markup is put together as it stands.
  const markup = 'const h = (_tag, _props, ...children) => children.flat(Infinity).join(" ")'
  const { Flags } = await run('SolidFlags.tsx', { jsx: 'transform', jsxFactory: 'h', jsxFragment: 'null', banner: { js: markup } })
  const html = renderSolid(() => Flags({}))
  assert.equal(words(html).replaceAll(' ,', ','), 'dark mode is on 2 flags, live')
})

test('TanStack DB’s snippet runs', async (t) => {
  const { flags, on } = await run('flags.ts')
  t.after(async () => {
    await on.cleanup()
    await flags.cleanup()
  })
  await on.preload()
  assert.deepEqual(on.toArray.map(({ name }) => name), ['dark-mode'])
})

test('the test in the snippet passes', async () => {
  // Its words are its own, not a part of this runner's.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout } = spawnSync(process.execPath, ['--test', await bundle('flags.test.ts')], { encoding: 'utf8', env })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /pass 1/)
})
