// The items, and what is done to them; as any program would do it.

import { ask } from '../server'

export interface Item {
  readonly name: string
  readonly price: number
  readonly stock: number
  readonly shelf: string
}

export const COUNT = 100_000
const TOPIC = '/v1/topics/items'

/** The address of the stream, under a name by which the server can break it. */
export function address(client: string): string {
  return `${TOPIC}/stream?client=${client}`
}

/** Makes these the items of the topic. */
export async function fill(): Promise<void> {
  const items = Array.from({ length: COUNT }, (_, at) => ({ kind: 'item', key: key(at), object: item(at, at % 100) }))
  await ask('PUT', TOPIC, { items })
}

/**
 * Counts stock, three times: each count is written twice, and the second transaction of each pair comes to
 * this client before the first.
 */
export async function disturb(client: string): Promise<void> {
  for (let pair = 0; pair < PAIRS; pair += 1) {
    await ask('POST', '/demo/faults/reorder', { client })
    for (const stock of [1, 2]) {
      const operations = Array.from({ length: COUNTED }, (_, at) => {
        const place = pair * COUNTED + at
        return { op: 'put', kind: 'item', key: key(place), object: item(place, 1000 * (pair + 1) + stock) }
      })
      await ask('POST', `${TOPIC}/transactions`, { operations })
    }
  }
}

/** What the server has, and where it stands. */
export async function truth(): Promise<{ readonly cursor: string; readonly items: readonly { readonly key: string; readonly object: Item }[] }> {
  return (await ask<Awaited<ReturnType<typeof truth>>>('GET', TOPIC)).body
}

function key(at: number): string {
  return `item-${String(at).padStart(6, '0')}`
}

function item(at: number, stock: number): Item {
  return { name: `Part number ${at}`, price: 100 + ((at * 7919) % 90_000), stock, shelf: `${'ABCDEFGH'[at % 8]}-${at % 400}` }
}

const PAIRS = 3
/** Items that are written by a transaction. */
const COUNTED = 200
