//! What changes in an environment.

use core::fmt;
use highwater_publisher::Object;
use serde_json::value::RawValue;
use std::sync::Arc;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A feature flag.
    Flag,
    /// A segment that flags' rules refer to.
    Segment,
}

impl Kind {
    /// Both, in the order of their names.
    pub const ALL: [Self; 2] = [Self::Flag, Self::Segment];

    /// As `FDv2` and our own topics call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Segment => "segment",
        }
    }

    /// As the older protocols call all of a kind.
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Flag => "flags",
            Self::Segment => "segments",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// An item at a version, or the news that it was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub key: Arc<str>,
    /// Its version, or that of the deletion.
    pub version: i64,
    /// Its JSON; none if it is deleted.
    pub object: Option<Object>,
}

impl Item {
    /// Reads an item out of its JSON, which has its version, and may say that it is deleted.
    pub fn read(kind: Kind, key: &str, json: &RawValue) -> Result<Self, ItemError> {
        let object: Object = json.try_into().map_err(|_| ItemError::NotAnObject)?;
        let Head { version, deleted } =
            serde_json::from_str(object.as_str()).map_err(ItemError::Head)?;
        let object = (!deleted).then_some(object);
        Ok(Self { kind, key: key.into(), version, object })
    }
}

/// What of an item's JSON is looked at.
#[derive(serde::Deserialize)]
struct Head {
    #[serde(default)]
    version: i64,
    #[serde(default)]
    deleted: bool,
}

/// Why a JSON is no item.
#[derive(Debug)]
#[non_exhaustive]
pub enum ItemError {
    /// It is a JSON value of another type.
    NotAnObject,
    /// Its version or its mark of deletion is not one.
    Head(serde_json::Error),
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("a flag or a segment is a JSON object"),
            // Its place would be one in this JSON, and not in what it stands in.
            Self::Head(error) => {
                let said = error.to_string();
                f.write_str(said.rsplit_once(" at line ").map_or(&*said, |(what, _)| what))
            }
        }
    }
}

impl core::error::Error for ItemError {}

/// All items of some kinds. A kind that is not there is not told of by the older protocols, and
/// counts as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collections {
    /// The flags.
    pub flags: Option<Vec<Item>>,
    /// The segments.
    pub segments: Option<Vec<Item>>,
}

impl Collections {
    /// The items of both kinds.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.flags.iter().chain(&self.segments).flatten()
    }
}
