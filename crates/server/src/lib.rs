//! The `highwater` server: versioned topics over HTTP, and their streams over SSE.
//!
//! [`app`] is everything but the socket, so that it can be put into another axum program or driven
//! by a test; [`serve`] runs it until told to stop, and drains it. [`ServeArguments`],
//! [`DemoArguments`], [`ReplayArguments`] and [`TailArguments`] are the program's sub-commands.
#![forbid(unsafe_code)]

mod app;
mod condition;
mod cors;
mod demo;
mod duration;
mod error;
mod extract;
mod items;
mod query;
mod replay;
mod serve;
mod stream;
mod tail;
mod topics;
mod transactions;

pub use app::{App, Settings, app};
pub use cors::Cors;
pub use demo::DemoArguments;
pub use replay::ReplayArguments;
pub use serve::{Misuse, ServeArguments, serve};
pub use tail::TailArguments;
pub use topics::{Channel, Topics};
