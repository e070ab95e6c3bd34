/** Counts how often what is given was drawn. */
export function renders(): (drawn: unknown) => number {
  let count = 0
  return () => ++count
}
