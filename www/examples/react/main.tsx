import { useItem, useStatus, useView } from 'highwater/react'
import { type FormEvent, memo, useRef } from 'react'
import { createRoot } from 'react-dom/client'
import { isSameList, keysOf, newKey, remove, save, store } from '../tasks.ts'

/** How often the component was rendered. */
function useRenders(): number {
  const renders = useRef(0)
  return ++renders.current
}

function Status() {
  const phase = useStatus(store, (status) => status.phase)
  return (
    <output data-testid="status" data-renders={useRenders()}>
      {phase}
    </output>
  )
}

const Row = memo(function Row({ id }: { id: string }) {
  const task = useItem(store, 'task', id)
  const renders = useRenders()
  if (task === undefined) return null
  return (
    <li data-testid="row" data-key={id} data-renders={renders}>
      <label>
        <input type="checkbox" checked={task.done} onChange={() => save(id, { ...task, done: !task.done })} /> {task.text}
      </label>
      <button onClick={() => remove(id)}>Delete</button>
    </li>
  )
})

function List() {
  const keys = useView(store, keysOf, isSameList)
  return (
    <ul data-testid="list" data-renders={useRenders()}>
      {keys.map((key) => (
        <Row key={key} id={key} />
      ))}
    </ul>
  )
}

function Left() {
  const tasks = useView(store, 'task')
  return <p data-testid="left">{[...tasks.values()].filter(({ done }) => !done).length} left</p>
}

function App() {
  const add = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const text = new FormData(event.currentTarget).get('text')
    event.currentTarget.reset()
    void save(newKey(), { text: String(text), done: false })
  }
  return (
    <>
      <header>
        <h1>Tasks</h1>
        <Status />
      </header>
      <form onSubmit={add}>
        <input name="text" placeholder="What is to be done?" required /> <button>Add</button>
      </form>
      <List />
      <Left />
    </>
  )
}

createRoot(document.getElementById('app')!).render(<App />)
