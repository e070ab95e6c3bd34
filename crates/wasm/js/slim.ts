// The door without a module: the application brings it, by `init(module)`.

export * from './api.js'
