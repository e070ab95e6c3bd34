/**
 * Composables for Vue 3.
 *
 * @module highwater/vue
 */
export * from '../../../dist/adapters/vue.js'
