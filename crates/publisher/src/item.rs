//! What goes into a topic and what comes out of it, beside frames.

use crate::id::Id;
use crate::object::Object;
use bytes::Bytes;
use core::ops::Range;
use core::time::Duration;

/// What a topic keeps and promises.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many transactions the log keeps for readers that come back; at least one is kept.
    pub log_transactions: usize,
    /// How many bytes of frames the log keeps; the newest transaction is kept whatever its size.
    pub log_bytes: usize,
    /// How often a quiet connection hears something, as the intent promises. Keeping it is up to the server.
    pub heartbeat: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { log_transactions: 4096, log_bytes: 16 << 20, heartbeat: Duration::from_secs(15) }
    }
}

/// What a transaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The topic's new index.
    pub index: u64,
    /// The version that each operation's item has now, in the order of the operations.
    pub versions: Vec<i64>,
}

/// An item as it stands in the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The collection within the topic.
    pub kind: &'a str,
    /// The name within the kind.
    pub key: &'a str,
    /// Greater than any before.
    pub version: i64,
    /// The value: a JSON object on one line, UTF-8.
    pub object: &'a [u8],
}

/// One item of a new whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Where it lives.
    pub id: Id,
    /// Its value.
    pub object: Object,
    /// Its version, if not left to the topic. The version that the item has is allowed with an equal value.
    pub version: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) version: i64,
    /// The `put-object` event, ready for a snapshot.
    pub(crate) event: Bytes,
    /// Where the value stands in the event.
    pub(crate) object: Range<usize>,
}

impl Slot {
    pub(crate) fn item<'a>(&'a self, kind: &'a str, key: &'a str) -> Item<'a> {
        Item { kind, key, version: self.version, object: &self.event[self.object.clone()] }
    }
}
