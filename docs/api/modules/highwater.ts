/**
 * Streams in, state out: `connect` keeps a store of what a stream says. The same in browsers, Node, Deno, Bun and workers.
 *
 * @module highwater
 */
export * from '../../../dist/browser.js'
