// What is recorded: how much, and where it goes.

import { scriptOf } from '../script.js'
import { readSession, writeSession } from '../session-file.js'
import type { ProtocolName } from '../../protocols.js'
import type { Subject } from '../stores.js'
import { button, choice, make, onDo, setText } from './dom.js'
import { bytes, clock, count } from './format.js'
import type { Panelled, Tab } from './tab.js'

const PROTOCOLS: readonly ProtocolName[] = ['fdv2', 'relay', 'flags', 'ping', 'autoconfig', 'consul', 'json']

export class SessionTab implements Tab {
  readonly element = make('div', { class: 'scroll pad', tabindex: 0, role: 'region', 'aria-label': 'Session' })
  readonly #panel: Panelled
  readonly #window = make('p', { 'data-testid': 'session-window' })
  readonly #record = button('Stop recording', 'record', { 'data-testid': 'session-record' })
  readonly #clear = button('Clear', 'clear', { 'data-testid': 'session-clear' })
  readonly #remove = button('Remove', 'remove')
  readonly #protocol = choice('Protocol of a file that does not say it', 'protocol', [['', 'as the file says'], ...PROTOCOLS.map((name) => [name, name] as const)])
  readonly #file = make('input', { type: 'file', 'aria-label': 'Session or recorded stream', 'data-testid': 'session-file' })
  #subject: Subject | undefined
  #stop: () => void = () => {}

  constructor(panel: Panelled) {
    this.#panel = panel
    this.element.append(
      make('h3', {}, 'Recording'),
      this.#window,
      make('div', { class: 'bar' }, this.#record, this.#clear, this.#remove),
      make('h3', {}, 'Take it along'),
      make('p', {}, 'A session is a file of server-sent events. The panel reads it, and so does ', make('code', {}, 'highwater replay FILE'), '. It holds everything that came, but no headers and no query: look into it before you pass it on.'),
      make('div', { class: 'bar' }, button('Export session', 'export', { 'data-testid': 'session-export' }), button('Copy as test', 'copy', { 'data-testid': 'session-copy' })),
      make('h3', {}, 'Look at another'),
      make('p', {}, 'A session, or the body of a stream as it was recorded.'),
      make('div', { class: 'bar' }, this.#file, this.#protocol),
    )
    this.#file.addEventListener('change', () => void this.#import())
    onDo(this.element, (action) => void this.#do(action))
  }

  begin(subject: Subject): void {
    this.end()
    this.#subject = subject
    this.#stop = subject.live?.onMore(() => this.#panel.drawSoon()) ?? this.#stop
  }

  end(): void {
    this.#stop()
    this.#stop = () => {}
  }

  draw(): void {
    if (this.#subject === undefined) return
    const { recording, live } = this.#subject
    const { first, end, limits, dropped } = recording
    const since = recording.at(first)?.at
    const began = since === undefined ? '' : `, since ${clock(since)}`
    const went = dropped === 0 ? '' : ` ${count(dropped, 'older one')} went.`
    const bound = live === undefined ? '' : ` At most ${count(limits.entries, 'entry', 'entries')} and about ${bytes(limits.bytes)} of them are kept, beside up to five states to begin with; and always what came since the last of those.`
    setText(this.#window, `${count(end - first, 'entry', 'entries')}, about ${bytes(recording.bytes)}${began}.${went}${bound}`)
    this.#record.hidden = this.#clear.hidden = live === undefined
    this.#remove.hidden = live !== undefined
    setText(this.#record, live?.isRecording === true ? 'Stop recording' : 'Record')
  }

  async #do(action: string): Promise<void> {
    const subject = this.#subject
    if (subject === undefined) return
    const { recording, live } = subject
    if (action === 'record') {
      live?.record(!live.isRecording)
    } else if (action === 'clear') live?.clear()
    else if (action === 'remove') this.#panel.stores.remove(subject)
    else if (recording.end === recording.first) this.#panel.say('There is nothing yet.')
    else if (action === 'export') this.#export(subject)
    else await this.#copy(subject)
    this.#panel.drawSoon()
  }

  #export({ name, recording }: Subject): void {
    const file = new Blob([writeSession(recording)], { type: 'text/event-stream' })
    const link = make('a', { href: URL.createObjectURL(file), download: `${name.replace(/[^\w.-]+/g, '-').replace(/^-|-$/g, '') || 'session'}.highwater.txt` })
    link.click()
    URL.revokeObjectURL(link.href)
    this.#panel.say(`Exported ${bytes(file.size)}.`)
  }

  async #copy({ recording }: Subject): Promise<void> {
    const script = scriptOf(recording)
    try {
      await navigator.clipboard.writeText(script)
      this.#panel.say(`Copied a test of ${bytes(script.length)}: save it as a .test.mjs, and run it by node --test.`)
    } catch (error) {
      this.#panel.say(`The clipboard cannot be had: ${(error as Error).message}`)
    }
  }

  async #import(): Promise<void> {
    const [file] = this.#file.files ?? []
    if (file === undefined) return
    try {
      const protocol = this.#protocol.value === '' ? undefined : (this.#protocol.value as ProtocolName)
      const recording = readSession(await file.text(), protocol)
      this.#panel.choose(this.#panel.stores.import(recording, file.name))
      this.#panel.say(`${file.name}: ${count(recording.end - recording.first, 'entry', 'entries')}.`)
    } catch (error) {
      this.#panel.say(`${file.name}: ${(error as Error).message}`)
    } finally {
      this.#file.value = ''
    }
  }
}
