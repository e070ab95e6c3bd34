// Where orders come from: requests to the server, as any program would send them.

import { ask } from '../server'

export interface Order {
  readonly item: string
  readonly pieces: number
  /** Milliseconds since 1970. */
  readonly placed: number
}

export type Kinds = { order: Order }

export const TOPIC = '/v1/topics/orders'

const ITEMS = ['Adjustable spanner', 'Bearing 6204', 'Copper tape', 'Door hinge', 'Epoxy, two parts', 'Fuse 10 A', 'Hex bolt M8', 'Ladder', 'Paint, white', 'Rope 20 m']

/** Older ones go when there are more. */
const KEPT = 20

/** Places so many orders, in one transaction; `present` are those that there are, the newest first. */
export async function place(count: number, present: readonly string[]): Promise<void> {
  const now = Date.now()
  const puts = Array.from({ length: count }, (_, at) => ({
    op: 'put',
    kind: 'order',
    key: named(now + at),
    object: { item: pick(ITEMS), pieces: 1 + Math.floor(Math.random() * 9), placed: now + at } satisfies Order,
  }))
  const old = present.slice(Math.max(0, KEPT - count)).map((key) => ({ op: 'delete', kind: 'order', key }))
  await ask('POST', `${TOPIC}/transactions`, { operations: [...puts, ...old] })
}

/** Orders one piece more. */
export async function addOne(key: string, order: Order): Promise<void> {
  await ask('PUT', `${TOPIC}/order/${key}`, { ...order, pieces: order.pieces + 1 })
}

export async function cancel(key: string): Promise<void> {
  await ask('DELETE', `${TOPIC}/order/${key}`)
}

/** A number of an order that nobody else gives at this moment. */
function named(time: number): string {
  const tail = Math.floor(Math.random() * 36 ** 2).toString(36).padStart(2, '0')
  return (time.toString(36).slice(-4) + tail).toUpperCase()
}

function pick<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)]!
}
