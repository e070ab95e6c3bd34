//! Items, and what becomes of them.

use crate::FULL;
use crate::json::{self, JsonError};
use crate::message::{Transfer, Version};
use crate::names::Slot;
use crate::receiver::Action;
use crate::time::Duration;

/// How versions decide, a property of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Per key, in snapshots too: an item that a snapshot lists stays if its version is newer.
    /// (LaunchDarkly's auto-configuration.)
    PerKey,
    /// Per key between snapshots; a snapshot replaces everything, newer items included.
    /// (LaunchDarkly's `/all`.)
    PerKeySnapshotReplaces,
    /// Not at all: whoever wrote the stream ordered it, and the cursor says where it stands.
    /// (FDv2, Consul.)
    Cursor,
}

impl Gate {
    /// Whether versions decide in such a transfer.
    pub(crate) fn holds(self, transfer: Transfer) -> bool {
        FULL && match self {
            Self::PerKey => true,
            Self::PerKeySnapshotReplaces => transfer == Transfer::Changes,
            Self::Cursor => false,
        }
    }

    /// Whether versions never decide.
    pub(crate) fn is_cursor(self) -> bool {
        !FULL || self == Self::Cursor
    }
}

/// How long deletions are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstones {
    /// How many, at most.
    pub count: usize,
    /// For how long, at most.
    pub age: Duration,
}

impl Default for Tombstones {
    /// 65,536 deletions, for a day each.
    fn default() -> Self {
        Self { count: 1 << 16, age: Duration::from_hours(24) }
    }
}

/// What became of one item in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the item is. The slot of a deleted item is still readable for its kind and key until
    /// the next input.
    pub slot: Slot,
    /// What happened: never [`Action::Noop`].
    pub action: Action,
    /// The version that the message carried.
    pub version: Version,
}

/// What became of one message about an item, for the trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) slot: Slot,
    pub(crate) action: Action,
    pub(crate) version: Version,
    /// The message said that the item is gone (or did so by not listing it).
    pub(crate) delete: bool,
    /// Why nothing happened, when nothing did.
    pub(crate) noop: Option<Noop>,
}

/// Why a message changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noop {
    /// A greater version is known.
    Stale(Version),
    /// This very version is known.
    Duplicate,
    /// The item was deleted at this version or later.
    Deleted(Version),
    /// The item to delete is not there.
    Absent,
    /// Version and value are the same.
    Unchanged,
    /// The value was judged on arrival, and is not JSON.
    Refused,
    /// The snapshot lists the item without a usable entry: what is known of it stays.
    Kept,
}

impl Noop {
    /// The reason in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stale(_) => "stale",
            Self::Duplicate => "duplicate",
            Self::Deleted(_) => "tombstone",
            Self::Absent => "absent",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Kept => "kept",
        }
    }

    /// The known version that decided.
    pub const fn version(self) -> Option<Version> {
        if let Self::Stale(version) | Self::Deleted(version) = self { Some(version) } else { None }
    }
}

/// An item, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Its version.
    pub version: Version,
    /// Its value: JSON as it stood on the wire. Unless it was judged on arrival nobody has looked
    /// into it: [`Item::json`] does.
    pub value: &'a [u8],
}

impl<'a> Item<'a> {
    /// The value, once it has proved to be JSON.
    pub fn json(&self) -> Result<&'a str, JsonError> {
        json::check(self.value)?;
        core::str::from_utf8(self.value)
            .map_err(|error| JsonError { at: error.valid_up_to(), what: "invalid UTF-8" })
    }
}
