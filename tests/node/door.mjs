// The package by the door that a test file is run for: Node's, or (browser.test.mjs) the browsers'.

export const { connect } = await import(globalThis.highwaterDoor ?? '../../dist/node.js')
