// Bytes as text, in browsers and in Node alike.

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE))
  return btoa(text)
}

/** Throws if it is none. */
export function fromBase64(text: string): Uint8Array {
  const characters = atob(text)
  // A state may have many megabytes: one by one they would be made strings first.
  const bytes = new Uint8Array(characters.length)
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = characters.charCodeAt(at)
  return bytes
}

/** So many arguments a function can be given. */
const PIECE = 8192
