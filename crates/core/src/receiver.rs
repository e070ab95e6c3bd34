//! The rule of versions, and the receiver that is nothing but that rule.
//!
//! Source: LaunchDarkly Relay's auto-configuration `MessageReceiver`.

#[cfg(feature = "full")]
use alloc::string::String;
#[cfg(feature = "full")]
use alloc::vec::Vec;
#[cfg(feature = "full")]
use core::fmt;

use crate::message::Version;
#[cfg(feature = "full")]
use crate::names::{Names, Part, Slot};

/// What a message did to an item.
///
/// An item is updated or deleted only after it was inserted, any number of times updated, and
/// deleted once for each insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The item is new, or is back after its deletion.
    Insert,
    /// The item has a newer version.
    Update,
    /// The item is gone.
    Delete,
    /// Nothing to do for anybody.
    Noop,
}

impl Action {
    /// The action's word: `insert`, `updated` (so spelt at its source), `delete` or `noop`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "updated",
            Self::Delete => "delete",
            Self::Noop => "noop",
        }
    }
}

#[cfg(feature = "full")]
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// Nothing: any version is news.
    #[default]
    Unknown,
    /// It is there, at this version.
    Live(Version),
    /// It is gone since this version.
    Tombstone(Version),
}

impl Known {
    /// The version that a message must exceed; `None` when any will do.
    pub const fn version(self) -> Option<Version> {
        match self {
            Self::Unknown => None,
            Self::Live(version) | Self::Tombstone(version) => Some(version),
        }
    }

    /// Whether the item is there.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// The rule for "the item is there at `version`": only a strictly greater version counts.
    pub(crate) fn upsert(&mut self, version: Version) -> Action {
        if self.version().is_some_and(|known| version <= known) {
            return Action::Noop;
        }
        let action = if self.is_live() { Action::Update } else { Action::Insert };
        *self = Self::Live(version);
        action
    }

    /// The rule for "the item is gone since `version`", which is remembered even of an item that
    /// was never there.
    pub(crate) fn delete(&mut self, version: Version) -> Action {
        if self.version().is_some_and(|known| version <= known) {
            return Action::Noop;
        }
        let action = if self.is_live() { Action::Delete } else { Action::Noop };
        *self = Self::Tombstone(version);
        action
    }

    /// The rule for "never mind what you know of it".
    pub(crate) fn forget(&mut self) -> Action {
        let action = if self.is_live() { Action::Delete } else { Action::Noop };
        *self = Self::Unknown;
        action
    }
}

/// Makes a reliable sequence of actions out of messages that repeat, come late or out of order.
///
/// It remembers the greatest version seen of each id, of deleted ones too, and reports what each
/// message changes. It knows nothing of streams: use it where messages reach you by a way of your
/// own, and a [`Materializer`](crate::Materializer) where they come as a stream.
///
/// ```
/// use highwater_core::{Action, MessageReceiver};
/// let mut receiver = MessageReceiver::new();
/// assert_eq!(receiver.delete("xyz", 2), Action::Noop);          // nothing to delete, but noted
/// assert_eq!(receiver.upsert("xyz", "late", 1), Action::Noop);  // older than the deletion
/// assert_eq!(receiver.upsert("xyz", "new", 3), Action::Insert);
/// assert_eq!(receiver.get("xyz"), Some(&"new"));
/// ```
#[cfg(feature = "full")]
pub struct MessageReceiver<T> {
    names: Names<Entry<T>>,
}

#[cfg(feature = "full")]
struct Entry<T> {
    known: Known,
    /// There exactly when `known` is live.
    item: Option<T>,
}

#[cfg(feature = "full")]
impl<T> MessageReceiver<T> {
    /// A receiver that has seen nothing.
    pub fn new() -> Self {
        Self { names: Names::default() }
    }

    /// The item is there at `version`. A version not greater than the known one is a no-op, and
    /// the item that is there stays.
    pub fn upsert(&mut self, id: &str, item: T, version: Version) -> Action {
        self.change(id, |known| known.upsert(version), Some(item))
    }

    /// The item is gone since `version`: [`Action::Delete`] if it was there and `version` is
    /// greater than its own. The version of the deletion is remembered in any case.
    pub fn delete(&mut self, id: &str, version: Version) -> Action {
        self.change(id, |known| known.delete(version), None)
    }

    /// Forgets all about the id, its version included: [`Action::Delete`] if it was there.
    pub fn forget(&mut self, id: &str) -> Action {
        self.names.find(PART, id).map_or(Action::Noop, |slot| self.give_up(slot))
    }

    /// Forgets the ids for which `gone` is true, and returns those that were there, sorted.
    /// `gone` is asked once about every known id, deleted ones included.
    pub fn purge(&mut self, mut gone: impl FnMut(&str) -> bool) -> Vec<String> {
        let mut deleted = Vec::new();
        for slot in self.names.slots() {
            let Some((_, id)) = self.names.name(slot).filter(|(_, id)| gone(id)) else {
                continue;
            };
            let id = String::from(id);
            if self.give_up(slot) == Action::Delete {
                deleted.push(id);
            }
        }
        deleted.sort_unstable();
        deleted
    }

    /// Forgets the ids for which `keep` is false, and returns those that were there, sorted.
    /// Kept ids stay as they are, deletions with their version included.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) -> Vec<String> {
        self.purge(|id| !keep(id))
    }

    /// The item, if it is there.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.entry(id)?.item.as_ref()
    }

    /// What is known of an id.
    pub fn known(&self, id: &str) -> Known {
        self.entry(id).map_or(Known::Unknown, |entry| entry.known)
    }

    /// Every id of which anything is known, with its item if it is there. The order is
    /// unspecified.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Known, Option<&T>)> {
        self.names.slots().filter_map(|slot| {
            let (_, id) = self.names.name(slot)?;
            let entry = self.names.get(slot)?;
            Some((id, entry.known, entry.item.as_ref()))
        })
    }

    fn entry(&self, id: &str) -> Option<&Entry<T>> {
        self.names.get(self.names.find(PART, id)?)
    }

    fn give_up(&mut self, slot: Slot) -> Action {
        let action = self.names.get_mut(slot).map_or(Action::Noop, |entry| entry.known.forget());
        self.names.remove(slot);
        action
    }

    fn change(
        &mut self,
        id: &str,
        rule: impl FnOnce(&mut Known) -> Action,
        item: Option<T>,
    ) -> Action {
        let slot = self.names.slot(PART, id);
        let Some(entry) = self.names.get_mut(slot) else {
            return Action::Noop;
        };
        let action = rule(&mut entry.known);
        if action != Action::Noop {
            entry.item = item;
        }
        action
    }
}

#[cfg(feature = "full")]
impl<T> Default for Entry<T> {
    fn default() -> Self {
        Self { known: Known::Unknown, item: None }
    }
}

#[cfg(feature = "full")]
impl<T> Default for MessageReceiver<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The one part that all ids are in.
#[cfg(feature = "full")]
const PART: Part = 0;
