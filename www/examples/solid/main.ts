// Solid without a compiler: its own tagged templates. With JSX the components look the same.

import { useItem, useStatus, useView } from 'highwater/solid'
import { createMemo, For, Show } from 'solid-js'
import html from 'solid-js/html'
import { render } from 'solid-js/web'
import { isSameList, keysOf, newKey, remove, save, store, type Task } from '../tasks.ts'

/** Counts how often what is given was drawn. */
function renders(drawn: () => unknown): () => number {
  return createMemo((count: number) => (drawn(), count + 1), 0)
}

function Status() {
  const phase = useStatus(store, (status) => status.phase)
  return html`<output data-testid="status" data-renders=${renders(phase)}>${phase}</output>`
}

function Row(props: { id: string }) {
  const task = useItem(store, 'task', () => props.id)
  const toggle = (): void => void save(props.id, { ...(task() as Task), done: !task()?.done })
  return html`<${Show} when=${task}>
    <li data-testid="row" data-key=${() => props.id} data-renders=${renders(task)}>
      <label><input type="checkbox" prop:checked=${() => task()?.done ?? false} onChange=${toggle} /> ${() => task()?.text}</label>
      <button onClick=${() => void remove(props.id)}>Delete</button>
    </li>
  <//>`
}

function List() {
  const keys = useView(store, keysOf, isSameList)
  return html`<ul data-testid="list" data-renders=${renders(keys)}>
    <${For} each=${keys}>${(key: string) => html`<${Row} id=${key} />`}<//>
  </ul>`
}

function App() {
  const tasks = useView(store, 'task')
  const left = (): number => [...tasks().values()].filter(({ done }) => !done).length
  const add = (event: SubmitEvent & { currentTarget: HTMLFormElement }): void => {
    event.preventDefault()
    const text = new FormData(event.currentTarget).get('text')
    event.currentTarget.reset()
    void save(newKey(), { text: String(text), done: false })
  }
  return html`
    <header>
      <h1>Tasks</h1>
      <${Status} />
    </header>
    <form onSubmit=${add}><input name="text" placeholder="What is to be done?" required /> <button>Add</button></form>
    <${List} />
    <p data-testid="left">${left} left</p>
  `
}

render(App as never, document.getElementById('app')!)
