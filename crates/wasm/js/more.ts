// What a stream of our own server's, followed in the lean module, does without: it comes with the module
// with everything, or when an option asks for it, and not before.

// Bundlers that part scripts by who reaches what (esbuild) leave in one what is reached whole from here too:
// one script instead of two, each compressed by itself.
export { Store } from './store.js'

export { handOver } from './handover.js'
export { list } from './listing.js'
export { prepare } from './prepare.js'
export { wordsOfProtocol } from './protocols.js'
export { sentenceOf, unusable } from './sentences.js'
export { traced } from './trace.js'
export { others, sendId } from './transports.js'
