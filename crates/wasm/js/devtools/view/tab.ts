// What a part of the panel is to the panel.

import type { Stores, Subject } from '../stores.js'

/** One tab. It is told what it is about, and asked to draw once a frame while it is in sight. */
export interface Tab {
  readonly element: HTMLElement
  /** It is about another store from now on, or in sight again. */
  begin(subject: Subject): void
  /** It is out of sight. */
  end(): void
  /** Draws what is new. */
  draw(): void
}

/** What a tab may ask of the panel. */
export interface Panelled {
  readonly stores: Stores
  /** Has `draw` called before the next frame. */
  drawSoon(): void
  /** Shows the state after an entry; and what is different from there to another. */
  travel(to: number, from?: number): void
  /** Shows another store. */
  choose(subject: Subject): void
  /** Says something to whoever looks, or listens. */
  say(text: string): void
}
