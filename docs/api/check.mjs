// check.mjs FILE: fails with everything public in typedoc's JSON that says nothing about itself.

import { readFileSync } from 'node:fs'

/** Typedoc's numbers. */
const KINDS = { 2: 'module', 32: 'variable', 64: 'function', 128: 'class', 256: 'interface', 1024: 'property', 2048: 'method', 262144: 'accessor', 2097152: 'type' }

const wrong = []
let count = 0

function look(reflection, path, isTold) {
  const { name, kind, comment, signatures = [], getSignature, children = [], type, flags, inheritedFrom } = reflection
  // What is an application's own error, or the platform's, is told of elsewhere.
  if (flags?.isExternal || inheritedFrom !== undefined) return
  const where = path === '' ? name : `${path}.${name}`
  // What the language calls, as [Symbol.dispose], is known.
  if (kind in KINDS && !name.startsWith('[')) {
    count += 1
    const told = isTold || [comment, getSignature?.comment, ...signatures.map(({ comment }) => comment), type?.declaration?.signatures?.[0]?.comment].some((text) => text?.summary?.length > 0)
    if (!told) wrong.push(`${KINDS[kind]} ${where}`)
  }
  for (const child of children) look(child, kind === 1 ? '' : where, false)
}

look(JSON.parse(readFileSync(process.argv[2], 'utf8')), '', false)
if (count < 100) wrong.push(`there are but ${count} of them: the reference is not whole`)
if (wrong.length > 0) {
  console.error(`public and not documented:\n  ${wrong.join('\n  ')}`)
  process.exit(1)
}
console.log(`${count} public names, each documented`)
