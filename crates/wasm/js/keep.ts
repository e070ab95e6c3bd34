// What the option `persist` asks for: loaded then, and no reason for a store not to go on.

import { type ErrorCode, HighwaterError, wordsOf } from './errors.js'
import { report } from './listeners.js'
import type { Options } from './options.js'
import type { Keeper } from './persist.js'
import { wordsOfProtocol } from './protocols.js'

/** What was kept, and what goes on keeping it; `told` hears of what cannot be taken up. */
export async function keep(url: string, options: Options, told: (error: HighwaterError) => void): Promise<Keeper | undefined> {
  const tell = (code: ErrorCode, message: string, cause?: unknown): void => {
    const error = new HighwaterError(code, message, { cause })
    // The stream is none the worse for what is not kept.
    if (code === 'persist') report(options.onError, error)
    else told(error)
  }
  try {
    const { Keeper } = await import('./persist.js')
    return await Keeper.of(url, wordsOfProtocol(options.protocol), options, tell)
  } catch (error) {
    tell('persist', `option persist: nothing is kept: ${wordsOf(error)}`, error)
    return undefined
  }
}
