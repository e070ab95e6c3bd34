// What is only ever called in the module with everything: it comes with that module, and not before.

export { list } from './listing.js'
export { restore } from './restore.js'
export { traced } from './trace.js'
export { listen, poll } from './transports.js'
