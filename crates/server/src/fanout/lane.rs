//! Those that read the same of a topic on the same terms, and have read all that there was.

use super::chunk;
use super::source::Source;
use crate::leave::Leave;
use bytes::Bytes;
use core::task::{Context, Waker};
use core::time::Duration;
use highwater_publisher::{Epoch, Options, Reader, SubscriptionError, Window};
use std::sync::Arc;
use tokio::time::Instant;

/// What tells lanes apart: the topic (by its address: a lane keeps it), its life, the kind, and
/// whose readers they are, since a token's readers are closed together.
pub(super) type Key = (usize, Epoch, Option<Arc<str>>, Arc<str>);

pub(super) fn key(source: &Arc<dyn Source>, reader: &Reader) -> Key {
    let (epoch, kind, token) = (reader.epoch(), reader.kind(), reader.token());
    (Arc::as_ptr(source).addr(), epoch.clone(), kind.cloned(), Arc::clone(token))
}

pub(super) struct Lane {
    pub(super) source: Arc<dyn Source>,
    /// What its members read, once for all of them.
    pub(super) reader: Reader,
    /// What not all members have been sent.
    pub(super) window: Window,
    pub(super) members: Vec<usize>,
    /// Nothing comes after what is in the window, and why.
    pub(super) ending: Option<Leave>,
    every: Duration,
    heartbeat: Bytes,
    /// When it has been quiet for so long that its members have to hear something.
    pub(super) due: Instant,
    /// The shard has it on its list.
    pub(super) queued: bool,
    waker: Waker,
    round: Round,
}

/// A visit to every member.
#[derive(Debug, Default)]
struct Round {
    at: usize,
    left: usize,
    /// The least ordinal that a member was found at.
    low: u64,
    /// Somebody was found who needs another visit.
    again: bool,
}

impl Lane {
    pub(super) fn new(source: Arc<dyn Source>, reader: Reader, waker: Waker) -> Self {
        let (every, heartbeat) = source.heartbeat();
        Self {
            source,
            every,
            heartbeat,
            reader,
            window: Window::default(),
            members: Vec::new(),
            ending: None,
            due: Instant::now() + every,
            queued: false,
            waker,
            round: Round::default(),
        }
    }

    /// Reads what there is, and has the lane's signal raised when there is more; says whether
    /// there was anything.
    pub(super) fn read(&mut self, kept: &Options) -> Result<bool, SubscriptionError> {
        let mut news = false;
        if self.ending.is_some() {
            return Ok(news);
        }
        loop {
            while let Some(frame) = self.reader.next_frame()? {
                news = true;
                self.push(&frame, kept);
            }
            let mut context = Context::from_waker(&self.waker);
            if self.reader.poll_ready(&mut context).is_pending() {
                return Ok(news);
            }
        }
    }

    /// Adds something for all members.
    fn push(&mut self, frame: &[u8], kept: &Options) {
        // One piece a frame: the window may let go of any, and nobody may miss half of a chunk.
        self.window.push(self.reader.index(), chunk::whole(frame));
        self.window.trim(kept.log_transactions, kept.log_bytes);
        self.due = Instant::now() + self.every;
    }

    /// Adds what is heard after silence.
    pub(super) fn beat(&mut self, kept: &Options) {
        self.push(&self.heartbeat.clone(), kept);
    }

    /// Nothing comes after this.
    pub(super) fn end(&mut self, why: Leave, kept: &Options) {
        self.ending = Some(why);
        if let Some(goodbye) = self.source.goodbye(why) {
            self.push(&goodbye, kept);
        }
        self.window.push(self.reader.index(), chunk::LAST);
    }

    /// Has every member visited from now on; says whether it is to be put on the shard's list.
    pub(super) fn has_news(&mut self) -> bool {
        self.begin_round();
        !core::mem::replace(&mut self.queued, true)
    }

    fn begin_round(&mut self) {
        let (at, left) = (self.round.at, self.members.len());
        self.round = Round { at, left, low: u64::MAX, again: false };
    }

    /// Whom to visit next.
    pub(super) fn next(&mut self) -> Option<usize> {
        if self.round.left == 0 && core::mem::take(&mut self.round.again) {
            self.begin_round();
        }
        if self.round.left == 0 {
            // Everyone was seen, and has only moved on since.
            self.window.forget(core::mem::replace(&mut self.round.low, 0));
            return None;
        }
        self.round.left -= 1;
        self.round.at = (self.round.at + 1) % self.members.len();
        Some(self.members[self.round.at])
    }

    /// Notes where a member was left.
    pub(super) fn saw(&mut self, next: u64, again: bool) {
        self.round.low = self.round.low.min(next);
        self.round.again |= again;
    }

    /// Takes a member out; returns the one that has its seat now.
    pub(super) fn remove(&mut self, seat: usize) -> Option<usize> {
        self.members.swap_remove(seat);
        if self.round.left > 0 {
            // The one that moved may not have been seen.
            self.begin_round();
        }
        self.members.get(seat).copied()
    }
}
