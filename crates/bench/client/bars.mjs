// What has to be reached.

/** Medians of the peer's time by ours. */
const TIMES = {
  W1: { plain: 10, 'expert-lazy': 2.5, electric: 20, 'tanstack-db': 20, launchdarkly: 20 },
  W2: { plain: 10, 'expert-lazy': 2.5, electric: 50, 'tanstack-db': 50, launchdarkly: 30 },
  W3: { plain: 8 },
  'W5 all at once': { plain: 1 },
  W6: { plain: 1.5 },
}

/** Our bytes by the peer's: by what was kept, runner and peer. */
const BYTES = {
  items: { plain: { node: 0.8, chromium: 1.2 } },
  patches: { 'expert-lazy': { node: 0.5, chromium: 0.5 } },
}

/** Milliseconds that a chunk may take us, where nothing but taking it in is measured. */
const PAUSE = 1

/** The bars of a row: each in words, and whether it was reached. */
export function barsOf(row) {
  const bars = []
  const { runner, workload, variant, peer } = row
  const times = (TIMES[`${workload} ${variant}`] ?? TIMES[workload])?.[peer]
  if (times !== undefined) bars.push({ words: `≥ ${times}`, reached: row.ratio >= times })
  const bytes = workload === 'W4' ? BYTES[variant.split(' ')[1]]?.[peer]?.[runner] : undefined
  if (bytes !== undefined) bars.push({ words: `bytes ≤ ${bytes}`, reached: row.bytes_ratio <= bytes })
  if (row.ours_wrong_keys > 0) bars.push({ words: 'no wrong key', reached: false })
  if (['W1', 'W2'].includes(workload)) bars.push({ words: `pause ≤ ${PAUSE}`, reached: row.ours_longest_pause_ms <= PAUSE })
  return bars
}
