// The little of the browser's interface for extensions that is used here: the same in Chromium and Firefox.

/** An event of the browser's. */
export interface Happening<A extends unknown[]> {
  addListener(listener: (...parts: A) => void): void
}

/** One end of a connection. */
export interface Port {
  readonly name: string
  readonly sender?: { readonly tab?: { readonly id?: number }; readonly frameId?: number; readonly url?: string }
  readonly onMessage: Happening<[message: unknown]>
  readonly onDisconnect: Happening<[]>
  postMessage(message: unknown): void
  disconnect(): void
}

interface Script {
  readonly id: string
  readonly js: readonly string[]
  readonly matches: readonly string[]
  readonly world: 'MAIN' | 'ISOLATED'
  readonly allFrames: boolean
  readonly runAt: 'document_start'
  readonly persistAcrossSessions: boolean
}

interface Api {
  readonly runtime: {
    readonly onConnect: Happening<[port: Port]>
    connect(options: { readonly name: string }): Port
  }
  readonly scripting: {
    executeScript(what: { readonly target: { readonly tabId: number; readonly allFrames: boolean }; readonly world: 'MAIN' | 'ISOLATED'; readonly files: readonly string[]; readonly injectImmediately: boolean }): Promise<unknown>
    registerContentScripts(scripts: readonly Script[]): Promise<void>
    unregisterContentScripts(which: { readonly ids: readonly string[] }): Promise<void>
  }
  readonly devtools?: {
    readonly inspectedWindow: { readonly tabId: number }
    readonly panels: {
      readonly themeName?: string
      create(title: string, icon: string, page: string): Promise<unknown> | void
    }
  }
}

const { browser, chrome } = globalThis as { browser?: Api; chrome?: Api }

/** Firefox has it by the standard's name. */
export const api = (browser ?? chrome) as Api
