//! Messages in, state out: what is collected, when it takes effect, and in which order.

use alloc::vec::Vec;

use super::state::{Brief, State};
use crate::bytes::{Text, known, owned};
use crate::error::Error;
use crate::item::Change;
use crate::materializer::{Commit, MaterializerOptions};
use crate::message::{Transfer, Version};
use crate::order::Order;
use crate::protocol::Put;

/// The part of a materializer behind its protocol, which is FDv2: the cursor decides.
pub(crate) struct Fold<V> {
    options: MaterializerOptions,
    state: State,
    view: V,
    cursor: Option<Vec<u8>>,
    transfer: Option<Transfer>,
    brief: Brief,
    changes: Vec<Change>,
    commits: Vec<Commit>,
}

impl<V> Fold<V> {
    pub(crate) fn new(view: V, options: MaterializerOptions) -> Self {
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

    /// A transfer begins.
    pub(crate) fn open(&mut self, transfer: Transfer) -> Result<(), Error> {
        self.drop_transfer();
        self.transfer = Some(transfer);
        if transfer == Transfer::Snapshot && !self.state.hide() {
            return Err(Error::unlike());
        }
        Ok(())
    }

    /// An item is deleted; `chunk`: what waits is in there. `None`, and nothing is done, if its name
    /// is no text.
    pub(crate) fn delete(
        &mut self,
        kind: &[u8],
        key: &[u8],
        version: Version,
        chunk: &[u8],
    ) -> Option<Result<(), Error>> {
        match self.transfer {
            None => {}
            Some(Transfer::Snapshot) => return Some(Err(Error::unlike())),
            Some(Transfer::Changes) => {
                let name = self.state.name_of(kind, key)?;
                self.brief.push(name, version, key, None, chunk);
            }
        }
        Some(Ok(()))
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

    pub(crate) fn cursor(&self) -> Option<&Text> {
        self.cursor.as_deref().map(known)
    }

    pub(crate) fn staged(&self) -> usize {
        self.state.collected() + self.brief.len()
    }

    pub(crate) fn in_snapshot(&self) -> bool {
        self.transfer == Some(Transfer::Snapshot)
    }

    /// Applies what was collected. False when it had all been applied before.
    pub(crate) fn commit(
        &mut self,
        cursor: Option<&Text>,
        basis: Option<&Text>,
        ordered: bool,
        chunk: &[u8],
    ) -> Result<bool, Error> {
        let Some(transfer) = self.transfer else {
            return Ok(false);
        };
        // Changes may follow without another beginning.
        self.transfer = Some(Transfer::Changes);
        match Order::of(self.cursor(), transfer, cursor, basis, ordered) {
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
            last.extend_from_slice(cursor.as_ref());
        }
        self.commits.push(Commit { snapshot, removes, end: self.changes.len() });
        Ok(true)
    }
}

/// A list of more changes than this, as a snapshot makes, is not kept for the next.
const KEPT: usize = 4096;
