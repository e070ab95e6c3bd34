// What one page takes, on the page's own clock.

import type { Side } from './sides'
import { truth } from './world'

export interface Figures {
  /** Milliseconds until all items were there. */
  readonly state: number
  /** And until the first of them were on the screen. */
  readonly screen: number
  /** The longest time that the page could do nothing else. */
  readonly pause: number
}

/** Begins a side, and measures until `draw` has put it on the screen. */
export async function measure(begin: () => Side, draw: (side: Side) => void): Promise<{ readonly side: Side; readonly figures: Figures }> {
  const beats = listen()
  const begun = performance.now()
  const side = begin()
  await side.ready
  const state = performance.now() - begun
  draw(side)
  await painted()
  const screen = performance.now() - begun
  return { side, figures: { state, screen, pause: beats() } }
}

/** How long it takes to read every value once. */
export function readAll(side: Side): number {
  const begun = performance.now()
  let sum = 0
  for (const { price } of side.values()) sum += price
  if (sum === 0) throw new Error('there is nothing to read')
  return performance.now() - begun
}

/** How many keys are not what the server has, when nothing more is on the way. */
export async function wrong(side: Side): Promise<number> {
  const { cursor, items } = await truth()
  const patience = performance.now() + 15_000
  while (side.cursor !== cursor && performance.now() < patience) await pause(50)
  // What was sent last is not always what stands last: a moment for it to come.
  await pause(500)
  const left = new Set(side.keys())
  let count = 0
  for (const { key, object } of items) {
    const { stock, price } = side.get(key) ?? {}
    if (!left.delete(key) || stock !== object.stock || price !== object.price) count += 1
  }
  return count + left.size
}

export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis))
}

/** Looks at the clock all the time; the answer ends it, and is the longest time without a look. */
function listen(): () => number {
  let last = performance.now()
  let longest = 0
  const beat = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last - BEAT)
    last = now
  }
  const timer = setInterval(beat, BEAT)
  return () => {
    beat()
    clearInterval(timer)
    return longest
  }
}

/** The next frame was painted. */
function painted(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())))
}

/** No browser wakes a page more often. */
const BEAT = 4
