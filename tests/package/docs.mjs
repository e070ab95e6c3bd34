// The snippets of the documentation, for tests to run.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../highwater.mjs'

/** The address that snippets name. */
const WRITTEN = 'https://example.org/v1/topics/flags/stream'

/** The snippets of a page that have a file name; with another address, if one is given: the only thing that changes. */
export async function snippets(page, stream = WRITTEN) {
  const text = await readFile(join(root, 'docs', page), 'utf8')
  const found = [...text.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name, code]) => [name, code.replaceAll(WRITTEN, stream)])
  assert.ok(found.length > 0)
  return Object.fromEntries(found)
}
