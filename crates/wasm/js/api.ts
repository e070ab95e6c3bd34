// The public API. It loads nothing: the doors do.
// Its types name Symbol.dispose, which is not in the library that projects have by default.
/// <reference lib="esnext.disposable" preserve="true" />

export { connect, init, Store } from './store.js'
export { LiveView } from './rows.js'
export { Materialized } from './materialized.js'
export { HighwaterError } from './errors.js'
export { MessageReceiver } from './receiver.js'
export { Materializer } from './materializer.js'
export { Protocol } from './protocol.js'
export { Session, Backoff } from './session.js'
export { SseDecoder } from './sse.js'
export type { ErrorCode, ErrorDetails, Issue } from './errors.js'
export type { Initial, InitialItem } from './initial.js'
export type { ModuleSource } from './module.js'
export type {
  HeadersContext,
  JsonProtocol,
  Options,
  ProtocolName,
  ProtocolOptions,
  RetryOptions,
  TombstoneOptions,
} from './options.js'
export type { Transacted } from './reads.js'
export type {
  AnyKinds,
  Change,
  Collection,
  ItemName,
  Kinds,
  Phase,
  Scope,
  Snapshot,
  Status,
  Version,
} from './types.js'
export type { Condition, Edits, Field, Group, Row, Scalar, Test, ViewSnapshot, ViewSpec } from './rows.js'
export type { Outputs, Schemas, StandardSchema, Validated } from './schema.js'
export type { TraceEvent, TraceStep } from './trace.js'
export type { ReceiverAction, ReceiverEntry } from './receiver.js'
export type { MaterializerOptions, PushResult } from './materializer.js'
export type { StoreView, StoreViewChange } from './materialized.js'
export type { View, ViewChange } from './view.js'
export type { Message } from './protocol.js'
export type { BackoffOptions, SessionEffect, SessionInput, SessionOptions, SessionStatus } from './session.js'
export type { SseDecoderOptions, SseEvent } from './sse.js'
