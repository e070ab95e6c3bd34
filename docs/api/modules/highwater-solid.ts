/**
 * Signals for Solid.
 *
 * @module highwater/solid
 */
export * from '../../../dist/adapters/solid.js'
