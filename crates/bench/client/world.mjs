// What happens: items that change, and what is true in the end. The same for everybody, from a seed.

/** A small generator of numbers below 1: mulberry32. */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const keyOf = (item) => `item-${item}`
export const itemOf = (key) => Number(key.slice(5))

/** The value of an item at a version, as JSON of about 300 bytes: a function of nothing else. */
export function valueOf(item, version) {
  const { id, name, sku, price, stock, active, rating, tags, supplier, updatedAt, note } = fieldsOf(item, version)
  return (
    `{"id":"${id}","name":"${name}","sku":"${sku}","price":${price},"stock":${stock},"active":${active},` +
    `"rating":${rating},"tags":${tags},"supplier":${supplier},"updatedAt":"${updatedAt}","note":"${note}"}`
  )
}

/** The fields of a value, each as its JSON, but strings without their quotes. */
export function fieldsOf(item, version) {
  const mix = (Math.imul(item + 1, 0x9e3779b1) ^ Math.imul(version, 0x85ebca6b)) >>> 0
  return {
    id: keyOf(item),
    name: `${ADJECTIVES[item % 7]} ${NOUNS[item % 11]} ${item}`,
    sku: `HW-${String(item).padStart(7, '0')}`,
    price: (mix % 99900) / 100,
    stock: mix % 1000,
    active: mix % 5 !== 0,
    rating: (mix % 50) / 10,
    tags: `["${NOUNS[(item + 3) % 11]}","${ADJECTIVES[mix % 7]}"]`,
    supplier: `{"id":"supplier-${item % 97}","country":"${COUNTRIES[item % 5]}","days":${item % 9}}`,
    updatedAt: `2026-11-${String(1 + (mix % 28)).padStart(2, '0')}T${String(mix % 24).padStart(2, '0')}:30:${String(mix % 60).padStart(2, '0')}Z`,
    note: NOTES[mix % 3],
  }
}

/**
 * Items at version 1, and then transactions, of which a fifth are late: repeats of earlier ones,
 * whose every patch is older than, or the same as, what is known. One patch in a hundred deletes.
 *
 * It knows for each item the version that is right: positive if it is there, negative if it was
 * deleted at that version.
 */
export class World {
  constructor(items, { batch = BATCH, seed = 1 } = {}) {
    this.items = items
    this.batch = batch
    this.versions = new Int32Array(items).fill(1)
    this.index = 1
    this.patches = 0
    this.#random = random(seed)
  }

  /** Transactions with so many patches in all. A patch is `[item, version]`, negative to delete. */
  *transactions(patches) {
    const end = this.patches + patches
    while (this.patches < end) {
      const late = this.#recent.length > 0 && this.#random() < LATE
      const transaction = late ? this.#repeat() : this.#next(Math.min(this.batch, end - this.patches))
      this.patches += transaction.patches.length
      yield transaction
    }
  }

  #next(count) {
    const patches = []
    for (let n = 0; n < count; n += 1) {
      const item = Math.floor(this.#random() * this.items)
      const known = this.versions[item]
      const version = Math.abs(known) + 1
      const patch = known > 0 && this.#random() < DELETED ? -version : version
      this.versions[item] = patch
      patches.push([item, patch])
    }
    this.index += 1
    const transaction = { index: this.index, late: false, patches }
    const room = Math.ceil(REACH / this.batch)
    if (this.#recent.length < room) this.#recent.push(transaction)
    else this.#recent[this.index % room] = transaction
    return transaction
  }

  #repeat() {
    const { index, patches } = this.#recent[Math.floor(this.#random() * this.#recent.length)]
    return { index, late: true, patches }
  }

  #random
  /** Those that may be repeated. */
  #recent = []
}

/**
 * How many keys a state has wrong: another value than the right one, none where there should be
 * one, one where there should be none.
 */
export function wrongKeys({ items, versions }, state) {
  let wrong = 0
  let there = 0
  for (let item = 0; item < items; item += 1) {
    const value = state.get(keyOf(item))
    if (value !== undefined) there += 1
    const right = versions[item] > 0 ? valueOf(item, versions[item]) : undefined
    if ((value === undefined ? undefined : inOrder(value)) !== right) wrong += 1
  }
  // Keys that were never heard of.
  return wrong + Math.max(0, state.size - there)
}

/** A value's JSON, its members in the order of {@link valueOf}: some peers keep another. */
function inOrder(value) {
  const { id, name, sku, price, stock, active, rating, tags, supplier, updatedAt, note, ...more } = value
  const { id: supplierId, country, days } = supplier ?? {}
  // Some peers add members of their own.
  for (const name of Object.keys(more)) if (name.startsWith('$')) delete more[name]
  return JSON.stringify({
    id, name, sku, price, stock, active, rating, tags, supplier: { id: supplierId, country, days }, updatedAt, note, ...more,
  })
}

/** Patches in a transaction. */
export const BATCH = 10
const LATE = 0.2
const DELETED = 0.01
/** How many patches ago a late one may have been. */
const REACH = 30_000

const ADJECTIVES = ['cordless', 'folding', 'heavy', 'insulated', 'adjustable', 'compact', 'rugged']
const NOUNS = ['drill', 'ladder', 'lantern', 'cooler', 'wrench', 'backpack', 'saw', 'tent', 'stove', 'clamp', 'rope']
const COUNTRIES = ['DE', 'FR', 'PL', 'SE', 'US']
const NOTES = ['ships within two days from stock', 'see the data sheet for the limits', 'replaces the model of last year']
