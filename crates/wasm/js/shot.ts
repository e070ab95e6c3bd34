// All items of one kind at one moment.

/** Where a shot gets its values from. */
export interface ShotSource {
  /** The texts of values; `undefined` for one that has none. */
  texts(slots: readonly number[], then: (text: string | undefined, index: number) => void): void
  /** The value in this slot, if it is still the one of this epoch. */
  current(slot: number, epoch: number): unknown
  /** What a text says that was a value once. Throws if it cannot be read. */
  past(kind: string, key: string, text: string): unknown
}

interface Cell {
  readonly key: string
  readonly slot: number
  readonly epoch: number
  /** The value's text, as long as nobody has read it. */
  from: string | undefined
  value: unknown
}

/**
 * A map that never changes. The texts of its values are its own; each is parsed when it is first
 * read, and is the very object that the store gives out as long as that has not moved on.
 */
export class Shot<V> implements ReadonlyMap<string, V> {
  readonly #source: ShotSource
  readonly #kind: string
  readonly #cells = new Map<string, Cell>()
  /** The last version of the store at which the kind was like this. */
  version: number

  constructor(source: ShotSource, kind: string, version: number, cells: readonly Cell[]) {
    this.#source = source
    this.#kind = kind
    this.version = version
    const bare = cells.filter(({ from, value }) => from === undefined && value === undefined)
    source.texts(bare.map(({ slot }) => slot), (text, index) => ((bare[index] as Cell).from = text ?? ''))
    for (const cell of cells) this.#cells.set(cell.key, cell)
  }

  get size(): number {
    return this.#cells.size
  }

  get(key: string): V | undefined {
    const cell = this.#cells.get(key)
    return cell === undefined ? undefined : (this.#read(cell) as V | undefined)
  }

  has(key: string): boolean {
    return this.#cells.has(key)
  }

  keys(): MapIterator<string> {
    return this.#cells.keys()
  }

  *entries(): Generator<[string, V], undefined> {
    for (const [key, cell] of this.#cells) {
      const value = this.#read(cell)
      if (value !== undefined) yield [key, value as V]
    }
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator](): Generator<[string, V], undefined> {
    return this.entries()
  }

  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this)
  }

  get [Symbol.toStringTag](): string {
    return 'Snapshot'
  }

  /** For the next shot: the same cell, if the item has not changed. */
  reuse(key: string, slot: number, epoch: number): Cell | undefined {
    const cell = this.#cells.get(key)
    return cell?.slot === slot && cell.epoch === epoch ? cell : undefined
  }

  /** For the next shot: whether it would have these very cells. */
  holds(cells: readonly Cell[]): boolean {
    return cells.length === this.#cells.size && cells.every((cell) => this.#cells.get(cell.key) === cell)
  }

  #read(cell: Cell): unknown {
    if (cell.from !== undefined) {
      cell.value = this.#source.current(cell.slot, cell.epoch) ?? this.#past(cell.key, cell.from)
      cell.from = undefined
    }
    return cell.value === UNREADABLE ? undefined : cell.value
  }

  #past(key: string, text: string): unknown {
    try {
      return this.#source.past(this.#kind, key, text)
    } catch {
      // Whoever reads it from the store is told; here it is not there.
      return UNREADABLE
    }
  }
}

/** Stands for a value that cannot be read. */
export const UNREADABLE = Symbol('unreadable')
