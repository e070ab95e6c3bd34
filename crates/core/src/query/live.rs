//! A query's answer, kept up to date.

use alloc::vec::Vec;

use super::edits::{self, Edits};
use super::sort::sort;
use super::tree::{Id, NIL, Tree};
use super::{Query, value};
use crate::Slot;
use crate::item::Change;
use crate::state::State;

/// The rows that a [`Query`] asks for: an ordered list of slots that follows a [`State`].
///
/// After each input give it what changed ([`update`](Self::update)); it answers with what became
/// different in its list. That costs time in proportion to what changed (and the logarithm of how
/// many rows there are), not to the state's size.
pub struct LiveQuery {
    query: Query,
    tree: Tree,
    /// Per slot its node, or [`NIL`]; [`SEEN`] is set during an update.
    nodes: Vec<Id>,
    edits: Edits,
    /// What an update works with, kept so that it need not be made each time.
    value: Vec<u8>,
    key: Vec<u8>,
    gone: Vec<Id>,
    come: Vec<Id>,
    kept: Vec<Id>,
    seen: Vec<u32>,
}

/// Rows that are equal in what a query groups by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first row: what it has in the field is the group's value ([`Query::group_value`]).
    pub slot: Slot,
    /// The position of the first row among all rows, the window left aside.
    pub start: u32,
    /// How many rows the group has.
    pub count: u32,
}

impl LiveQuery {
    /// The query's answer of now.
    pub fn new(query: Query, state: &State) -> Self {
        let mut live = Self {
            query,
            tree: Tree::new(),
            nodes: Vec::new(),
            edits: Edits::default(),
            value: Vec::new(),
            key: Vec::new(),
            gone: Vec::new(),
            come: Vec::new(),
            kept: Vec::new(),
            seen: Vec::new(),
        };
        live.take_in(state, &mut (0..state.epochs().len() as u32));
        live.edits.clear();
        live
    }

    /// Follows the state, after an input that made these changes; answers with what became
    /// different. Leave out none: a row that is not named keeps its place.
    pub fn update(&mut self, state: &State, changes: &[Change]) -> &Edits {
        self.take_in(state, &mut changes.iter().map(|change| change.slot.index() as u32))
    }

    /// Lists another part of the rows; answers with what became different.
    pub fn show(&mut self, offset: u32, limit: u32) -> &Edits {
        let count = self.tree.len();
        let before = self.query.window(count);
        (self.query.offset, self.query.limit) = (offset, limit);
        self.edits.clear();
        edits::note(&mut self.edits, &self.tree, (before, &[]), (self.query.window(count), &[]));
        &self.edits
    }

    /// What the last update made different.
    pub const fn edits(&self) -> &Edits {
        &self.edits
    }

    /// The listed rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Slot> {
        let window = self.query.window(self.tree.len());
        let mut at = self.tree.at(window.start).unwrap_or(NIL);
        window.map(move |_| {
            let slot = Slot::from_index(self.tree.slot(at));
            at = self.tree.next(at);
            slot
        })
    }

    /// How many rows are listed.
    pub fn len(&self) -> usize {
        self.query.window(self.tree.len()).len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows there are, listed or not: all that the query's condition holds for.
    pub fn count(&self) -> usize {
        self.tree.len() as usize
    }

    /// The groups, in order; none if the query has no `group`. It takes time in proportion to how
    /// many there are. They are as they were unless [`Edits::recounted`] says that they may not be.
    pub fn groups(&self) -> impl Iterator<Item = Group> {
        let group = self.query.order.first().filter(|_| self.query.grouped);
        let mut start = 0;
        core::iter::from_fn(move || {
            let order = group?;
            let first = self.tree.at(start)?;
            let key = self.tree.key(first);
            let own = key.get(..value::first(key, order.descending))?;
            let end = self.tree.count(&|key| key <= own || key.starts_with(own));
            let slot = Slot::from_index(self.tree.slot(first));
            // Never 0: the first row is one of its own group.
            let group = Group { slot, start, count: end.max(start + 1) - start };
            start += group.count;
            Some(group)
        })
    }

    /// The query, with the window that is shown.
    pub const fn query(&self) -> &Query {
        &self.query
    }

    fn take_in(&mut self, state: &State, slots: &mut dyn Iterator<Item = u32>) -> &Edits {
        self.edits.clear();
        let before = self.query.window(self.tree.len());
        self.compare(state, slots);
        let Self { query, tree, edits, gone, come, kept, .. } = self;

        // A row that enters the window is told as that, whether or not it changed.
        kept.retain(|&id| before.contains(&tree.rank(id)));
        for &id in &*gone {
            tree.leave(id);
        }
        // From here on both hold places, where they held nodes.
        for id in &mut *gone {
            *id = tree.take(*id);
        }
        for &id in &*come {
            tree.insert(id);
        }
        for id in &mut *come {
            *id = tree.rank(*id);
        }
        sort(gone);
        sort(come);
        let after = query.window(tree.len());
        edits::note(edits, tree, (before, gone), (after.clone(), come));
        for &id in &*kept {
            let at = tree.rank(id);
            if after.contains(&at) {
                edits.updated.push(at - after.start);
            }
        }
        edits.recounted = !gone.is_empty() || !come.is_empty();
        edits
    }

    /// Holds the rows of these slots against their items: which are gone, have come, are kept. One
    /// that moves is gone with a node and comes with another. Leaves the tree as it is.
    fn compare(&mut self, state: &State, slots: &mut dyn Iterator<Item = u32>) {
        let Self { query, tree, nodes, value, key, gone, come, kept, seen, .. } = self;
        for list in [&mut *gone, come, kept, seen] {
            list.clear();
        }
        nodes.resize(nodes.len().max(state.epochs().len()), NIL);
        for slot in slots {
            let Some(node) = nodes.get_mut(slot as usize).filter(|node| **node & SEEN == 0) else {
                continue;
            };
            let item = state.item(Slot::from_index(slot));
            let mut now = NIL;
            if item.is_some_and(|item| query.row(&item, value, key)) {
                if *node != NIL && tree.key(*node) == *key {
                    now = *node;
                    kept.push(now);
                } else {
                    now = tree.make(slot, key, *node);
                    come.push(now);
                }
            }
            if *node != now && *node != NIL {
                gone.push(*node);
            }
            *node = now | SEEN;
            seen.push(slot);
        }
        for &slot in &*seen {
            if let Some(node) = nodes.get_mut(slot as usize) {
                *node &= !SEEN;
            }
        }
    }
}

/// Beside a node's number, during an update: its slot was named.
const SEEN: Id = 1 << 31;
