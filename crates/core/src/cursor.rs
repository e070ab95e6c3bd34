//! Where a stream was left.

#[cfg(feature = "full")]
use alloc::string::String;
#[cfg(feature = "full")]
use core::fmt;

use crate::bytes::{Text, raw};
#[cfg(feature = "full")]
use crate::json::whole_number;
#[cfg(not(feature = "full"))]
use crate::protocol::promise::whole;

/// The two parts of a cursor that our own server writes: `epoch.index`.
///
/// The epoch names one life of a topic: a restored or restarted publisher begins another, so that
/// a position of the old life can never be taken for one of the new. Within an epoch the index
/// grows with every transaction.
///
/// To every other server a cursor is opaque text, and [`Position::parse`] answers `None`.
///
/// ```
/// use highwater_core::Position;
/// let at = Position::parse("k3v9.41").unwrap();
/// assert_eq!((at.epoch, at.index), ("k3v9", 41));
/// assert_eq!(at.to_string(), "k3v9.41");
/// assert_eq!(Position::parse("(p:7)"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// One life of the topic; not empty, letters and digits only.
    pub epoch: &'a Text,
    /// How many transactions that life has seen.
    pub index: u64,
}

impl<'a> Position<'a> {
    /// Reads `epoch.index`; `None` for any other text.
    pub fn parse(cursor: &'a Text) -> Option<Self> {
        let bytes = raw(cursor);
        let point = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
        let (epoch, _) = cursor.split_at_checked(point)?;
        let digits = bytes.get(point..)?.strip_prefix(b".")?;
        let index = index(digits)?;
        (point > 0).then_some(Self { epoch, index })
    }

    /// The cursor's text, owned.
    #[cfg(feature = "full")]
    pub fn to_cursor(self) -> String {
        use alloc::string::ToString;
        self.to_string()
    }
}

/// A number as it is written, without zeros in front.
#[cfg(feature = "full")]
fn index(digits: &[u8]) -> Option<u64> {
    let canonical = digits == b"0" || !digits.starts_with(b"0");
    whole_number(digits).filter(|_| canonical)
}

/// The same, up to 18 digits: no topic of ours has seen more.
#[cfg(not(feature = "full"))]
fn index(digits: &[u8]) -> Option<u64> {
    let (number, rest) = whole(digits)?;
    rest.is_empty().then_some(number.cast_unsigned())
}

#[cfg(feature = "full")]
impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.index)
    }
}
