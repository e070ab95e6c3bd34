// What an input led to, as bits of the number that the module answers with.

export const Effects = 1
export const Commits = 2
export const Gone = 4
export const Synced = 8
export const Stopped = 16
export const Fault = 32
/** The server at hand is one of our own. */
export const Own = 64
/** The stream is none that the lean module reads. */
export const Foreign = 128
export const Told = 256
