// Figures of many rounds, as few.

/** The lower quartile, the median and the upper quartile; between two figures where they fall there. */
export function quartiles(figures) {
  if (figures.length === 0) throw new Error('no figures')
  const sorted = figures.toSorted((a, b) => a - b)
  return [0.25, 0.5, 0.75].map((share) => {
    const at = (sorted.length - 1) * share
    const low = Math.floor(at)
    const next = sorted[Math.min(low + 1, sorted.length - 1)]
    return sorted[low] + (next - sorted[low]) * (at - low)
  })
}

export const median = (figures) => quartiles(figures)[1]

/** Half the distance of the quartiles, in percent of the median. */
export function spread(figures) {
  const [low, middle, high] = quartiles(figures)
  return middle === 0 ? 0 : (50 * (high - low)) / middle
}

/**
 * Measures several things in rounds: each round measures every one once, another one first each
 * time, so that none always finds the machine as the same other left it. Ends after `least` rounds
 * once `budget` milliseconds are spent, and after `most` in any case.
 */
export async function inRounds(things, measure, { budget, least, most }) {
  const figures = things.map(() => [])
  const end = performance.now() + budget
  for (let round = 0; round < most && (round < least || performance.now() < end); round += 1) {
    for (let turn = 0; turn < things.length; turn += 1) {
      const which = (round + turn) % things.length
      figures[which].push(await measure(things[which]))
    }
  }
  return figures
}

/** What two series of figures come to. */
export function ratioOf(ours, peers) {
  const [oursMedian, peersMedian] = [median(ours), median(peers)]
  return { ours: oursMedian, peer: peersMedian, ratio: peersMedian / oursMedian }
}
