// Who is measured: ours, and each peer, by name.

import { connected, push } from './peers/ours.mjs'

/** The peers, in the order of the table. Each is loaded when it is wanted: they share no process. */
export const PEERS = {
  plain: () => import('./peers/plain.mjs'),
  'expert-lazy': () => import('./peers/expert-lazy.mjs'),
  'fetch-event-source': () => import('./peers/fetch-event-source.mjs'),
  electric: () => import('./peers/electric.mjs'),
  'tanstack-db': () => import('./peers/tanstack-db.mjs'),
  launchdarkly: () => import('./peers/launchdarkly.mjs'),
}

/** What of ours stands beside a peer in a workload: strings are pushed, listeners need a store. */
export function oursBeside(peer, workload, highwater) {
  if (workload === 'W6') return push(highwater)
  if (workload === 'W7') return connected(highwater)
  return peer.beside === 'push' ? push(highwater) : connected(highwater)
}
