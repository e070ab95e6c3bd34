//! What became different in a list.

use alloc::vec::Vec;
use core::ops::Range;

use super::tree::{NIL, Tree};
use crate::Slot;

/// How a list of rows became another.
///
/// Apply it in this order: take out what is at [`removed`](Self::removed), put in what is at
/// [`inserted`](Self::inserted), then look at [`updated`](Self::updated) anew.
/// [`apply`](Self::apply) does that to a list of slots. All other rows are the same, and in the same
/// order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Positions in the list as it was, ascending. Rows that move are taken out too.
    pub removed: Vec<u32>,
    /// Rows that came, at positions in the list as it is, ascending.
    pub inserted: Vec<Insertion>,
    /// Positions in the list as it is, in no order: rows whose values are others, in their places.
    pub updated: Vec<u32>,
    /// Rows came, went or moved, within the window or outside: counts and groups may be others.
    pub recounted: bool,
}

/// A row that came to a list, or moved in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// Its position in the list as it is.
    pub at: u32,
    /// Its item.
    pub slot: Slot,
    /// Its position in the list as it was, if it was there.
    pub from: Option<u32>,
}

impl Edits {
    /// Whether the list is what it was, and all that it lists.
    pub const fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.inserted.is_empty() && self.updated.is_empty()
    }

    /// Makes the list as it is of the list as it was.
    pub fn apply(&self, list: &mut Vec<Slot>) {
        let mut removed = self.removed.iter().copied().peekable();
        let mut inserted = self.inserted.iter().peekable();
        let mut rows = Vec::with_capacity(list.len() + self.inserted.len());
        for (at, &slot) in (0..).zip(list.iter()) {
            if removed.next_if_eq(&at).is_some() {
                continue;
            }
            while let Some(row) = inserted.next_if(|row| row.at as usize <= rows.len()) {
                rows.push(row.slot);
            }
            rows.push(slot);
        }
        rows.extend(inserted.map(|row| row.slot));
        *list = rows;
    }

    pub(super) fn clear(&mut self) {
        self.removed.clear();
        self.inserted.clear();
        self.updated.clear();
        self.recounted = false;
    }
}

/// Notes what of a change of all rows shows in the window: given are the windows, and the places of
/// the rows that went and came, ascending. It takes time in proportion to what it notes.
///
/// The rows that stay keep their order, so that by counting them a place before can be compared
/// with one after: a window shows a run of them, before and after. What is in one run and not in
/// the other has left, or entered, though it did not change.
pub(super) fn note(
    edits: &mut Edits,
    tree: &Tree,
    (before, gone): (Range<u32>, &[u32]),
    (after, come): (Range<u32>, &[u32]),
) {
    let old = Walk::new(before, gone);
    let new = Walk::new(after, come);
    old.differences(&new.stays, &mut |at, _| edits.removed.push(at - old.window.start));
    new.differences(&old.stays, &mut |at, came| {
        let id = tree.at(at).unwrap_or(NIL);
        let from = tree.from(id).filter(|from| came && old.window.contains(from));
        edits.inserted.push(Insertion {
            at: at - new.window.start,
            slot: Slot::from_index(tree.slot(id)),
            from: from.map(|at| at - old.window.start),
        });
    });
}

/// A window, and the places of the changes among all rows, ascending.
struct Walk<'a> {
    window: Range<u32>,
    changes: &'a [u32],
    /// How many changes are before the window.
    first: usize,
    /// Which of the rows that stay are in the window, counted among themselves.
    stays: Range<u32>,
}

impl<'a> Walk<'a> {
    fn new(window: Range<u32>, changes: &'a [u32]) -> Self {
        let before = |end: u32| changes.iter().take_while(|&&at| at < end).count();
        let first = before(window.start);
        let stays = window.start - first as u32..window.end - before(window.end) as u32;
        Self { window, changes, first, stays }
    }

    /// Calls with each place in the window that is a change's, or of a row that stays but is not in
    /// `shown`; and with which of the two it is.
    fn differences(&self, shown: &Range<u32>, call: &mut dyn FnMut(u32, bool)) {
        let (mut at, mut stay, mut change) = (self.window.start, self.stays.start, self.first);
        while at < self.window.end {
            let next = self.changes.get(change).copied().unwrap_or(u32::MAX);
            if at == next {
                call(at, true);
                change += 1;
                at += 1;
            } else if shown.contains(&stay) {
                // All up to the next change, or to the end of what is shown, is the same.
                let same = (next.min(self.window.end) - at).min(shown.end - stay);
                at += same;
                stay += same;
            } else {
                call(at, false);
                at += 1;
                stay += 1;
            }
        }
    }
}
