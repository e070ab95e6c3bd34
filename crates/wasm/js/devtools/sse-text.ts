// Server-sent events as the text of a file.

/** An event as it is written. */
export interface Written {
  readonly event: string
  readonly data: string
  readonly id?: string
}

/** An event as it was read. */
export interface Raw extends Written {
  /** The last comment before it. */
  readonly comment: string | undefined
  /** In which line it begins, and in which its data does. */
  readonly line: number
  readonly dataLine: number
}

export function writeEvent({ event, data, id }: Written): string {
  const lines = data.split('\n').map((line) => `data: ${line}\n`)
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}${lines.join('')}\n`
}

/** Reads events with data; one that is not finished by a blank line is none. */
export function* readEvents(text: string): Generator<Raw> {
  let event = ''
  let data: string[] = []
  let id: string | undefined
  let comment: string | undefined
  let begin = 0
  let dataLine = 0
  let number = 0
  for (const [line] of text.replace(/^\uFEFF/, '').matchAll(LINE)) {
    number += 1
    const bare = line.replace(/\r?\n$|\r$/, '')
    if (bare === line) return
    if (bare === '') {
      if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), ...(id === undefined ? {} : { id }), comment, line: begin, dataLine }
      event = ''
      data = []
      id = comment = undefined
      begin = 0
      continue
    }
    begin ||= number
    const colon = bare.indexOf(':')
    const field = colon < 0 ? bare : bare.slice(0, colon)
    const value = colon < 0 ? '' : bare.slice(colon + 1).replace(/^ /, '')
    if (field === '') comment = value
    else if (field === 'event') event = value
    else if (field === 'data') {
      if (data.length === 0) dataLine = number
      data.push(value)
    }
    else if (field === 'id' && !value.includes('\0')) id = value
  }
}

/** Reads lines of JSON, each of which is an event. */
export function* readLines(text: string): Generator<Raw> {
  let line = 0
  for (const data of text.split('\n')) {
    line += 1
    if (data.trim() !== '') yield { event: 'message', data, comment: undefined, line, dataLine: line }
  }
}

const LINE = /[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g
