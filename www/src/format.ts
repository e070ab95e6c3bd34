// Numbers and times as an engineer reads them.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `1.5 MiB`: three digits are enough to compare. */
export function bytes(count: number): string {
  let unit = 0
  let value = count
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : threeDigits(value)} ${UNITS[unit]}`
}

export function threeDigits(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
}

export function percent(value: number): string {
  return `${value.toFixed(value >= 99.95 ? 0 : 1)} %`
}

/** `14:03:22`, in the reader's time zone. */
export function clock(at: number): string {
  const time = new Date(at)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
}

/** The time if it is of today, else the day, else the month: `14:03:22`, `21 Nov`, `Nov 2025`. */
export function started(seconds: number, now = Date.now()): string {
  const [at, today] = [new Date(seconds * 1000), new Date(now)]
  if (at.toDateString() === today.toDateString()) return clock(at.getTime())
  const month = MONTHS[at.getMonth()]
  return at.getFullYear() === today.getFullYear() ? `${at.getDate()} ${month}` : `${month} ${at.getFullYear()}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `412 ms`, `3.2 s`, `2 min 5 s`, `3 h 12 min`, `4 d 3 h` */
export function duration(millis: number): string {
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 60_000) return `${(millis / 1000).toFixed(1)} s`
  const minutes = Math.floor(millis / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor(millis / 1000) % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** A cursor's epoch is long; its beginning tells two apart. */
export function shortCursor(cursor: string): string {
  const dot = cursor.lastIndexOf('.')
  if (dot <= 6) return cursor
  return `${cursor.slice(0, 5)}…${cursor.slice(dot)}`
}

export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${thousands(count)} ${count === 1 ? noun : nouns}`
}

/** `100,000` */
export function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
