/**
 * Hooks for React.
 *
 * @module highwater/react
 */
export * from '../../../dist/adapters/react.js'
