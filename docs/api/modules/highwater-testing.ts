/**
 * A server in the test, and a clock: what happens is said line by line.
 *
 * @module highwater/testing
 */
export * from '../../../dist/testing/index.js'
