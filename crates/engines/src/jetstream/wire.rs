//! Messages: JSON, a line each part.

use crate::codec;
use core::fmt;
use highwater_publisher::engine::{Head, Place, Record, Slot};
use highwater_publisher::{Epoch, Id, Object};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One message of a log: the transactions that one process had waiting, in their order. None: a new epoch begins.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) topic: String,
    pub(super) epoch: Epoch,
    /// The sequence of the topic's message before this one; 0 for its first.
    pub(super) after: u64,
    pub(super) records: Vec<Record>,
}

#[derive(Deserialize, Serialize)]
struct Opening {
    topic: String,
    epoch: String,
    after: u64,
}

impl Batch {
    /// The first line; each record is another.
    pub(super) fn opening(topic: &str, epoch: &Epoch, after: u64) -> Vec<u8> {
        json(&Opening { topic: topic.to_owned(), epoch: epoch.as_str().to_owned(), after })
    }

    pub(super) fn decode(text: &[u8]) -> Result<Self, Damaged> {
        let mut lines = text.split(|&byte| byte == b'\n');
        let Opening { topic, epoch, after } = parse(lines.next().unwrap_or_default())?;
        let records = lines.map(codec::decode).collect::<Result<_, _>>().map_err(damaged)?;
        Ok(Self { topic, epoch: Epoch::new(&epoch).map_err(damaged)?, after, records })
    }
}

/// How far the items of a topic have been written down: all that is at or before it is in them.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// The sequence of the log's message that the mark is at.
    pub(super) log: u64,
    pub(super) head: Head,
}

#[derive(Deserialize, Serialize)]
struct MarkLine {
    log: u64,
    epoch: String,
    index: u64,
    fence: u64,
}

impl Mark {
    pub(super) fn encode(&self) -> Vec<u8> {
        let Place { epoch, index } = &self.head.place;
        let epoch = epoch.as_str().to_owned();
        json(&MarkLine { log: self.log, epoch, index: *index, fence: self.head.fence })
    }

    pub(super) fn decode(text: &[u8]) -> Result<Self, Damaged> {
        let MarkLine { log, epoch, index, fence } = parse(text)?;
        let place = Place { epoch: Epoch::new(&epoch).map_err(damaged)?, index };
        Ok(Self { log, head: Head { place, fence } })
    }
}

#[derive(Deserialize, Serialize)]
struct ItemLine {
    kind: String,
    key: String,
    version: i64,
    changed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<Box<RawValue>>,
}

pub(super) fn encode_item(id: &Id, slot: &Slot) -> Vec<u8> {
    let object = slot.object.as_ref().map(|object| {
        RawValue::from_string(object.as_str().to_owned()).expect("an object is JSON")
    });
    let (kind, key) = (id.kind().to_owned(), id.key().to_owned());
    json(&ItemLine { kind, key, version: slot.version, changed: slot.changed, object })
}

pub(super) fn decode_item(text: &[u8]) -> Result<(Id, Slot), Damaged> {
    let ItemLine { kind, key, version, changed, object } = parse(text)?;
    let object = object.as_deref().map(Object::try_from).transpose().map_err(damaged)?;
    Ok((Id::new(&kind, &key).map_err(damaged)?, Slot { version, changed, object }))
}

/// Why a message of ours cannot be read.
#[derive(Debug)]
pub(super) struct Damaged(Box<dyn core::error::Error + Send + Sync>);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message is damaged: {}", self.0)
    }
}

impl core::error::Error for Damaged {}

fn damaged(error: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Damaged {
    Damaged(error.into())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("numbers and strings always have a JSON form")
}

fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Damaged> {
    serde_json::from_slice(text).map_err(damaged)
}
