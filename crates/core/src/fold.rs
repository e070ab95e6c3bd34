//! Messages in, state out: what is collected, when it takes effect, and in which order.

use alloc::string::String;
use alloc::vec::Vec;

use crate::bytes::owned;
use crate::error::Error;
use crate::item::{Change, Gate, Item};
use crate::json;
use crate::materializer::{Commit, Judge, MaterializerOptions, Refill, Signals};
use crate::message::{Event, Message, Transfer};
use crate::order::Order;
use crate::protocol::Put;
use crate::receiver::Action;
use crate::state::{Brief, State};
use crate::time::Instant;
use crate::trace::{Step, Trace, Traced};
use crate::view::View;

/// The part of a materializer behind its protocol.
pub(crate) struct Fold<V> {
    gate: Gate,
    options: MaterializerOptions,
    state: State,
    view: V,
    /// The view was reset while the state was kept: it is owed everything.
    view_owed: bool,
    cursor: Option<String>,
    transfer: Option<Transfer>,
    /// A transaction as far as it has come. As long as it is brief, nothing of it is collected.
    brief: Brief,
    changes: Vec<Change>,
    commits: Vec<Commit>,
    trace: Option<Trace>,
}

impl<V: View> Fold<V> {
    pub(crate) fn new(gate: Gate, view: V, options: MaterializerOptions) -> Self {
        let mut state = State::new(options.tombstones);
        state.keep_outcomes(options.trace);
        Self {
            gate,
            options,
            state,
            view,
            view_owed: false,
            cursor: None,
            transfer: None,
            brief: Brief::default(),
            changes: Vec::new(),
            commits: Vec::new(),
            trace: Trace::begun(options.trace),
        }
    }

    pub(crate) fn begin(&mut self) {
        self.changes.clear();
        if self.changes.capacity() > KEPT {
            self.changes = Vec::new();
        }
        self.commits.clear();
        self.state.tend();
    }

    /// An event is about to be decoded.
    pub(crate) fn event(&mut self, now: Instant, event: &Event<'_>) {
        if let Some(trace) = &mut self.trace {
            trace.event(now, event);
        }
    }

    /// The event was at fault: nothing of its transfer is to take effect.
    pub(crate) fn fault(&mut self, error: &Error) {
        self.drop_transfer();
        if let Some(trace) = &mut self.trace {
            trace.step(Step::Fault(error.clone()));
        }
    }

    /// Takes in an item that was told at a glance. False, and nothing is done, unless all that
    /// there is to do is to collect it.
    ///
    /// Most transactions begin and end within a chunk: their values stay where they are until that
    /// end, and are copied once, to where they belong; or not at all, if they were seen before.
    #[inline]
    pub(crate) fn promised_put(&mut self, put: &Put<'_>, chunk: &[u8]) -> bool {
        let plain = self.trace.is_none() && self.options.judge == Judge::WhenRead;
        if !plain || self.transfer.is_none() || put.value.len() > u32::MAX as usize {
            return false;
        }
        let Some(name) = self.state.name_of(put.kind, put.key) else {
            return false;
        };
        if self.is_brief() && Brief::takes(put.value.len()) {
            self.brief.push(name, put.version, put.key, Some(put.value), chunk);
            return true;
        }
        self.collect_brief(chunk);
        let gated = self.is_gated();
        let slot = self.state.slot_of(name, put.key);
        self.state.upsert(slot, put.version, put.value, gated);
        true
    }

    /// A chunk is at its end: what waits in it is moved, or collected if that is much.
    #[expect(clippy::unnecessary_wraps, reason = "in the lean module it may be too much")]
    pub(crate) fn leave(&mut self, chunk: &[u8]) -> Result<(), Error> {
        if !self.brief.leave(chunk) {
            self.collect_brief(chunk);
        }
        Ok(())
    }

    /// Collects what waits.
    fn collect_brief(&mut self, chunk: &[u8]) {
        self.state.collect(&mut self.brief, chunk);
    }

