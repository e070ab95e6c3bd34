//! Where a stream was left.

use alloc::string::String;
use core::fmt;

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
        let (epoch, index) = cursor.rsplit_once('.')?;
        let plain = !epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_alphanumeric());
        let digits = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
        let canonical = index == "0" || !index.starts_with('0');
        (plain && digits && canonical).then_some(())?;
        Some(Self { epoch, index: index.parse().ok()? })
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
