//! Sequence IDs: where an event stands in its topic, as text that sorts.

use core::fmt;

/// After an event of a topic: of which transaction, and which of its events.
///
/// `INDEX-cNUMBER` is a change of a transaction, `INDEX-sNUMBER` an item of a snapshot, all of them
/// at one index, and `INDEX-t` the last of a snapshot: what comes after it is the next transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) index: u64,
    pub(super) part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// So many of the transaction's changes.
    Changes(usize),
    /// So many of the snapshot's items, and not all of them.
    Items(usize),
    /// The whole snapshot.
    Snapshot,
}

impl Place {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (index, part) = text.split_once('-')?;
        let number = |text: &str| text.parse().ok();
        let part = match part.split_at_checked(1)? {
            ("c", changes) => Part::Changes(number(changes)?),
            ("s", items) => Part::Items(number(items)?),
            ("t", "") => Part::Snapshot,
            _ => return None,
        };
        Some(Self { index: index.parse().ok()?, part })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, part } = self;
        match part {
            Part::Changes(number) => write!(f, "{index:020}-c{number:08}"),
            Part::Items(number) => write!(f, "{index:020}-s{number:08}"),
            Part::Snapshot => write!(f, "{index:020}-t"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_sort_as_they_come() {
        let places = [
            Place { index: 9, part: Part::Changes(2) },
            Place { index: 9, part: Part::Changes(10) },
            Place { index: 9, part: Part::Items(1) },
            Place { index: 9, part: Part::Items(20) },
            Place { index: 9, part: Part::Snapshot },
            Place { index: 10, part: Part::Changes(1) },
            Place { index: u64::MAX, part: Part::Changes(1) },
        ];
        let texts = places.map(|place| place.to_string());
        assert!(texts.is_sorted());
        assert_eq!(texts.map(|text| Place::parse(&text)), places.map(Some));
        for wrong in ["", "7", "7-", "7-x1", "7-c", "-c1", "7-c-1", "7-t1", "é-é"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }
}
