//! Versioned event streams as live state.
//!
//! Give [`connect`] the address of a stream and get a [`Store`]: every item at its newest version,
//! kept up over lost connections, restarts of the server, repeated and reordered messages. A
//! snapshot is there as a whole or not at all, and so is a transaction.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), highwater::Error> {
//! # let url = serve();
//! #[derive(serde::Deserialize)]
//! struct Process {
//!     name: String,
//! }
//!
//! let store = highwater::connect(url)?;
//! store.ready().await?;
//! let init: Option<Process> = store.get("process", "1")?;
//! assert_eq!(init.unwrap().name, "init");
//!
//! let mut changes = store.changes();
//! while let Some(Ok(transaction)) = changes.next().await {
//!     for change in &transaction.changes {
//!         println!("{} {}/{}", change.action, change.kind, change.key);
//!     }
//! #   break;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Whoever must handle every event rather than see the newest state is a worker: [`event_stream`].
//!
//! # What it is made of
//! `highwater-core` decides everything: what the bytes mean, which version wins, when to connect
//! and what to resume from. This crate gives it a network ([`hyper`](https://hyper.rs)), a clock
//! and a task on the Tokio runtime, and hands out what it keeps. The types that an application
//! meets are re-exported here.
//!
//! # What it leaves out
//! Values are not parsed before somebody reads them. Nothing is kept on disk. HTTP/2 and proxies
//! are not spoken.
#![forbid(unsafe_code)]

mod builder;
mod changes;
mod driver;
mod endpoint;
mod error;
mod eventstream;
pub mod health;
mod http;
mod keyed;
mod publish;
mod query;
mod shared;
mod status;
mod store;

pub use builder::{Builder, connect};
pub use changes::{Changes, ItemChange, Lagged, Transaction};
pub use endpoint::{Endpoint, Opened};
pub use error::Error;
pub use eventstream::{Batch, EventStream, EventStreamBuilder, Refusal, StreamEvent, event_stream};
pub use highwater_core::{
    Action, Change, Class, Error as Fault, Forgive, Instant, Item, Jitter, JsonError, JsonSpec,
    Judge, Known, Materializer, MaterializerOptions, Noop, Phase, Position, Profile, Protocol,
    Refill, SessionOptions, Slot, State, Tombstones, Version, View,
};
pub use keyed::Keyed;
pub use publish::{PublishError, Publisher, Reply};
pub use query::{
    Answer, Cause, EntryStatus, Failure, Feed, FeedError, Query, QueryRequest, QueryStore, Render,
    Run, Sight, Updates, Waiter, Wanted,
};
pub use status::Status;
pub use store::{Moment, Store};
