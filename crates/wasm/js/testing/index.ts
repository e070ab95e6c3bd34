// For tests of applications: a source to push what a server would, and a clock.
// Its types name Symbol.dispose, which is not in the library that projects have by default.
/// <reference lib="esnext.disposable" preserve="true" />

export { fakeClock } from './clock.js'
export { createSource, TestSource } from './source.js'
export type { FakeClock } from './clock.js'
export type { Request } from './connections.js'
export type { SourceOptions } from './source.js'
