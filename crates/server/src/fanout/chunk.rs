//! HTTP/1.1's chunks, of which the body of a stream is made.
//!
//! A body could end with its connection instead. But then nobody can tell an end from a cut, and
//! there are clients (urllib3's) that wait for ten thousand bytes before they hand any on.

use bytes::Bytes;

/// What stands before the bytes of a chunk.
pub(super) fn head(length: usize) -> Bytes {
    format!("{length:x}\r\n").into()
}

/// What stands after them.
pub(super) const TAIL: Bytes = Bytes::from_static(b"\r\n");

/// The end of the body.
pub(super) const LAST: Bytes = Bytes::from_static(b"0\r\n\r\n");

/// One chunk, in one piece.
pub(super) fn whole(frame: &[u8]) -> Bytes {
    [&head(frame.len()), frame, &TAIL].concat().into()
}
