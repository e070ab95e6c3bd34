//! Where a transaction stands to those before it.

use crate::bytes::{Text, raw};
use crate::cursor::Position;
use crate::message::Transfer;
use crate::same::same;

fn is(epoch: &Text, other: &Text) -> bool {
    same(raw(epoch), raw(other))
}

/// Whether a transaction is to take effect.
pub(crate) enum Order {
    Next,
    Seen,
    Gap,
}

impl Order {
    /// Only cursors that say their order are held to it: those of our own server ([`Position`]).
    pub(crate) fn of(
        last: Option<&Text>,
        transfer: Transfer,
        cursor: Option<&Text>,
        basis: Option<&Text>,
        ordered: bool,
    ) -> Self {
        let Some(next) = cursor.and_then(Position::parse) else {
            return Self::Next;
        };
        let basis = basis.and_then(Position::parse);
        if transfer == Transfer::Snapshot && basis.is_some() {
            // A snapshot builds on nothing: this is the end of another transfer, gone astray.
            return Self::Gap;
        }
        let last = last.and_then(Position::parse);
        let last = last.filter(|last| is(last.epoch, next.epoch));
        let seen = last.is_some_and(|last| match transfer {
            Transfer::Snapshot => next.index < last.index,
            Transfer::Changes => next.index <= last.index,
        });
        if seen && ordered {
            return Self::Seen;
        }
        let follows = basis.is_none_or(|basis| {
            last.is_some_and(|last| is(basis.epoch, last.epoch) && basis.index <= last.index)
        });
        if follows { Self::Next } else { Self::Gap }
    }
}
