/**
 * `highwater` with its module inside, as text: for where no file can be loaded beside the script.
 *
 * @module highwater/inline
 */
export * from '../../../dist/inline.js'
