//! The `highwater` server: versioned topics over HTTP, and their streams over SSE.
//!
//! [`app`] is everything but the socket, so that it can be put into another axum program or driven
//! by a test; [`serve`] runs it until told to stop, and drains it. [`ServeArguments`],
//! [`DemoArguments`], [`ReplayArguments`] and [`TailArguments`] are the program's sub-commands.
#![forbid(unsafe_code)]

mod access;
mod admission;
mod app;
mod condition;
mod config;
mod cors;
mod deadline;
mod demo;
mod duration;
mod error;
mod export;
mod extract;
mod import;
mod items;
mod leave;
mod limits;
mod lines;
mod log;
mod metrics;
mod openapi;
mod query;
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
pub use config::parse;
pub use cors::Cors;
pub use demo::DemoArguments;
pub use limits::Limits;
pub use replay::ReplayArguments;
pub use serve::{Misuse, ServeArguments, serve};
pub use tail::TailArguments;
pub use topics::{Channel, Topics};
