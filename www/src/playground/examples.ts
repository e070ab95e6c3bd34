// What there is to begin with.

import type { JsonProtocol, ProtocolName } from 'highwater'
import broken from '../../recordings/broken.txt'
import consul from '../../recordings/consul.txt'
import prices from '../../recordings/prices.txt'
import relay from '../../recordings/relay.txt'

/** What is filled in. */
export interface Example {
  readonly label: string
  readonly protocol: ProtocolName
  readonly url?: string
  readonly authorization?: string
  readonly text?: string
  readonly paths?: Omit<JsonProtocol, 'name'>
}

export const EXAMPLES: Readonly<Record<string, Example>> = {
  machine: { label: 'this machine, live', protocol: 'fdv2', url: '/v1/topics/machine/stream' },
  flags: { label: 'flags, live, as SDKs get them', protocol: 'relay', url: '/all', authorization: 'demo' },
  relay: { label: 'LaunchDarkly: late and double', protocol: 'relay', text: relay },
  consul: { label: 'Consul', protocol: 'consul', text: consul },
  prices: {
    label: 'prices in JSON',
    protocol: 'json',
    text: prices,
    paths: { snapshot: 'book', upsert: 'price', delete: 'gone', key: '/symbol', version: '/at' },
  },
  broken: { label: 'a broken one', protocol: 'relay', text: broken },
}
