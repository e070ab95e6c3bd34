// Requests to the server that the page came from.

/** Asks for something, and throws what the server has against it. */
export async function ask<T = unknown>(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(path, { method, headers, cache: 'no-store', ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`)
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T }
}
