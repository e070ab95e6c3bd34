/**
 * `highwater` without a module: `init` is given its bytes.
 *
 * @module highwater/slim
 */
export * from '../../../dist/slim.js'