    /// Takes in a message; `chunk`: what waits is in there.
    pub(crate) fn message(
        &mut self,
        now: Instant,
        message: Message<'_>,
        chunk: &[u8],
        signals: &mut Signals,
    ) -> Result<(), Error> {
        if !matches!(message, Message::Commit { .. } | Message::Delete { .. }) {
            self.collect_brief(chunk);
        }
        if let Some(trace) = &mut self.trace {
            trace.message(&message);
        }
        match message {
            Message::Begin(transfer) => self.begin_transfer(transfer),
            Message::Upsert { .. }
            | Message::Delete { .. }
            | Message::Keep { .. }
            | Message::Listed { .. }
                if self.transfer.is_none() => {}
            Message::Upsert { kind, key, version, value } => {
                self.upsert(kind, key, version, value, signals)?;
            }
            Message::Delete { kind, key, version } => {
                if self.is_brief()
                    && let Some(name) = self.state.name_of(kind.as_bytes(), key.as_bytes())
                {
                    self.brief.push(name, version, key.as_bytes(), None, chunk);
                    return Ok(());
                }
                let slot = self.state.slot(kind, key);
                if self.gate.is_cursor() {
                    self.state.forget(slot, version);
                } else {
                    self.state.delete(slot, version, self.is_gated());
                }
            }
            Message::Keep { kind, key } => {
                let slot = self.state.slot(kind, key);
                self.state.keep(slot, None);
            }
            Message::Listed { kind } => {
                let part = self.state.part(kind);
                self.state.sweep(Some(part));
            }
            Message::Commit { cursor, basis, ordered, .. } => {
                signals.committed |= self.commit(now, cursor, basis, ordered, chunk)?;
            }
            Message::UpToDate => signals.up_to_date = true,
            Message::Resumed(resumed) => signals.resumed = Some(resumed),
            Message::HeartbeatEvery(millis) => signals.heartbeat_every = Some(millis),
            Message::Target(target) => signals.target = Some(target),
            Message::Failed { reason, .. } => {
                // What was collected goes; the kind of transfer stays, by the protocol.
                self.abandon();
                signals.fault = Some(Error::Server { reason: reason.into() });
            }
            Message::Invalidate => signals.invalidated = true,
            Message::Reconnect => signals.reconnect = true,
            Message::Goodbye { reason } => {
                self.drop_transfer();
                signals.goodbye = Some(owned(reason));
            }
            _ => {}
        }
        Ok(())
    }

    /// Changes follow, to the state as it is.
    pub(crate) fn joined(&mut self) {
        self.begin_transfer(Transfer::Changes);
    }

    pub(crate) fn reset(&mut self) {
        self.drop_transfer();
        self.cursor = None;
        self.view.reset();
        self.view_owed = true;
        if self.empties_first() {
            self.empty();
        }
    }

