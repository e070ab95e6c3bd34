// What surrounds a client, scripted by a test: a link whose `fetch`, event source and poll do what
// they are told, and a log of what was asked of them. The streams, responses and events are real.
(() => {
  const log = []
  const requests = []
  const sources = []
  const polls = []
  const encoder = new TextEncoder()
  let waiting = []

  /** Something happened: who waits may look again. */
  const moved = (what) => {
    if (what !== undefined) log.push(what)
    for (const resolve of waiting.splice(0)) resolve()
  }
  const aborted = () => new DOMException('aborted by the client', 'AbortError')

  class Source extends EventTarget {
    constructor(url, { withCredentials }) {
      if (world.noSource) throw new TypeError('no event source for you')
      super()
      this.types = []
      sources.push(this)
      moved(`source ${url}${withCredentials ? ' with credentials' : ''}`)
    }
    addEventListener(type, listener) {
      this.types.push(type)
      super.addEventListener(type, listener)
    }
    close() {
      moved('close')
    }
  }

  const link = {
    credentials: false,
    get eventSource() {
      return world.native ? Source : undefined
    },
    get renews() {
      return world.renews
    },
    init: { cache: 'no-store' },
    address(query) {
      const pairs = []
      for (let at = 0; at < query.length; at += 2) pairs.push(`${query[at]}=${query[at + 1]}`)
      return `/stream${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
    },
    async headers(attempt, expired) {
      log.push(`headers ${attempt}${expired ? ' expired' : ''}`)
      if (world.noHeaders) throw new Error('no token')
      return new Headers(expired ? { 'x-token': 'new' } : {})
    },
    fetch(url, { cache, headers, signal }) {
      const sent = ['last-event-id', 'x-token'].flatMap((name) => (headers.has(name) ? [`${name}: ${headers.get(name)}`] : []))
      if (world.throws) throw new TypeError('fetch threw')
      const request = { accept: headers.get('accept'), cache, signal }
      const place = requests.push(request) - 1
      const response = new Promise((resolve, reject) => Object.assign(request, { resolve, reject }))
      signal.addEventListener('abort', () => {
        request.reject(aborted())
        request.body?.error(aborted())
        moved(`abort ${place}`)
      })
      moved([`fetch ${url}`, ...sent].join(', '))
      return response
    },
    poll(signal) {
      const answer = new Promise((resolve, reject) => polls.push({ resolve, reject }))
      signal.addEventListener('abort', () => moved('abort poll'))
      moved('poll')
      return answer
    },
    words: (error) => `${error.name}: ${error.message}`,
    notify: () => moved(),
    broken: (error) => moved(`broken: ${error}`),
  }

  const last = (list) => list[list.length - 1]
  const world = {
    link,
    native: false,
    noSource: false,
    renews: false,
    noHeaders: false,
    throws: false,
    time: () => performance.now(),
    /** What was asked since this was last called, a line each. */
    log: () => log.splice(0).join('\n'),
    accepts: () => `${last(requests).accept}; cache: ${last(requests).cache}`,
    /** Until anything happens. */
    next: () =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('nothing happened')), 20_000)
        waiting.push(() => (clearTimeout(timer), resolve()))
      }),
    /** The newest request is answered, with a body that is sent later on. */
    answer(status, headers) {
      const { resolve } = last(requests)
      const stream = new ReadableStream({ start: (body) => void (last(requests).body = body) })
      resolve(new Response(stream, { status, headers: JSON.parse(headers) }))
    },
    /** It fails before there is an answer. */
    refuse: (words) => last(requests).reject(new TypeError(words)),
    send: (text) => last(requests).body.enqueue(encoder.encode(text)),
    sendBytes: (bytes) => last(requests).body.enqueue(bytes.slice()),
    end: () => last(requests).body.close(),
    breakOff: (words) => last(requests).body.error(new TypeError(words)),
    /** Something comes on an old connection. */
    sendLate(place, text) {
      try {
        requests[place].body.enqueue(encoder.encode(text))
      } catch {
        // The stream was aborted, as it should be.
      }
    },
    openSource: () => last(sources).dispatchEvent(new Event('open')),
    emit: (type, data, lastEventId) => last(sources).dispatchEvent(new MessageEvent(type, { data, lastEventId })),
    emitOn: (place, type, data, lastEventId) => sources[place].dispatchEvent(new MessageEvent(type, { data, lastEventId })),
    failSource: () => last(sources).dispatchEvent(new Event('error')),
    types: () => last(sources).types.join(' '),
    polled: (status, text) => last(polls).resolve([status, encoder.encode(text)]),
    pollFails: () => last(polls).reject(new TypeError('no route')),
  }
  return world
})()
