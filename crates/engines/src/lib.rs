//! Engines that outlive the process: [`Sqlite`] for one process with a disk.
//!
//! They keep the promises of [`Engine`](highwater_publisher::engine::Engine), and the same tests hold
//! them, and the engine in memory, to it.
#![forbid(unsafe_code)]

mod codec;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteOptions};
