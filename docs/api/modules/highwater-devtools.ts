/**
 * A panel that shows every store of a page, and the bridge to Redux DevTools.
 *
 * @module highwater/devtools
 */
export * from '../../../dist/devtools/index.js'
