//! Where a stream was left.

use alloc::string::String;
use core::fmt;

use crate::json::whole_number;

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
    pub epoch: &'a str,
    /// How many transactions that life has seen.
    pub index: u64,
}

impl<'a> Position<'a> {
    /// Reads `epoch.index`; `None` for any other text.
    pub fn parse(cursor: &'a str) -> Option<Self> {
        let dot = cursor.bytes().rposition(|byte| byte == b'.')?;
        let (epoch, index) = (cursor.get(..dot)?, cursor.get(dot + 1..)?.as_bytes());
        let plain = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let canonical = index.len() == 1 || index.first() != Some(&b'0');
        let index = whole_number(index)?;
        (plain && canonical).then_some(Self { epoch, index })
    }

    /// The cursor's text, owned.
    pub fn to_cursor(self) -> String {
        use alloc::string::ToString;
        self.to_string()
    }
}

impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.index)
    }
}
