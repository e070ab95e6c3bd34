// What a store begins with, before the network answers.

import { described, isObject, refuse } from './options.js'
import type { AnyKinds, Version } from './types.js'

/** An item as Highwater's own server lists it. */
export interface InitialItem {
  /** Its kind. */
  readonly kind: string
  /** Its key. */
  readonly key: string
  /** Default: 0, so that any other takes its place. */
  readonly version?: Version
  /** Its value. */
  readonly object: unknown
}

/**
 * Items to begin with: by kind and key, or in a list, as the server answers to `GET
 * /v1/topics/{topic}`. With a cursor the stream goes on from there; without one it begins anew, and
 * tells what differs.
 *
 * @example
 * connect(url, { initial: { items: { flag: { 'dark-mode': { on: true } } } } })
 * connect(url, { initial: JSON.parse(document.querySelector('#flags')!.textContent!) })
 */
export interface Initial<T extends object = AnyKinds> {
  /** By kind and key, or in a list. */
  readonly items: { readonly [K in keyof T & string]?: Readonly<Record<string, T[K]>> } | readonly InitialItem[]
  /** Where the stream goes on from. */
  readonly cursor?: string | undefined
}

/** What the module takes up: a checkpoint, or cursor and items as texts. */
export type Beginning = Uint8Array | readonly (string | undefined)[]

/** Checks and reads the option `initial`. */
export function beginningOf(initial: unknown): Beginning | undefined {
  if (initial === undefined || initial instanceof Uint8Array) return initial
  if (typeof initial !== 'object' || initial === null || !('items' in initial)) {
    refuse(`option initial must be a checkpoint (a Uint8Array) or an object with items, not ${described(initial)}`)
  }
  const { items, cursor } = initial as { items: unknown; cursor?: unknown }
  if (cursor !== undefined && typeof cursor !== 'string') refuse(`option initial.cursor must be a string, not ${described(cursor)}`)
  const texts: (string | undefined)[] = [cursor]
  const add = (kind: unknown, key: unknown, version: unknown, value: unknown, at: string): void => {
    if (typeof kind !== 'string' || typeof key !== 'string') refuse(`option initial.${at} needs kind and key as strings`)
    const whole = typeof version === 'bigint' ? BigInt.asIntN(64, version) === version : Number.isSafeInteger(version)
    if (!whole) refuse(`option initial.${at}.version must be a whole number or a bigint, not ${described(version)}`)
    texts.push(kind, key, String(version), jsonOf(value, at))
  }
  if (Array.isArray(items)) {
    items.forEach((item: unknown, index) => {
      const at = `items[${index}]`
      if (typeof item !== 'object' || item === null) refuse(`option initial.${at} must be an object, not ${described(item)}`)
      const { kind, key, version = 0, object } = item as InitialItem
      add(kind, key, version, object, at)
    })
  } else {
    isObject('option initial.items', items)
    for (const [kind, values] of Object.entries(items)) {
      const at = `items.${kind}`
      isObject(`option initial.${at}`, values)
      for (const [key, value] of Object.entries(values)) add(kind, key, 0, value, `${at}.${key}`)
    }
  }
  return [...texts, undefined]
}

function jsonOf(value: unknown, at: string): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    refuse(`option initial.${at} cannot be written as JSON: ${(error as Error).message}`)
  }
  return text ?? refuse(`option initial.${at} cannot be written as JSON: it is ${described(value)}`)
}
