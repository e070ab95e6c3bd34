//! A record of what every event did, for whoever looks over the stream's shoulder.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::Error;
use crate::item::{Noop, Outcome};
use crate::message::{Event, Message, Transfer, Version};
use crate::receiver::Action;
use crate::state::State;
use crate::time::Instant;

/// One event of the wire, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// When it was read.
    pub at: Instant,
    /// Its type.
    pub kind: Box<str>,
    /// The last event id at the time.
    pub id: Box<str>,
    /// How many bytes of data it carried.
    pub bytes: usize,
    /// The data.
    pub data: Box<[u8]>,
    /// What it did, in order.
    pub steps: Vec<Step>,
}

/// One thing that an event did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// It began a transfer.
    Begin(Transfer),
    /// It added to the transfer an item that is there (or, with `delete`, one that is gone).
    Staged {
        /// The item's kind.
        kind: Box<str>,
        /// The item's key.
        key: Box<str>,
        /// The version that it carried.
        version: Version,
        /// Whether the item is gone.
        delete: bool,
    },
    /// As part of the transfer that it ended, it did this to an item.
    Changed {
        /// The item's kind.
        kind: Box<str>,
        /// The item's key.
        key: Box<str>,
        /// The version that the message carried.
        version: Version,
        /// Whether the message said that the item is gone.
        delete: bool,
        /// What happened.
        action: Action,
        /// Why nothing happened, when nothing did.
        noop: Option<Noop>,
    },
    /// It ended a transfer, which led to this cursor.
    Commit(Option<Box<str>>),
    /// It ended a transfer that had been applied before: nothing happened.
    Seen,
    /// It said that the state is up to date.
    UpToDate,
    /// It said whether the stream goes on from where it was left.
    Resumed(bool),
    /// It asked for the state to be fetched.
    Invalidate,
    /// It asked for a new connection.
    Reconnect,
    /// It announced the connection's end.
    Goodbye(Box<str>),
    /// It was a sign of life.
    Heartbeat,
    /// It had no effect, for this reason.
    Ignored(&'static str),
    /// It was at fault.
    Fault(Error),
}

/// How many events are kept for a reader that does not come, and how much of their data.
const KEPT: usize = 10_000;
const KEPT_BYTES: usize = 64 << 20;

/// How many steps of one event are kept: a snapshot may have very many.
const STEPS: usize = 200;

/// What became of messages, kept while somebody wants to know.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    #[cfg(feature = "full")]
    kept: Option<Vec<Outcome>>,
}

#[cfg_attr(not(feature = "full"), expect(clippy::unused_self, reason = "nothing is kept"))]
impl Outcomes {
    pub(crate) fn keep(&mut self, on: bool) {
        let _ = on;
        #[cfg(feature = "full")]
        {
            self.kept = on.then(Vec::new);
        }
    }

    /// Keeps what came last, of what is made by `outcome`.
    pub(crate) fn note(&mut self, outcome: impl FnOnce() -> Outcome) {
        let _ = &outcome;
        #[cfg(feature = "full")]
        if let Some(kept) = &mut self.kept {
            kept.push(outcome());
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Outcome> {
        #[cfg(feature = "full")]
        if let Some(kept) = &mut self.kept {
            return core::mem::take(kept);
        }
        Vec::new()
    }
}

#[derive(Debug, Default)]
#[cfg(feature = "full")]
pub(crate) struct Trace {
    events: Vec<Traced>,
    /// How many bytes of data they hold.
    held: usize,
}

/// What stands for it where it is left out: there is none, and what would ask it asks nobody.
#[derive(Debug)]
#[cfg(not(feature = "full"))]
pub(crate) enum Trace {}

#[cfg(not(feature = "full"))]
impl Trace {
    pub(crate) const fn begun(_: bool) -> Option<Self> {
        None
    }

    pub(crate) const fn take(&mut self) -> Vec<Traced> {
        match *self {}
    }

    pub(crate) const fn event(&mut self, _: Instant, _: &Event<'_>) {
        match *self {}
    }

    pub(crate) const fn message(&mut self, _: &Message<'_>) {
        match *self {}
    }

    pub(crate) const fn outcomes(&mut self, _: &[Outcome], _: &State) {
        match *self {}
    }

    pub(crate) fn step(&mut self, _: Step) {
        match *self {}
    }
}

#[cfg(feature = "full")]
impl Trace {
    pub(crate) fn begun(on: bool) -> Option<Self> {
        on.then(Self::default)
    }

    pub(crate) fn take(&mut self) -> Vec<Traced> {
        self.held = 0;
        core::mem::take(&mut self.events)
    }

    pub(crate) fn event(&mut self, at: Instant, event: &Event<'_>) {
        if self.events.len() >= KEPT || self.held > KEPT_BYTES {
            let gone = self.events.drain(..self.events.len().div_ceil(2));
            self.held -= gone.map(|event| event.bytes).sum::<usize>();
        }
        self.held += event.data.len();
        self.events.push(Traced {
            at,
            kind: event.kind.into(),
            id: event.id.into(),
            bytes: event.data.len(),
            data: event.data.into(),
            steps: Vec::new(),
        });
    }

    pub(crate) fn message(&mut self, message: &Message<'_>) {
        let staged = |kind: &str, key: &str, version, delete| Step::Staged {
            kind: kind.into(),
            key: key.into(),
            version,
            delete,
        };
        self.step(match *message {
            Message::Begin(transfer) => Step::Begin(transfer),
            Message::Upsert { kind, key, version, .. } => staged(kind, key, version, false),
            Message::Delete { kind, key, version } => staged(kind, key, version, true),
            Message::UpToDate => Step::UpToDate,
            Message::Resumed(resumed) => Step::Resumed(resumed),
            Message::Failed { reason, .. } => Step::Fault(Error::Server { reason: reason.into() }),
            Message::Invalidate => Step::Invalidate,
            Message::Reconnect => Step::Reconnect,
            Message::Goodbye { reason } => Step::Goodbye(reason.into()),
            Message::Heartbeat => Step::Heartbeat,
            Message::Ignored(why) => Step::Ignored(why),
            Message::Commit { cursor, .. } => Step::Commit(cursor.map(Into::into)),
            Message::Keep { .. }
            | Message::Listed { .. }
            | Message::HeartbeatEvery(_)
            | Message::Target(_) => return,
        });
    }

    pub(crate) fn outcomes(&mut self, outcomes: &[Outcome], state: &State) {
        for change in outcomes {
            let (kind, key) = state.name(change.slot).unwrap_or_default();
            self.step(Step::Changed {
                kind: kind.into(),
                key: key.into(),
                version: change.version,
                delete: change.delete,
                action: change.action,
                noop: change.noop,
            });
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        if let Some(event) = self.events.last_mut()
            && event.steps.len() < STEPS
        {
            event.steps.push(step);
        }
    }
}
