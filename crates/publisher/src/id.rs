//! Names: of items and of a topic's lives.

use core::fmt;
use std::sync::Arc;

/// Where an item lives in its topic: its kind, and its key within the kind.
///
/// Both are any text of 1 to [`Id::MAX_LENGTH`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    kind: Arc<str>,
    key: Arc<str>,
}

impl Id {
    /// The greatest length of a kind or of a key, in bytes.
    pub const MAX_LENGTH: usize = 1024;

    /// Takes any two texts of a legal length.
    pub fn new(kind: &str, key: &str) -> Result<Self, NameError> {
        check("kind", kind)?;
        check("key", key)?;
        Ok(Self { kind: kind.into(), key: key.into() })
    }

    /// The collection within the topic.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name within the kind.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn parts(self) -> (Arc<str>, Arc<str>) {
        (self.kind, self.key)
    }
}

/// The name of one life of a topic: letters and digits, never used twice.
///
/// A publisher that lost or restored its state begins another, so that no cursor of the old life
/// can be taken for one of the new.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Takes 1 to 64 ASCII letters and digits.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
        match text.len() {
            0 => Err(NameError::Empty { part: "epoch" }),
            1..=64 if plain => Ok(Self(text.into())),
            1..=64 => Err(NameError::NotPlain),
            _ => Err(NameError::TooLong { part: "epoch", most: 64 }),
        }
    }

    /// The name of the how-manieth life after this one.
    pub(crate) fn later(&self, life: u64) -> Self {
        Self(format!("{}r{life}", self.0).into())
    }

    /// The text that comes before the dot in a cursor.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing was given.
    Empty {
        /// Which name: "kind", "key" or "epoch".
        part: &'static str,
    },
    /// The text has too many bytes.
    TooLong {
        /// Which name: "kind", "key" or "epoch".
        part: &'static str,
        /// The greatest legal length.
        most: usize,
    },
    /// An epoch holds something other than ASCII letters and digits.
    NotPlain,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { part } => write!(f, "the {part} is empty"),
            Self::TooLong { part, most } => write!(f, "the {part} is longer than {most} bytes"),
            Self::NotPlain => f.write_str("an epoch has only ASCII letters and digits"),
        }
    }
}

impl core::error::Error for NameError {}

fn check(part: &'static str, text: &str) -> Result<(), NameError> {
    match text.len() {
        0 => Err(NameError::Empty { part }),
        1..=Id::MAX_LENGTH => Ok(()),
        _ => Err(NameError::TooLong { part, most: Id::MAX_LENGTH }),
    }
}
