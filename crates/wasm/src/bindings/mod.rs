//! The boundary of wasm-bindgen: classes, and transports driven from Rust.
//!
//! This binds [`highwater_core`] and drives it with the platform's own transports: `fetch`
//! with a streaming body, and `EventSource`.
//!
//! The boundary is crossed as seldom as can be. Bytes go in, a chunk at a time; numbers come out,
//! and the places of values in memory, which JavaScript parses when somebody reads them. Faults
//! come out as parts (a code, words, a place, a number), and become sentences there.
//!
//! - [`Client`] keeps a stream up: it carries out what a [`Session`] asks for.
//! - [`Session`] is that session by itself, for transports and clocks of one's own.
//! - [`Materializer`], [`Protocol`], [`SseDecoder`], [`MessageReceiver`] and [`Backoff`] are the
//!   parts of which it is made.
//! - [`Reader`] reads the state of any of them.
//! - With the feature `typed`, `Store` is all of this for web applications in Rust.
mod backoff;
mod edge;
mod materializer;
mod protocol;
mod reader;
mod receiver;
mod report;
mod session;
mod sse;
#[cfg(feature = "typed")]
mod typed;
mod view;

pub use backoff::Backoff;
pub use edge::{Client, Link};
pub use materializer::Materializer;
pub use protocol::Protocol;
pub use reader::Reader;
pub use receiver::MessageReceiver;
pub use session::Session;
pub use sse::SseDecoder;
#[cfg(feature = "typed")]
pub use typed::{
    Action, Class, Error, Fault, HeadersContext, Inspection, ItemChange, NamedMaterializerOptions,
    NamedSessionOptions, Phase, SessionOptions, Status, Store, StoreOptions, Subscription,
    Transaction, Version,
};
