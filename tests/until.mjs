/** Waits until something holds, and gives it. */
export async function until(holds, what = 'it', limit = 60_000) {
  const end = performance.now() + limit
  for (;;) {
    const found = await holds()
    if (found) return found
    if (performance.now() > end) throw new Error(`${what} did not come to hold within ${limit} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
