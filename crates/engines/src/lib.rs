//! Engines that outlive the process: [`Sqlite`] for one process with a disk, [`JetStream`] for several over one NATS.
//!
//! Both keep the promises of [`Engine`](highwater_publisher::engine::Engine), and the same tests hold
//! them, and the engine in memory, to it.
#![forbid(unsafe_code)]

mod codec;
#[cfg(feature = "jetstream")]
mod jetstream;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "jetstream")]
pub use jetstream::{JetStream, JetStreamOptions};
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteOptions};
