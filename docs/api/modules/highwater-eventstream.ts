/**
 * A worker of an event stream: every event handled, and said so.
 *
 * @module highwater/eventstream
 */
export * from '../../../dist/eventstream.js'
