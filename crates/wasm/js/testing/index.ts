// For tests of applications: a source to push what a server would, and a clock.

export { fakeClock } from './clock.js'
export { createSource, TestSource } from './source.js'
export type { FakeClock } from './clock.js'
export type { Request } from './connections.js'
export type { SourceOptions } from './source.js'
