// The form: what is to be read, and how.

import type { JsonProtocol, ProtocolName, ProtocolOptions } from 'highwater'
import { make, need } from '../dom'
import type { Example } from './examples'

const PROTOCOLS: Readonly<Record<ProtocolName, string>> = {
  fdv2: 'native: Highwater, LaunchDarkly’s newest (fdv2)',
  relay: 'LaunchDarkly /all (relay)',
  flags: 'LaunchDarkly /flags',
  ping: 'LaunchDarkly /mping, /ping',
  autoconfig: 'LaunchDarkly automatic configuration',
  consul: 'Consul subscribe, as JSON',
  eventstream: 'batches of an event stream',
  json: 'JSON: I say where things are',
}

const PATHS = {
  snapshot: 'everything comes in', upsert: 'one item comes in', delete: 'one item goes in',
  items: 'items of everything', key: 'key', kind: 'kind', version: 'version', value: 'value', deleted: 'a true that says gone',
} as const satisfies Partial<Record<keyof JsonProtocol, string>>
const TYPES = ['snapshot', 'upsert', 'delete']

const field = (id: string): HTMLInputElement => need<HTMLInputElement>(id)

export class Fields {
  readonly #protocol = need<HTMLSelectElement>('protocol')
  readonly #text = need<HTMLTextAreaElement>('text')
  readonly #paths = new Map<string, HTMLInputElement>()
  /** Where the text comes from, if it is still that. */
  #file: { readonly name: string; readonly text: string } | undefined

  constructor() {
    this.#protocol.append(...Object.entries(PROTOCOLS).map(([name, label]) => make('option', { value: name }, label)))
    for (const [name, label] of Object.entries(PATHS)) {
      const input = make('input', { type: 'text', spellcheck: false, autocomplete: 'off', 'data-testid': `path-${name}`, placeholder: TYPES.includes(name) ? 'type' : '/…' })
      this.#paths.set(name, input)
      need('paths').append(make('label', {}, make('span', {}, label), input))
    }
    const show = (): void => this.#show()
    this.#protocol.addEventListener('change', show)
    for (const id of ['url', 'text']) need(id).addEventListener('input', show)
    show()
  }

  get url(): string {
    return field('url').value.trim()
  }

  get authorization(): string {
    return field('authorization').value.trim()
  }

  get poll(): string {
    return field('poll').value.trim()
  }

  get text(): string {
    return this.#text.value
  }

  /** What the recording is called. */
  get name(): string {
    return this.#file?.text === this.text ? this.#file.name : 'pasted'
  }

  get protocol(): ProtocolOptions {
    const name = this.#protocol.value as ProtocolName
    if (name !== 'json') return name
    const given = [...this.#paths].filter(([, { value }]) => value.trim() !== '')
    return { name, ...Object.fromEntries(given.map(([path, { value }]) => [path, value.trim()])) }
  }

  /** Fills the form. */
  fill({ protocol, url = '', authorization = '', text = '', paths = {} }: Omit<Example, 'label'>): void {
    this.#protocol.value = protocol
    field('url').value = url
    field('authorization').value = authorization
    this.#text.value = text
    for (const [name, input] of this.#paths) input.value = String(paths[name as keyof typeof paths] ?? '')
    this.#show()
  }

  /** Puts a file in the place of the recording; the protocol stays. */
  async take(file: File): Promise<void> {
    this.#text.value = await file.text()
    // As the field has it: it knows one kind of line end.
    this.#file = { name: file.name, text: this.#text.value }
    field('url').value = ''
    this.#show()
  }

  #show(): void {
    need('paths').hidden = this.#protocol.value !== 'json'
    need('poll-field').hidden = this.#protocol.value !== 'ping' || this.url === ''
    need('authorization-field').hidden = this.url === ''
  }
}
