// Which nodes may stay where they are when a list is put into another order.

/**
 * Marks the longest increasing subsequence of `positions` (all different): the items that need
 * not move. Moving the others is the least that leads to the new order.
 */
export function staying(positions: readonly number[]): boolean[] {
  const before: number[] = new Array<number>(positions.length).fill(-1)
  const tails: number[] = [] // tails[n]: where the best run of length n + 1 ends
  positions.forEach((position, index) => {
    let low = 0
    let high = tails.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (positions[tails[middle]!]! < position) low = middle + 1
      else high = middle
    }
    if (low > 0) before[index] = tails[low - 1]!
    tails[low] = index
  })
  const stays = new Array<boolean>(positions.length).fill(false)
  for (let index = tails.at(-1) ?? -1; index >= 0; index = before[index]!) stays[index] = true
  return stays
}
