// The store once more, by the browsers' door: its streams begin in the lean module.

globalThis.highwaterDoor = './browser.mjs'

await import('./store.test.mjs')
await import('./wire.test.mjs')
