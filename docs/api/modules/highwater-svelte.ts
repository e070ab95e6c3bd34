/**
 * Reactive reads for Svelte 5.
 *
 * @module highwater/svelte
 */
export * from '../../../dist/adapters/svelte.js'
