//! The `highwater` server: versioned topics over HTTP, and their streams over SSE.
//!
//! [`app`] is everything but the socket, so that it can be put into another axum program or driven
//! by a test; [`serve`] runs it until told to stop, and drains it. [`ServeArguments`],
//! [`BackupArguments`], [`DemoArguments`], [`PublishArguments`], [`ReplayArguments`],
//! [`RelayArguments`], [`RestoreArguments`] and [`TailArguments`] are the program's sub-commands.
#![forbid(unsafe_code)]

mod accept;
mod access;
mod admission;
mod app;
mod backup;
mod condition;
mod config;
mod cors;
mod deadline;
mod demo;
mod durable;
mod duration;
mod error;
mod eventstreams;
mod export;
mod extract;
mod fanout;
mod import;
mod items;
mod leave;
mod limits;
mod lines;
mod log;
mod metrics;
mod openapi;
mod place;
mod plain;
mod publish;
mod query;
mod relay;
mod replay;
mod serve;
mod stream;
mod tail;
mod topics;
mod transactions;

pub use access::{
    Access, BadGlob, BadSecret, Digest, Glob, Grant, Minted, NoAccess, Rules, Secret, Token,
};
pub use app::{App, Settings, app};
pub use backup::{BackupArguments, RestoreArguments};
pub use config::parse;
pub use cors::Cors;
pub use demo::DemoArguments;
pub use limits::Limits;
pub use publish::{PublishArguments, Unpublished};
pub use relay::RelayArguments;
pub use replay::ReplayArguments;
pub use serve::{Misuse, ServeArguments, serve};
pub use tail::TailArguments;
pub use topics::{Channel, Topics};
