// What all examples have in common: the store, and how it is written to.

import { connect, type Snapshot } from 'highwater'

export interface Task {
  text: string
  done: boolean
  owner?: string
}

export interface Kinds {
  task: Task
  owner: { name: string }
}

export const store = connect<Kinds>('/v1/topics/tasks/stream')

/** The keys of all tasks, in order. */
export const keysOf = ({ task }: Snapshot<Kinds>): string[] => [...(task?.keys() ?? [])].sort()

/** So that a list is drawn again when tasks come and go, and not when they change. */
export const isSameList = (before: string[], now: string[]): boolean =>
  before.length === now.length && before.every((key, at) => key === now[at])

/** Writes a task; answers with the version that it has now. */
export async function save(key: string, task: Task): Promise<number> {
  const { version } = await send(key, { method: 'PUT', body: JSON.stringify(task) })
  return version
}

export async function remove(key: string): Promise<void> {
  await send(key, { method: 'DELETE' })
}

/** A key that comes after all others. */
export const newKey = (): string => `${Date.now()}-${Math.random().toString(36).slice(2, 6)}`

async function send(key: string, request: RequestInit): Promise<{ version: number }> {
  const response = await fetch(`/v1/topics/tasks/task/${key}`, request)
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  return (await response.json()) as { version: number }
}
