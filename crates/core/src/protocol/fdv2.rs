//! Flag delivery v2: transactions framed by an intent and a transfer.
//!
//! Source: LaunchDarkly's FDv2 protocol handler; our own additions (`highwater`, `basis`) are
//! members that other clients pass over.

#[cfg(feature = "full")]
mod reader;

#[cfg(feature = "full")]
use alloc::boxed::Box;
#[cfg(feature = "full")]
use alloc::vec::Vec;
#[cfg(feature = "full")]
use core::str;

#[cfg(feature = "full")]
use super::Sink;
use super::promise;
#[cfg(feature = "full")]
use crate::bytes::utf8;
#[cfg(feature = "full")]
use crate::error::Error;
#[cfg(feature = "full")]
use crate::message::{Event, Message, Transfer};
use crate::same::same;

/// Where an FDv2 stream stands.
#[cfg(feature = "full")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No intent yet: objects mean nothing.
    Inactive,
    /// A whole state is being transferred.
    Full,
    /// Changes follow.
    Changes,
}

#[derive(Debug)]
pub(crate) struct Fdv2 {
    #[cfg(feature = "full")]
    mode: Mode,
    /// The kinds that put objects may have; empty: any.
    #[cfg(feature = "full")]
    kinds: Vec<Box<str>>,
    /// The server is our own, and keeps the promises that ours makes.
    promised: bool,
}

#[cfg(not(feature = "full"))]
impl Fdv2 {
    pub(crate) const fn new() -> Self {
        Self { promised: false }
    }

    /// Whether the server has made the promise.
    pub(crate) const fn promise(&mut self) -> &mut bool {
        &mut self.promised
    }

    pub(crate) const fn connected(&mut self) {
        self.promised = false;
    }

    #[inline]
    pub(crate) const fn promises_puts(&self) -> bool {
        self.promised
    }
}

#[cfg(feature = "full")]
impl Fdv2 {
    pub(crate) const fn new(kinds: Vec<Box<str>>) -> Self {
        Self { mode: Mode::Inactive, kinds, promised: false }
    }

    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    /// The connection goes on from where another reader of it stands, between two transfers.
    pub(crate) const fn joined(&mut self, promised: bool) {
        self.mode = Mode::Changes;
        self.promised = promised;
    }

    pub(crate) fn connected(&mut self) {
        self.mode = Mode::Inactive;
        self.promised = false;
    }

    /// Whether items are told at a glance.
    #[inline]
    pub(crate) const fn promises_puts(&self) -> bool {
        self.promised && !matches!(self.mode, Mode::Inactive) && self.kinds.is_empty()
    }

    /// Reads an event of our own server's; false, and nothing has happened, if it is not written
    /// exactly as promised.
    pub(crate) fn promised(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Result<bool, Error> {
        let data = event.data;
        let is = |kind: &str| same(event.kind.as_bytes(), kind.as_bytes());
        if is("server-intent") {
            return self.intended(data, sink);
        }
        if !self.promises_puts() {
            return Ok(false);
        }
        let message = if is("payload-transferred") {
            promise::transferred(data).map(|(state, version, basis)| {
                self.mode = Mode::Changes;
                let (cursor, version) = (Some(state), Some(version));
                Message::Commit { cursor, version, basis, ordered: true }
            })
        } else if is("delete-object") {
            let deleted = promise::deleted(data);
            deleted.and_then(|(kind, key, version)| {
                Some(Message::Delete { kind: utf8(kind)?, key: utf8(key)?, version })
            })
        } else if is("put-object") {
            promised_upsert(data)
        } else if !is("heart-beat") {
            None
        } else if is("goodbye") {
            // Only traces tell why.
            Some(Message::Goodbye { reason: "" })
        } else {
            Some(Message::Heartbeat)
        };
        message.map_or(Ok(false), |message| sink(message).map(|()| true))
    }

    fn intended(&mut self, data: &[u8], sink: Sink<'_>) -> Result<bool, Error> {
        let Some(intent) = promise::intent(data) else {
            return Ok(false);
        };
        let (full, none) = (intent.code == b"xfer-full", intent.code == b"none");
        if !full && !none && intent.code != b"xfer-changes" {
            return Ok(false);
        }
        self.mode = if full { Mode::Full } else { Mode::Changes };
        let means = [
            Message::HeartbeatEvery(intent.heartbeat.unsigned_abs()),
            Message::Target(intent.target.unsigned_abs()),
            Message::Resumed(!full),
            Message::Begin(if full { Transfer::Snapshot } else { Transfer::Changes }),
            Message::UpToDate,
        ];
        for message in means.iter().take(if none { 5 } else { 4 }) {
            sink(*message)?;
        }
        self.promised = true;
        Ok(true)
    }
}

impl Fdv2 {
    pub(crate) const fn is_promised(&self) -> bool {
        self.promised
    }

    /// The item that an event puts, if it is told at a glance. Only under the promise: a member after
    /// the value would be taken for a part of it.
    #[inline]
    pub(crate) fn promised_put<'a>(&self, kind: &[u8], data: &'a [u8]) -> Option<promise::Put<'a>> {
        if self.promises_puts() && same(kind, b"put-object") { promise::put(data) } else { None }
    }
}

#[cfg(feature = "full")]
fn promised_upsert(data: &[u8]) -> Option<Message<'_>> {
    let promise::Put { kind, key, version, value } = promise::put(data)?;
    let (kind, key) = (str::from_utf8(kind).ok()?, str::from_utf8(key).ok()?);
    Some(Message::Upsert { kind, key, version, value })
}

/// The types of event that there are.
#[cfg(feature = "full")]
pub(super) const EVENTS: &[&str] = &[
    "server-intent",
    "put-object",
    "delete-object",
    "payload-transferred",
    "error",
    "goodbye",
    "heart-beat",
];
