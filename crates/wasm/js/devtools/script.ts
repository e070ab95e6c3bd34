// What happened as a test: a script for highwater/testing that does the same to a store.

import { toBase64 } from './base64.js'
import type { Entry, EventEntry, Recording } from './recording.js'
import { POLL, type Replica } from './replica.js'
import { writeEvent } from './sse-text.js'
import { byName, disposing, stateAt } from './travel.js'

const POLL_URL = 'http://test.invalid/poll'

/** So many items are compared; of more, only how many they are. */
const COMPARED = 500

/** Writes the script. It ends with what was the state after the last entry. */
export function scriptOf(recording: Recording, from = recording.first, to = recording.end): string {
  // A store can be given a state once, at its beginning.
  let begin = recording.baseOf(from)
  for (let number = begin; number < to; number += 1) {
    const entry = recording.at(number)
    if (entry?.type === 'base' && entry.why === 'moved') begin = number
  }
  const entries = recording.slice(begin, to)
  const base = entries.find((entry) => entry.type === 'base')
  const initial = base?.type === 'base' ? base.state : undefined
  const polls = entries.flatMap((entry) => (isPoll(recording, entry) ? [(entry as EventEntry).data] : []))
  const options = [
    ...(polls.length === 0 ? ['fetch: source.fetch'] : [`poll: '${POLL_URL}'`, 'fetch: polled']),
    ...(recording.protocol === 'fdv2' ? [] : [`protocol: ${JSON.stringify(recording.protocol)}`]),
    ...(initial === undefined ? [] : ['initial']),
  ]
  const lines = [
    "import assert from 'node:assert/strict'",
    "import { test } from 'node:test'",
    "import { connect } from 'highwater'",
    "import { createSource, fakeClock } from 'highwater/testing'",
    '',
    `test(${JSON.stringify(`what ${new URL(recording.url, 'http://imported/').pathname} did`)}, async (t) => {`,
    '  const clock = fakeClock()',
    '  t.after(() => clock.restore())',
    '  const source = createSource()',
    ...(initial === undefined ? [] : ['  // The state before the first event.', `  const initial = Buffer.from('${toBase64(initial)}', 'base64')`]),
    ...(polls.length === 0 ? [] : polled(polls)),
    `  const store = connect(source.url, { ${options.join(', ')} })`,
    '  await source.connected()',
    ...steps(recording, entries),
    '',
    ...disposing(stateAt(recording, to - 1), verdict),
    '  store.close()',
    '})',
    '',
  ]
  return lines.join('\n')
}

function steps(recording: Recording, entries: readonly Entry[]): string[] {
  const lines: string[] = []
  let id = ''
  let begun = false
  let text = ''
  const flush = (ends = false): void => {
    if (text !== '') lines.push(`  source.send(${literal(text)})`, ends ? '  await clock.advance(1)' : '  await source.settled()')
    text = ''
  }
  for (const entry of entries) {
    if (isPoll(recording, entry)) {
      flush()
      lines.push('  await clock.advance(1)')
    } else if (entry.type === 'event') {
      const moved = entry.id !== id
      id = entry.id
      text += writeEvent({ event: entry.event, data: entry.data, ...(moved ? { id } : {}) })
      // A fault ends the connection: then there is none that could settle.
      if (entry.steps.some(({ action }) => action === 'fault' || action === 'reconnect')) flush(true)
      else if (entry.steps.some(({ action }) => action === 'commit')) flush()
    } else if (entry.type === 'base' && (entry.why !== 'key' || !begun)) {
      flush()
      if (begun) lines.push('', '  // The connection was lost, and made again.', '  source.cut()', '  do await clock.advance(250)', '  while (source.connections === 0)')
      // In the middle of a connection its beginning was not seen: this one says that it goes on.
      if (entry.standing >= 0 && recording.protocol === 'fdv2') text += intent(entry.standing % 2 === 1)
      begun = true
      id = ''
    }
  }
  flush()
  return lines
}

/** Whether it is what the poll address answered, which is not on the stream. */
function isPoll({ protocol }: Recording, entry: Entry): boolean {
  return protocol === 'ping' && entry.type === 'event' && entry.event === POLL
}

function polled(polls: readonly string[]): string[] {
  return [
    '  // What the poll address answers, one after the other.',
    `  const polls = ${JSON.stringify(polls)}`,
    `  const polled = (url, init) => (String(url) === '${POLL_URL}' ? Promise.resolve(new Response(polls.shift())) : source.fetch(url, init))`,
  ]
}

function intent(promised: boolean): string {
  const payloads = [{ id: 'recorded', target: 0, intentCode: 'none', reason: 'recorded' }]
  const data = JSON.stringify({ payloads, ...(promised ? { highwater: { version: 1, resumed: true, heartbeat: 0 } } : {}) })
  return writeEvent({ event: 'server-intent', data })
}

/** What has to be the case in the end. */
function verdict(replica: Replica): string[] {
  const { cursor, size } = replica
  const lines = [`  assert.equal(store.size, ${size})`]
  if (cursor !== undefined) lines.push(`  assert.equal(store.status.cursor, ${JSON.stringify(cursor)})`)
  if (size > COMPARED) return lines
  const kinds: Record<string, Record<string, unknown>> = {}
  for (const { kind, key, text } of [...replica.items()].sort(byName)) {
    const of = (kinds[kind] ??= {})
    try {
      of[key] = JSON.parse(text) as unknown
    } catch {
      // What cannot be read is not among the entries either.
    }
  }
  for (const [kind, values] of Object.entries(kinds)) {
    lines.push(`  assert.deepEqual(Object.fromEntries(store.entries(${JSON.stringify(kind)})), ${JSON.stringify(values)})`)
  }
  return lines
}

/** A template that is the text, with its lines as they are. */
function literal(text: string): string {
  return `\`${text.replace(/\\/g, '\\\\').replace(/`/g, '\\`').replace(/\$\{/g, '\\${').replace(/\r/g, '\\r')}\``
}
