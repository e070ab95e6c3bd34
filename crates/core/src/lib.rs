//! Stream in, state out: the core of the Highwater client materializer.
//!
//! A versioned event stream may repeat, reorder, stall, drop and reconnect. This crate takes such
//! a stream and keeps the state object that it describes: every item at its newest version,
//! deletions remembered, a snapshot there as a whole or not at all.
//!
//! It does no I/O, reads no clock and calls nobody back: bytes and time come in as arguments,
//! changes and [`Effect`]s come out as values. From the outside in:
//!
//! - [`Session`] drives one stream: when to connect, with what to resume, when to give up.
//! - [`Materializer`] takes in bytes or events and keeps a [`State`] and a [`View`].
//! - [`Protocol`] turns the events of one wire format into [`Message`]s.
//! - [`LiveQuery`] lists the items that a [`Query`] asks for, and follows the state.
//! - [`SseDecoder`] turns bytes into events, [`MessageReceiver`] is the rule of versions alone;
//!   both are of use by themselves.
//!
//! ```
//! use highwater_core::{Instant, Materializer, Protocol};
//! let mut flags = Materializer::new(Protocol::relay());
//! flags.push(
//!     Instant::default(),
//!     b"event: put\ndata: {\"data\":{\"flags\":{\"dark\":{\"version\":3,\"on\":true}}}}\n\n",
//! )?;
//! assert_eq!(flags.state().get("flags", "dark").unwrap().version, 3);
//! # Ok::<(), highwater_core::Error>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "full"),
    allow(
        dead_code,
        unused_imports,
        reason = "what is only needed with everything is not marked one by one"
    )
)]
#![cfg_attr(
    test,
    allow(clippy::duplicate_mod, reason = "the lean state and the full one have parts in common")
)]

extern crate alloc;

mod arena;
mod backoff;
mod bytes;
#[cfg(feature = "full")]
mod checkpoint;
mod cursor;
mod error;
#[cfg(feature = "full")]
mod fold;
mod frame;
#[cfg(feature = "full")]
mod framing;
mod index;
mod item;
mod json;
#[cfg(any(test, not(feature = "full")))]
#[cfg_attr(feature = "full", allow(unreachable_pub, dead_code, reason = "here it is only tested"))]
mod lean;
mod materializer;
mod message;
mod names;
mod order;
mod pages;
#[cfg(any(test, not(feature = "full")))]
mod plain;
mod protocol;
#[cfg(feature = "full")]
mod query;
mod receiver;
mod same;
mod session;
mod sse;
#[cfg(feature = "full")]
mod state;
mod time;
mod trace;
mod view;

pub use backoff::{Backoff, Forgive, Jitter, Profile};
pub use bytes::{Text, known, raw};
pub use cursor::Position;
pub use error::{Class, Code, Error};
pub use item::{Change, Gate, Item, Noop, Tombstones};
pub use json::JsonError;
#[cfg(not(feature = "full"))]
use lean::state;
pub use materializer::{Commit, Judge, Materializer, MaterializerOptions, Refill, Signals};
pub use message::{Event, Message, Transfer, Version};
pub use names::Slot;
#[cfg(feature = "full")]
pub use protocol::JsonSpec;
#[cfg(feature = "full")]
pub use protocol::Mode;
pub use protocol::{Protocol, Sink};
#[cfg(feature = "full")]
pub use query::{Edits, Group, Insertion, LiveQuery, Query};
#[cfg(feature = "full")]
pub use receiver::MessageReceiver;
pub use receiver::{Action, Known};
pub use session::{ConnectionId, Effect, Failure, Input, Phase, Request, Session, SessionOptions};
#[cfg(feature = "full")]
pub use session::{Standing, Status};
pub use sse::{SseDecoder, SseEvent, SseItem};
pub use state::State;
pub use time::{Duration, Instant};
pub use trace::{Step, Traced};
pub use view::View;

/// Whether everything is there (see the feature `full`): what follows `FULL &&` is not compiled
/// into the lean module.
pub(crate) const FULL: bool = cfg!(feature = "full");
