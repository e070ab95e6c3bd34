// What the demo publishes under the topic `machine`.

import type { Store } from 'highwater'

export interface Process {
  readonly pid: number
  readonly name: string
  /** Percent of one core. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  readonly status: string
  readonly user?: string
  readonly parent: number | null
  /** Seconds since 1970. */
  readonly started: number
  readonly command: string
}

export interface Host {
  readonly cpu: number
  readonly perCore: readonly number[]
  readonly memoryUsed: number
  readonly memoryTotal: number
  readonly swapUsed: number
  readonly swapTotal: number
  /** Over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number]
  readonly uptime: number
  readonly processes: number
  readonly hostname: string
}

export type Kinds = {
  process: Process
  host: Host
}

export type Machine = Store<Kinds>

export const TOPIC = '/v1/topics/machine'
