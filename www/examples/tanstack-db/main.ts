// TanStack DB without a framework: two collections joined in a live query, and writes that show at once.

import { createCollection, createLiveQueryCollection, eq } from '@tanstack/db'
import { highwaterCollectionOptions } from 'highwater/tanstack-db'
import { newKey, remove, save, store } from '../tasks.ts'

const tasks = createCollection(
  highwaterCollectionOptions({
    store,
    kind: 'task',
    row: (task, id) => ({ id, ...task }),
    getKey: ({ id }) => id,
    // Each ends when the write has come back: until then the page shows what was written.
    onInsert: async ({ transaction, collection }) => {
      for (const { key, modified } of transaction.mutations) {
        const { id: _, ...task } = modified
        await collection.utils.awaitVersion(key, await save(key, task))
      }
    },
    onUpdate: async ({ transaction, collection }) => {
      for (const { key, modified } of transaction.mutations) {
        const { id: _, ...task } = modified
        await collection.utils.awaitVersion(key, await save(key, task))
      }
    },
    onDelete: async ({ transaction, collection }) => {
      for (const { key } of transaction.mutations) {
        await remove(key)
        await collection.utils.awaitDelete(key)
      }
    },
  }),
)

const owners = createCollection(
  highwaterCollectionOptions({ store, kind: 'owner', row: ({ name }, id) => ({ id, name }), getKey: ({ id }) => id }),
)

const open = createLiveQueryCollection({
  query: (q) =>
    q
      .from({ task: tasks })
      .leftJoin({ owner: owners }, ({ task, owner }) => eq(task.owner, owner.id))
      .orderBy(({ task }) => task.id)
      .select(({ task, owner }) => ({ id: task.id, text: task.text, done: task.done, owner: owner?.name })),
  startSync: true,
})

const left = createLiveQueryCollection({
  query: (q) => q.from({ task: tasks }).where(({ task }) => eq(task.done, false)),
  startSync: true,
})

const app = document.getElementById('app')!
app.innerHTML = `
  <header><h1>Tasks</h1><output data-testid="status"></output></header>
  <form><input name="text" placeholder="What is to be done?" required /> <button>Add</button></form>
  <ul data-testid="list"></ul>
  <p data-testid="left"></p>
  <p role="alert" data-testid="failed"></p>`

const find = <E extends Element>(selector: string): E => app.querySelector<E>(selector)!
const failed = (error: unknown): void => void (find('[role=alert]').textContent = String(error))

find<HTMLFormElement>('form').addEventListener('submit', (event) => {
  event.preventDefault()
  const form = event.currentTarget as HTMLFormElement
  const text = new FormData(form).get('text')
  form.reset()
  tasks.insert({ id: newKey(), text: String(text), done: false }).isPersisted.promise.catch(failed)
})

function draw(): void {
  find('ul').replaceChildren(
    ...open.toArray.map(({ id, text, done, owner }) => {
      const row = document.createElement('li')
      Object.assign(row.dataset, { testid: 'row', key: id })
      const toggle = Object.assign(document.createElement('input'), { type: 'checkbox', checked: done })
      toggle.addEventListener('change', () => {
        const written = tasks.update(id, (task) => void (task.done = !task.done))
        written.isPersisted.promise.catch(failed)
      })
      const label = document.createElement('label')
      label.append(toggle, ` ${text}${owner === undefined ? '' : ` (${owner})`}`)
      const button = Object.assign(document.createElement('button'), { textContent: 'Delete' })
      button.addEventListener('click', () => void tasks.delete(id).isPersisted.promise.catch(failed))
      row.append(label, button)
      return row
    }),
  )
  find('[data-testid=left]').textContent = `${left.size} left`
}

open.subscribeChanges(draw, { includeInitialState: true })
left.subscribeChanges(draw, { includeInitialState: true })
const status = (): void => void (find('output').textContent = store.status.phase)
store.onStatus(status)
status()
draw()
