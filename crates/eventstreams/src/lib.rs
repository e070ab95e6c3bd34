//! Event streams: batches, checkpoints, and delivery by WebSocket and webhook.
//!
//! A stream takes events from a source, in order, and delivers them in batches until somebody has
//! taken them; where it stands is a checkpoint that outlives the process.
#![forbid(unsafe_code)]

mod active;
mod clock;
mod config;
mod dispatch;
mod duration;
mod error;
mod event;
mod filter;
mod keyword;
mod machine;
mod manager;
mod offers;
mod persistence;
mod runtime;
mod spec;
mod statistics;
mod timestamp;
mod topic_filter;
mod webhook;
mod websocket;

pub use clock::Clock;
pub use config::{
    Checkpoints, Configuration, Defaults, Retry, Tls, TlsConfig, WebSocketDefaults, WebSockets,
};
pub use dispatch::{Attempt, Dispatcher, DispatcherFactory, Failure, Outcome};
pub use duration::{BadPeriod, Period};
pub use error::Error;
pub use event::{Batch, Event};
pub use filter::{
    Dialect, Expression, Field, FilterError, Match, Order, Page, Parameter, Query, QueryLimits,
    Row, Sort, Sql, Test, Value,
};
pub use keyword::Keyword;
pub use machine::{Effect, Input, Machine, Settings};
pub use manager::{Manager, Program, Reset, StreamList, Totals};
pub use persistence::{
    Answer, Changed, Listed, MemoryPersistence, NatsOptions, NatsPersistence, Persistence,
    PostgresPersistence, SqlitePersistence, Update, Upserted,
};
pub use runtime::{Deliver, Instruction, Run, Runtime};
pub use spec::{
    AnswersFrom, DistributionMode, ErrorHandling, EventStream, EventStreamSpec, HttpOptions,
    HttpRetry, Status, WebSocketOptions, WebhookOptions,
};
pub use statistics::{DispatchStatus, Statistics};
pub use timestamp::Timestamp;
pub use topic_filter::TopicFilter;
pub use webhook::{WebhookFactory, is_public_address};
pub use websocket::{
    AttemptId, Command, Connection, Delivery, Guest, Limits, RoundTrip, RoundTripEffect,
    RoundTrips, Verb, WebSocketFactory,
};