    pub(crate) fn restore<'i>(
        &mut self,
        cursor: Option<&str>,
        items: impl Iterator<Item = Item<'i>>,
    ) {
        self.begin_transfer(Transfer::Snapshot);
        for item in items {
            let slot = self.state.slot(item.kind, item.key);
            self.state.upsert(slot, item.version, item.value, self.is_gated());
        }
        // The first commit of an empty view cannot be refused for what it builds on.
        drop(self.commit(Instant::default(), cursor, None, false, &[]));
        self.transfer = None;
    }

    pub(crate) fn drop_transfer(&mut self) {
        self.transfer = None;
        self.abandon();
    }

    /// Drops what was collected, and what waits to be.
    fn abandon(&mut self) {
        self.brief.clear();
        self.state.abandon();
    }

    pub(crate) const fn options(&self) -> &MaterializerOptions {
        &self.options
    }

    pub(crate) const fn state_mut(&mut self) -> &mut State {
        &mut self.state
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

    pub(crate) fn set_tracing(&mut self, on: bool) {
        self.collect_brief(&[]);
        self.trace = Trace::begun(on);
        self.state.keep_outcomes(on);
    }

    pub(crate) fn take_trace(&mut self) -> Vec<Traced> {
        self.trace.as_mut().map(Trace::take).unwrap_or_default()
    }

    fn begin_transfer(&mut self, transfer: Transfer) {
        self.drop_transfer();
        self.transfer = Some(transfer);
        self.state.begin(transfer);
        if self.empties_first() && transfer == Transfer::Snapshot && self.cursor.is_some() {
            self.cursor = None;
            self.view.reset();
            let removes = self.state.clear(&mut self.changes);
            self.commits.push(Commit { snapshot: true, removes, end: self.changes.len() });
        }
    }

    fn upsert(
        &mut self,
        kind: &str,
        key: &str,
        version: i64,
        value: &[u8],
        signals: &mut Signals,
    ) -> Result<(), Error> {
        if u32::try_from(value.len()).is_err() {
            return Err(Error::TooLarge { limit: u32::MAX as usize, at: 0 });
        }
        let slot = self.state.slot(kind, key);
        if let Err(error) = self.judge(kind, key, value) {
            self.state.keep(slot, Some(version));
            signals.fault = Some(error);
            return Ok(());
        }
        self.state.upsert(slot, version, value, self.is_gated());
        Ok(())
    }

    /// Whether the transaction at hand is brief as yet: of changes that are all to be taken in.
    fn is_brief(&self) -> bool {
        self.transfer == Some(Transfer::Changes)
            && self.gate.is_cursor()
            && self.trace.is_none()
            && self.state.collected() == 0
    }

    /// Whether versions decide in the transfer at hand.
    fn is_gated(&self) -> bool {
        self.transfer.is_some_and(|transfer| self.gate.holds(transfer))
    }

    fn empties_first(&self) -> bool {
        self.options.refill == Refill::EmptyFirst
    }

    fn empty(&mut self) {
        let removes = self.state.clear(&mut self.changes);
        self.view_owed = false;
        self.commits.push(Commit { snapshot: true, removes, end: self.changes.len() });
    }

    /// Applies what was collected. False when it had all been applied before.
    fn commit(
        &mut self,
        now: Instant,
        cursor: Option<&str>,
        basis: Option<&str>,
        ordered: bool,
        chunk: &[u8],
    ) -> Result<bool, Error> {
        let Some(transfer) = self.transfer else {
            return Ok(false);
        };
        // Changes may follow without another beginning (FDv2).
        self.transfer = Some(Transfer::Changes);
        match Order::of(self.cursor.as_deref(), transfer, cursor, basis, ordered) {
            Order::Next => {}
            Order::Seen => {
                self.abandon();
                if let Some(trace) = &mut self.trace {
                    trace.step(Step::Seen);
                }
                return Ok(false);
            }
            Order::Gap => {
                let basis = owned(basis.unwrap_or_default());
                return Err(Error::Gap { basis });
            }
        }
        // An emptied state is filled; there is nothing to compare a snapshot with.
        let applied = if self.empties_first() && self.gate == Gate::Cursor {
            Transfer::Changes
        } else {
            transfer
        };
        let before = self.changes.len();
        if applied == Transfer::Snapshot {
            self.state.sweep(None);
        }
        if let Some(trace) = &mut self.trace {
            trace.outcomes(&self.state.take_outcomes(), &self.state);
        }
        let removes = if self.brief.is_empty() {
            self.state.commit(now, &mut self.changes)
        } else {
            self.state.apply(&mut self.brief, chunk, &mut self.changes)
        };
        self.state.begin(Transfer::Changes);
        self.set_cursor(cursor);
        let snapshot = transfer == Transfer::Snapshot;
        self.commits.push(Commit { snapshot, removes, end: self.changes.len() });
        self.tell_view(before, snapshot)?;
        Ok(true)
    }

    /// Takes up a cursor, in the place of the last one: most differ in a digit.
    fn set_cursor(&mut self, cursor: Option<&str>) {
        let Some(cursor) = cursor else {
            self.cursor = None;
            return;
        };
        let last = self.cursor.get_or_insert_default();
        last.clear();
        last.push_str(cursor);
    }

    fn tell_view(&mut self, before: usize, snapshot: bool) -> Result<(), Error> {
        self.view.begins(snapshot);
        self.view.moves_to(self.cursor.as_deref());
        let told = if core::mem::take(&mut self.view_owed) {
            let all: Vec<Change> = self
                .state
                .iter()
                .map(|(slot, item)| Change { slot, action: Action::Insert, version: item.version })
                .collect();
            self.view.update(&all, &self.state)
        } else {
            self.view.update(self.changes.get(before..).unwrap_or_default(), &self.state)
        };
        told.map_err(|what| Error::View { what })
    }

    fn judge(&self, kind: &str, key: &str, value: &[u8]) -> Result<(), Error> {
        if self.options.judge == Judge::WhenRead {
            return Ok(());
        }
        json::check(value).map_err(|cause| Error::Value {
            kind: kind.into(),
            key: key.into(),
            cause,
        })
    }
}

/// A list of more changes than this, as a snapshot makes, is not kept for the next.
const KEPT: usize = 4096;
