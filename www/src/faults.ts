// Buttons that break the wire, and a sentence on what came of it.

import { make, need, setText } from './dom'
import { clock, duration, plural, shortCursor } from './format'
import type { Machine } from './machine'
import type { Verdict } from './verify'
import { watch } from './watch'
import type { Sign } from './watch'

interface Fault {
  readonly name: string
  readonly label: string
  readonly does: string
  readonly expect: string
  /** By what we know that it arrived. */
  readonly sign: Sign
  readonly body?: Readonly<Record<string, unknown>>
}

/** Longer than the three heartbeats after which silence is a fault. */
const STALL_SECONDS = 9

const FAULTS: readonly Fault[] = [
  {
    name: 'cut',
    label: 'Cut',
    does: 'Breaks the connection in mid-event.',
    expect: 'The half is dropped; the stream resumes.',
    sign: 'reconnect',
  },
  {
    name: 'replay',
    label: 'Replay',
    does: 'Sends the last 20 transactions again.',
    expect: 'All were seen before; nothing changes.',
    sign: 'repeat',
  },
  {
    name: 'reorder',
    label: 'Reorder',
    does: 'Swaps the next two transactions.',
    expect: 'The gap is noticed; the stream resumes.',
    sign: 'reconnect',
  },
  {
    name: 'duplicate',
    label: 'Duplicate',
    does: 'Sends each of the next five twice.',
    expect: 'The second copy changes nothing.',
    sign: 'repeat',
  },
  {
    name: 'restart',
    label: 'Restart',
    does: 'The publisher starts anew, for everyone.',
    expect: 'Versions begin at 1: a snapshot, swapped in.',
    sign: 'reconnect',
  },
  {
    name: 'stall',
    label: 'Stall',
    does: `Goes silent for ${STALL_SECONDS} s, line open.`,
    expect: 'Heartbeats are missed; the stream resumes.',
    sign: 'reconnect',
    body: { seconds: STALL_SECONDS },
  },
  {
    name: 'garbage',
    label: 'Garbage',
    does: 'Sends an event of broken JSON.',
    expect: 'A typed error; none of it is applied.',
    sign: 'reconnect',
  },
]

export class Faults {
  readonly #store: Machine
  readonly #client: string
  readonly #verify: () => Promise<Verdict>
  readonly #check = need('check')
  #run = 0

  constructor(store: Machine, client: string, verify: () => Promise<Verdict>) {
    this.#store = store
    this.#client = client
    this.#verify = verify
    for (const fault of FAULTS) {
      const button = make(
        'button',
        { type: 'button', class: 'fault', 'data-testid': `fault-${fault.name}` },
        make('strong', {}, fault.label),
        make('span', {}, fault.does),
        make('span', { class: 'expect' }, fault.expect),
      )
      button.addEventListener('click', () => void this.#cause(fault, button))
      need('faults').append(button)
    }
    need('verify').addEventListener('click', () => void this.check())
  }

  /** Compares with the server and says how it went; `before` is what the sentence begins with. */
  async check(before = '', run = this.#begin()): Promise<void> {
    this.#say(run, 'busy', `${before}comparing with the server…`)
    const { ok, cursor, items, problems, at } = await this.#verify()
    const text = ok
      ? `${before}table equals the server’s state at cursor ${shortCursor(cursor)} ✓ ${plural(items, 'item')}, ${clock(at)}`
      : `${before}✗ ${problems.slice(0, 3).join('; ')}${problems.length > 3 ? `; ${problems.length - 3} more` : ''}, ${clock(at)}`
    this.#say(run, ok ? 'ok' : 'failed', text)
  }

  async #cause(fault: Fault, button: HTMLButtonElement): Promise<void> {
    const run = this.#begin(fault.name)
    button.setAttribute('aria-busy', 'true')
    const watching = watch(this.#store, fault.sign)
    try {
      this.#say(run, 'busy', `${fault.label}: asked for, waiting for it to show…`)
      await this.#ask(fault)
      const { seen, took } = await watching.done
      if (seen === undefined) {
        this.#say(run, 'failed', `${fault.label}: nothing of it was seen within ${duration(took)}`)
      } else {
        await this.check(`${fault.label}: ${seen}; `, run)
      }
    } catch (error) {
      this.#say(run, 'failed', `${fault.label}: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      watching.stop()
      button.removeAttribute('aria-busy')
    }
  }

  async #ask(fault: Fault): Promise<void> {
    const body = JSON.stringify({ client: this.#client, ...fault.body })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`/demo/faults/${fault.name}`, { method: 'POST', headers, body })
    if (!response.ok) throw new Error(`the server answered ${response.status}`)
    const { clients } = (await response.json()) as { clients: number }
    if (clients === 0) throw new Error('this page has no open stream to break')
  }

  /** The line tells of what was asked for last. */
  #begin(fault = ''): number {
    this.#check.dataset['fault'] = fault
    this.#run += 1
    return this.#run
  }

  #say(run: number, result: 'busy' | 'ok' | 'failed', text: string): void {
    if (run !== this.#run) return
    this.#check.dataset['result'] = result
    this.#check.dataset['run'] = String(run)
    setText(this.#check, text)
  }
}
