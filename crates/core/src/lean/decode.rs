//! What the events of a stream of our own server's mean, and nothing else's.

use super::fold::Fold;
use crate::bytes::{kept, owned, utf8, word};
use crate::error::Error;
use crate::materializer::Signals;
use crate::message::Transfer;
use crate::protocol::promise;
use crate::same::same;

/// Takes in an event of a server that has `promised` what ours does, or promises it. What is not written as was promised is [`Error::Foreign`]: it is read again
/// elsewhere.
pub(crate) fn decode<V>(
    promised: &mut bool,
    fold: &mut Fold<V>,
    kind: &[u8],
    data: &[u8],
    chunk: &[u8],
    signals: &mut Signals,
) -> Result<(), Error> {
    let taken = take(promised, fold, kind, data, chunk, signals).unwrap_or_else(|| {
        // No protocol has a type that is not UTF-8: any stand-in is as unknown.
        let event = utf8(kind).unwrap_or(word("\u{fffd}"));
        Err(Error::Foreign { event: owned(event), data: kept(data) })
    });
    if taken.is_err() {
        fold.drop_transfer();
    }
    taken
}

/// The same; `None`, and nothing has happened, if it is not written so.
#[inline]
fn take<V>(
    promised: &mut bool,
    fold: &mut Fold<V>,
    kind: &[u8],
    data: &[u8],
    chunk: &[u8],
    signals: &mut Signals,
) -> Option<Result<(), Error>> {
    let is = |name: &str| same(kind, name.as_bytes());
    if is("server-intent") {
        let promise::Intent { code, target, heartbeat } = promise::intent(data)?;
        let (full, none) = (same(code, b"xfer-full"), same(code, b"none"));
        if !full && !none && !same(code, b"xfer-changes") {
            return None;
        }
        signals.heartbeat_every = Some(heartbeat.cast_unsigned());
        signals.target = Some(target.cast_unsigned());
        signals.resumed = Some(!full);
        signals.up_to_date |= none;
        let transfer = if full { Transfer::Snapshot } else { Transfer::Changes };
        if let Err(error) = fold.open(transfer) {
            return Some(Err(error));
        }
        // Not before it has been taken: what cannot be followed here is read again elsewhere.
        *promised = true;
    } else if !*promised || is("put-object") || is("error") {
        // Items that can be taken in have been, at a glance.
        return None;
    } else if is("payload-transferred") {
        let (state, _, basis) = promise::transferred(data)?;
        return Some(fold.commit(Some(state), basis, true, chunk).map(|committed| {
            signals.committed |= committed;
        }));
    } else if is("delete-object") {
        let (kind, key, version) = promise::deleted(data)?;
        return fold.delete(kind, key, version, chunk);
    } else if is("goodbye") {
        fold.drop_transfer();
        signals.goodbye.get_or_insert_default();
    }
    Some(Ok(()))
}
