// W4: what is kept in memory, beyond an instance that has seen next to nothing.

import { hop, Meter } from './source.mjs'
import { chunks, electric, fdv2, groups, launchdarkly, sse } from './wires.mjs'
import { World, wrongKeys } from './world.mjs'

/** By name: so many items, and then so many patches. */
export function variantsOf({ quick }) {
  const [patches, many] = quick ? [100_000, '100k'] : [1_000_000, '1M']
  return [
    { variant: '100k items', items: 100_000, patches: 0 },
    { variant: `${many} patches`, items: 10_000, patches },
  ]
}

/**
 * Bytes that a subject holds after a workload, the milliseconds that its chunks took, and how many
 * keys are wrong. Values stay unread until it was weighed. Chunks are made one by one and dropped:
 * who keeps them, keeps them. `tools.bytes()` collects garbage and answers with all that is in use.
 */
export async function retained(subject, { items, patches }, tools) {
  // Code and tables that are made once are nobody's state.
  const small = await subject.open()
  await take(small, subject.wire, new World(50), 200, new Meter())
  await small.close()
  const world = new World(items)
  const session = await subject.open()
  const before = await tools.bytes()
  const meter = new Meter()
  await take(session, subject.wire, world, patches, meter)
  await hop()
  const bytes = (await tools.bytes()) - before
  const wrong = wrongKeys(world, session)
  if (patches === 0 && wrong > 0) throw new Error(`${subject.name}: ${wrong} of ${items} keys are wrong after a snapshot`)
  await session.close()
  return { bytes, ms: meter.busy, longest: meter.longest, wrong }
}

async function take(session, wire, world, patches, meter) {
  switch (wire) {
    case 'fdv2':
      await session.snapshot(chunks(sse(fdv2.snapshot(world.items))), meter)
      if (patches > 0) await session.patches(chunks(sse(fdv2.patches(world.transactions(patches)))), meter)
      break
    case 'launchdarkly':
      await session.snapshot(groups(launchdarkly.snapshot(world.items)), meter)
      if (patches > 0) await session.patches(groups(launchdarkly.patches(world.transactions(patches))), meter)
      break
    case 'electric': {
      const responses = Array.from(electric.snapshot(world.items), (text) => [...chunks([text])])
      await session.snapshot({ items: world.items, chunks: responses }, meter)
      // Served: what was sent is not the client's.
      responses.length = 0
      if (patches > 0) await session.patches({ patches, chunks: chunks(electric.patches(world.transactions(patches))) }, meter)
    }
  }
}
