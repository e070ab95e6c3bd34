//! What a subscriber asks for, and how it is answered.

use super::event::Subject;
use core::time::Duration;
use highwater_core::Position;
use std::sync::Arc;

/// A wish to hear of a subject.
#[derive(Clone, Debug)]
pub struct SubscribeRequest {
    pub(super) topic: Arc<str>,
    pub(super) subject: Subject,
    pub(super) token: Arc<str>,
    pub(super) start: Start,
}

/// Where a subscriber is.
#[derive(Clone, Debug)]
pub(super) enum Start {
    /// Nowhere: it gets everything.
    Nothing,
    /// At an index, of this life of the topic if it does not say which.
    At { epoch: Option<Arc<str>>, index: u64 },
    /// At a place that means nothing here.
    Elsewhere,
}

impl SubscribeRequest {
    /// From nothing, without a token.
    pub fn new(topic: &str, subject: Subject) -> Self {
        Self { topic: topic.into(), subject, token: "".into(), start: Start::Nothing }
    }

    /// Whose subscription it is: what [`Publication::Close`](crate::Publication::Close) names.
    #[must_use]
    pub fn token(self, secret: impl Into<Arc<str>>) -> Self {
        Self { token: secret.into(), ..self }
    }

    /// The subscriber has everything up to this index; 0 means that it has nothing.
    #[must_use]
    pub fn index(self, index: u64) -> Self {
        let start = if index == 0 { Start::Nothing } else { Start::At { epoch: None, index } };
        Self { start, ..self }
    }

    /// As [`index`](Self::index), of one life of the topic. An index of another is never taken
    /// for one of this.
    #[must_use]
    pub fn position(self, epoch: &str, index: u64) -> Self {
        Self { start: Start::At { epoch: Some(epoch.into()), index }, ..self }
    }

    /// The subscriber has everything up to this cursor. One that means nothing here is no error:
    /// it gets everything.
    #[must_use]
    pub fn cursor(self, cursor: &str) -> Self {
        match Position::parse(cursor) {
            Some(Position { epoch, index }) => self.position(epoch, index),
            None => Self { start: Start::Elsewhere, ..self },
        }
    }
}

/// How a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// From the beginning, with a snapshot.
    Full,
    /// From where it was: all that it missed is still there.
    Changes,
    /// From where it was: it missed nothing.
    UpToDate,
}

/// What a publisher keeps.
#[derive(Clone, Copy, Debug)]
pub struct PublisherOptions {
    /// How long a snapshot is handed out again; zero: never.
    pub snapshot_ttl: Duration,
    /// What is kept for subscribers that come back.
    pub tail: Tail,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self { snapshot_ttl: Duration::from_secs(10), tail: Tail::default() }
    }
}

/// How much of a topic's newest transactions is kept.
///
/// It is also how far behind a reader may be: one that falls behind the tail is cut over to a new
/// snapshot. The newest transaction is kept whatever its size.
///
/// Without a tail the rules are Consul's: a subscriber resumes only at exactly the newest index
/// of its subject, a slow reader holds on to all that it has not read, indexes may fall, and a
/// close takes effect before everything that was not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// How many transactions; 0 for no tail.
    pub transactions: usize,
    /// How many bytes of payload.
    pub bytes: usize,
}

impl Tail {
    /// No tail.
    pub const NONE: Self = Self { transactions: 0, bytes: 0 };

    pub(super) fn is_none(self) -> bool {
        self.transactions == 0
    }
}

impl Default for Tail {
    fn default() -> Self {
        Self { transactions: 4096, bytes: 16 << 20 }
    }
}
