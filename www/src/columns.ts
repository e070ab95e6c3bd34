// The columns of the process table: what each shows, how it sorts.

import { bytes, percent, started } from './format'
import type { Process } from './machine'

/** What a cell is made from. The value comes off the wire: nothing about it is certain. */
export interface Entry {
  readonly process: Process | undefined
  readonly version: number | bigint
}

export interface Column {
  readonly id: string
  readonly label: string
  readonly numeric: boolean
  /** Sorts; numbers start with the greatest. */
  value(entry: Entry): number | string
  /** What the cell says. */
  text(entry: Entry): string
  /** More of it, for the pointer. */
  title?(entry: Entry): string
  /** How far a bar is filled, 0 to 1. */
  bar?(entry: Entry): number
  /** Whether a change of the text is worth a flash. */
  readonly quiet?: boolean
}

export const COLUMNS: readonly Column[] = [
  text('name', 'Name', (process) => process.name),
  number('pid', 'PID', (process) => process.pid, String),
  {
    ...number('cpu', 'CPU', (process) => process.cpu, percent),
    bar: (entry) => Math.min(1, Math.max(0, finite(entry.process?.cpu) / 100)),
  },
  number('memory', 'Memory', (process) => process.memory, bytes),
  text('user', 'User', (process) => process.user),
  text('status', 'State', (process) => process.status),
  {
    id: 'version',
    label: 'Version',
    numeric: true,
    quiet: true, // it moves with every other cell
    value: (entry) => Number(entry.version),
    text: (entry) => String(entry.version),
  },
  {
    ...number('started', 'Started', (process) => process.started, started),
    title: (entry) => new Date(finite(entry.process?.started) * 1000).toISOString(),
  },
  number('parent', 'Parent', (process) => process.parent ?? undefined, String),
  text('command', 'Command', (process) => process.command),
]

/** What the filter looks through, in lower case. */
export function haystack({ process }: Entry): string {
  if (process === undefined) return ''
  const { name, pid, user, command } = process
  return [name, pid, user ?? '', command].join('\n').toLowerCase()
}

/** Orders by a column; equals keep a fixed order, so that rows do not dance. */
export function comparator(column: Column, descending: boolean): (a: Entry, b: Entry) => number {
  const sign = descending ? -1 : 1
  const pid = (entry: Entry): number => finite(entry.process?.pid)
  return (a, b) => {
    const [left, right] = [column.value(a), column.value(b)]
    const order =
      typeof left === 'string' || typeof right === 'string'
        ? collator.compare(String(left), String(right))
        : left - right
    return sign * order || pid(a) - pid(b)
  }
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

function text(id: string, label: string, read: (process: Process) => unknown): Column {
  const value = ({ process }: Entry): string => (process === undefined ? '' : String(read(process) ?? ''))
  return { id, label, numeric: false, value, text: value, title: value }
}

function number(
  id: string,
  label: string,
  read: (process: Process) => number | undefined,
  write: (value: number) => string,
): Column {
  const value = ({ process }: Entry): number | undefined => process && read(process)
  return {
    id,
    label,
    numeric: true,
    value: (entry) => finite(value(entry), -1),
    text: (entry) => {
      const known = value(entry)
      return Number.isFinite(known) ? write(known!) : '–'
    },
  }
}

function finite(value: number | undefined, otherwise = 0): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise
}
