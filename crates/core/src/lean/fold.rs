//! Messages in, state out: what is collected, when it takes effect, and in which order.

use alloc::string::String;
use alloc::vec::Vec;

use super::state::{Brief, State};
use crate::bytes::owned;
use crate::error::Error;
use crate::item::{Change, Gate};
use crate::materializer::{Commit, MaterializerOptions, Signals};
use crate::message::{Event, Message, Transfer};
use crate::order::Order;
use crate::protocol::Put;
use crate::time::Instant;

/// The part of a materializer behind its protocol, which is FDv2: the cursor decides.
pub(crate) struct Fold<V> {
    options: MaterializerOptions,
    state: State,
    view: V,
    cursor: Option<String>,
    transfer: Option<Transfer>,
    brief: Brief,
    changes: Vec<Change>,
    commits: Vec<Commit>,
}

impl<V> Fold<V> {
    pub(crate) fn new(_: Gate, view: V, options: MaterializerOptions) -> Self {
        Self {
            options,
            state: State::default(),
            view,
            cursor: None,
            transfer: None,
            brief: Brief::default(),
            changes: Vec::new(),
            commits: Vec::new(),
        }
    }

    pub(crate) fn begin(&mut self) {
        // Those of a snapshot that is on its way are told at its end.
        if self.state.collected() == 0 {
            if self.changes.capacity() > KEPT {
                self.changes = Vec::new();
            }
            self.changes.clear();
        }
        self.commits.clear();
        self.state.tend();
    }

    /// An event is about to be decoded.
    #[expect(clippy::unused_self, reason = "nobody traces here")]
    pub(crate) const fn event(&self, _: Instant, _: &Event<'_>) {}

    /// The event was at fault: nothing of its transfer is to take effect.
    pub(crate) fn fault(&mut self, _: &Error) {
        self.drop_transfer();
    }

    /// Takes in an item that was told at a glance. False, and nothing is done, if that cannot be.
    #[inline]
    pub(crate) fn promised_put(&mut self, put: &Put<'_>, chunk: &[u8]) -> bool {
        let Some(transfer) = self.transfer else {
            return false;
        };
        let Some(name) = self.state.name_of(put.kind, put.key) else {
            return false;
        };
        if transfer == Transfer::Changes {
            let takes = Brief::takes(put.value.len());
            if takes {
                self.brief.push(name, put.version, put.key, Some(put.value), chunk);
            }
            return takes;
        }
        let slot = self.state.slot_of(name, put.key);
        if let Some(action) = self.state.replace(slot, put.version, Some(put.value)) {
            self.changes.push(Change { slot, action, version: put.version });
        }
        true
    }

    /// A chunk is at its end: what waits in it is moved, unless that is too much.
    pub(crate) fn leave(&mut self, chunk: &[u8]) -> Result<(), Error> {
        if self.brief.leave(chunk) { Ok(()) } else { Err(Error::unlike()) }
    }

    /// Takes in a message; `chunk`: what waits is in there.
    pub(crate) fn message(
        &mut self,
        _: Instant,
        message: Message<'_>,
        chunk: &[u8],
        signals: &mut Signals,
    ) -> Result<(), Error> {
        match message {
            Message::Begin(transfer) => {
                self.drop_transfer();
                self.transfer = Some(transfer);
                if transfer == Transfer::Snapshot && !self.state.hide() {
                    return Err(Error::unlike());
                }
            }
            Message::Delete { kind, key, version } => match self.transfer {
                None => {}
                Some(Transfer::Snapshot) => return Err(Error::unlike()),
                Some(Transfer::Changes) => {
                    let key = key.as_bytes();
                    if let Some(name) = self.state.name_of(kind.as_bytes(), key) {
                        self.brief.push(name, version, key, None, chunk);
                    }
                }
            },
            Message::Commit { cursor, basis, ordered, .. } => {
                signals.committed |= self.commit(cursor, basis, ordered, chunk)?;
            }
            Message::UpToDate => signals.up_to_date = true,
            Message::Resumed(resumed) => signals.resumed = Some(resumed),
            Message::HeartbeatEvery(millis) => signals.heartbeat_every = Some(millis),
            Message::Target(target) => signals.target = Some(target),
            Message::Goodbye { reason } => {
                self.drop_transfer();
                signals.goodbye = Some(owned(reason));
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn reset(&mut self) {
        self.drop_transfer();
        self.cursor = None;
    }

    pub(crate) fn drop_transfer(&mut self) {
        self.transfer = None;
        self.abandon();
    }

    /// Drops what was collected.
    fn abandon(&mut self) {
        self.brief.clear();
        if self.state.collected() > 0 {
            self.changes.clear();
        }
        self.state.abandon();
    }

    pub(crate) const fn options(&self) -> &MaterializerOptions {
        &self.options
    }

    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    pub(crate) const fn view(&self) -> &V {
        &self.view
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub(crate) fn commits(&self) -> &[Commit] {
        &self.commits
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    pub(crate) fn staged(&self) -> usize {
        self.state.collected() + self.brief.len()
    }

    pub(crate) fn in_snapshot(&self) -> bool {
        self.transfer == Some(Transfer::Snapshot)
    }

    /// Applies what was collected. False when it had all been applied before.
    fn commit(
        &mut self,
        cursor: Option<&str>,
        basis: Option<&str>,
        ordered: bool,
        chunk: &[u8],
    ) -> Result<bool, Error> {
        let Some(transfer) = self.transfer else {
            return Ok(false);
        };
        // Changes may follow without another beginning.
        self.transfer = Some(Transfer::Changes);
        match Order::of(self.cursor.as_deref(), transfer, cursor, basis, ordered) {
            Order::Next => {}
            Order::Seen => {
                self.abandon();
                return Ok(false);
            }
            Order::Gap => {
                return Err(Error::Gap { basis: owned(basis.unwrap_or_default()) });
            }
        }
        let snapshot = transfer == Transfer::Snapshot;
        let removes = if snapshot {
            self.state.show();
            false
        } else {
            self.state.apply(&mut self.brief, chunk, &mut self.changes)
        };
        if let Some(cursor) = cursor {
            let last = self.cursor.get_or_insert_default();
            last.clear();
            last.push_str(cursor);
        }
        self.commits.push(Commit { snapshot, removes, end: self.changes.len() });
        Ok(true)
    }
}

/// A list of more changes than this, as a snapshot makes, is not kept for the next.
const KEPT: usize = 4096;
