// What a user's compiler must say of the collection; compiled, never run.

import { createCollection } from '@tanstack/db'
import { connect } from 'highwater'
import { highwaterCollectionOptions } from 'highwater/tanstack-db'

interface Task {
  id: string
  text: string
}

const store = connect<{ task: Task; count: number }>('https://example.org/')

const tasks = createCollection(highwaterCollectionOptions({ store, kind: 'task', getKey: (task) => task.id }))
const text: string | undefined = tasks.get('a')?.text
const waiting: Promise<void> = tasks.utils.awaitVersion('a', 1n)

const counts = createCollection(
  highwaterCollectionOptions({ store, kind: 'count', row: (value, key) => ({ key, value }), getKey: (row) => row.key }),
)
const count: number | undefined = counts.get('a')?.value

// @ts-expect-error no such kind
highwaterCollectionOptions({ store, kind: 'none', getKey: () => '' })
// @ts-expect-error no such member
tasks.get('a')?.none
// @ts-expect-error no such member
highwaterCollectionOptions({ store, kind: 'task', getKey: (task) => task.none })

export { count, text, waiting }
