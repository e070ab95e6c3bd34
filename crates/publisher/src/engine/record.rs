//! What an engine keeps: records, and the items that they lead to.

use crate::id::{Epoch, Id};
use crate::object::Object;
use core::fmt;
use core::time::Duration;
use highwater_core::Position;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A place in the log of a topic: after the transaction of this index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The life of the topic.
    pub epoch: Epoch,
    /// The index of the newest transaction that is behind this place. It grows by one with each, over all lives.
    pub index: u64,
}

impl Place {
    /// Reads `epoch.index`; `None` for any other text.
    pub fn parse(cursor: &str) -> Option<Self> {
        let Position { epoch, index } = Position::parse(cursor)?;
        Some(Self { epoch: Epoch::new(epoch).ok()?, index })
    }
}

/// The cursor: `epoch.index`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Position { epoch: self.epoch.as_str(), index: self.index }.fmt(f)
    }
}

/// One transaction as it was decided: whoever applies it need not decide anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// One more than that of the record before.
    pub index: u64,
    /// When, in milliseconds since 1970 by the clock of who appended it: for retention, and for people.
    pub time: u64,
    /// The fence that it was appended under.
    pub fence: Option<u64>,
    /// What it does, in its order; an item may come more than once.
    pub changes: Vec<Written>,
}

impl Record {
    /// About how much memory it takes, and how long it is when written down.
    pub fn size(&self) -> usize {
        let change = |Written { id, object, .. }: &Written| {
            64 + id.kind().len() + id.key().len() + object.as_ref().map_or(0, |o| o.as_str().len())
        };
        64 + self.changes.iter().map(change).sum::<usize>()
    }

    /// The time now, as [`Record::time`] has it.
    pub fn now() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
    }
}

/// What a record did to one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Which item.
    pub id: Id,
    /// The version that this led to; that of the deletion if it was deleted.
    pub version: i64,
    /// The new value; `None` if the item was deleted.
    pub object: Option<Object>,
}

/// One item of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which item.
    pub id: Id,
    /// Greater than any before.
    pub version: i64,
    /// The value.
    pub object: Object,
}

/// All items of a topic at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The place that the items are of.
    pub place: Place,
    /// Sorted by kind and key.
    pub items: Vec<Stored>,
}

/// What came after a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The records that follow, oldest first and without gaps; none if there is nothing newer.
    Records(Vec<Arc<Record>>),
    /// The log does not tell: only a snapshot leads on.
    Gone,
}

/// How much of the log is kept for readers that come back. The items are kept in any case, and so is the newest record.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// At most so many records.
    pub transactions: u64,
    /// At most about so many bytes of records.
    pub bytes: u64,
    /// None that is older.
    pub age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { transactions: 4096, bytes: 16 << 20, age: Duration::from_hours(24) }
    }
}

impl Retention {
    /// The time before which a record is too old, as [`Record::time`] has it.
    pub fn oldest(&self, now: u64) -> u64 {
        now.saturating_sub(u64::try_from(self.age.as_millis()).unwrap_or(u64::MAX))
    }
}
