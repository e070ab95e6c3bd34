/**
 * A store's kind as a collection of TanStack DB.
 *
 * @module highwater/tanstack-db
 */
export * from '../../../dist/adapters/tanstack-db.js'
