//! A topic's transactions, and a feed's frames, as the event publisher carries them.

use crate::events::{Event, Payload, Subject};
use crate::frame;
use crate::id::Epoch;
use bytes::Bytes;
use core::ops::Range;
use std::sync::{Arc, OnceLock};

/// What goes to the readers of a topic or a feed: encoded once for all of them.
#[derive(Debug)]
pub(crate) enum Part {
    /// What one transaction did to one kind.
    Changes(Changes),
    /// All that there is, with its end.
    Snapshot(Bytes),
    /// A feed's.
    Frame { channel: Arc<str>, frame: Bytes },
}

#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) kind: Arc<str>,
    pub(crate) whole: Arc<Whole>,
    /// Its events: a transaction's events are grouped by kind, so they stand together.
    pub(crate) events: Range<usize>,
    /// The transaction before this one that had the kind.
    pub(crate) previous: u64,
    /// The frame for readers of the kind, encoded for the first of them.
    pub(crate) frame: OnceLock<Bytes>,
}

/// One transaction as it goes on the wire.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) epoch: Epoch,
    pub(crate) index: u64,
    pub(crate) frame: Bytes,
    /// Where its events end.
    pub(crate) end: usize,
}

impl Part {
    /// The bytes for a reader of the parts' kind, or for one who reads the whole topic.
    pub(crate) fn frame(&self, kind: bool) -> Bytes {
        match self {
            Self::Snapshot(frame) | Self::Frame { frame, .. } => frame.clone(),
            Self::Changes(changes) if kind => {
                changes.frame.get_or_init(|| changes.encode()).clone()
            }
            Self::Changes(changes) => changes.whole.frame.clone(),
        }
    }

    pub(crate) fn at(self, index: u64) -> Event<Self> {
        Event { index, payload: self }
    }
}

impl Changes {
    fn encode(&self) -> Bytes {
        let Whole { epoch, index, frame, .. } = &*self.whole;
        let mut out = frame[self.events.clone()].to_vec();
        frame::transferred(&mut out, epoch.as_str(), *index, Some(self.previous));
        out.into()
    }
}

impl Payload for Part {
    type Authorizer = ();

    fn subject(&self) -> Subject {
        match self {
            Self::Changes(changes) => Subject::Named(Arc::clone(&changes.kind)),
            Self::Snapshot(_) => Subject::Whole,
            Self::Frame { channel, .. } => Subject::Named(Arc::clone(channel)),
        }
    }

    fn readable_by(&self, (): &()) -> bool {
        true
    }

    fn bytes(&self) -> usize {
        match self {
            // The whole frame counts once: all of it but the other kinds' events with the first.
            Self::Changes(Changes { events, whole, .. }) if events.start == 0 => {
                events.len() + (whole.frame.len() - whole.end)
            }
            Self::Changes(changes) => changes.events.len(),
            Self::Snapshot(frame) | Self::Frame { frame, .. } => frame.len(),
        }
    }
}
