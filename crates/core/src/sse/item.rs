//! What comes out of the decoder.

use alloc::borrow::Cow;
use alloc::string::String;

/// Something that an event stream says.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SseItem<'a> {
    /// A whole event with data.
    Event(SseEvent<'a>),
    /// The server asks for this many milliseconds before a reconnect.
    /// Numbers beyond 64 bits come out as the greatest; clamp before setting a timer.
    Retry(u64),
    /// Comments, and nothing else to hand out up to the end of the chunk: the stream is alive.
    /// One stands for all comment lines since the last item.
    Comment,
    /// An event was larger than the limit and is dropped, its id with it.
    /// Decoding goes on behind the blank line that ends it.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
        /// Where in the stream the event began.
        offset: u64,
    },
}

/// An event, borrowed from the chunk or from the decoder until the next call.
///
/// Type and data are the bytes of the stream, not checked to be UTF-8:
/// whoever reads them decides if that is worth a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The event's type, `message` where the stream names none. Compare it with a byte string.
    pub kind: &'a [u8],
    /// The data lines, joined by LF.
    pub data: &'a [u8],
    /// The last event id as of this event, empty if there was none.
    pub id: &'a str,
}

impl<'a> SseEvent<'a> {
    /// Its type as text; bytes that are not UTF-8 become U+FFFD, as the standard says.
    pub fn kind_text(&self) -> Cow<'a, str> {
        text_of(self.kind)
    }

    /// Its data as text; bytes that are not UTF-8 become U+FFFD, as the standard says.
    pub fn data_text(&self) -> Cow<'a, str> {
        text_of(self.data)
    }
}

/// Bytes as text, U+FFFD for what is not UTF-8.
///
/// Nearly all of it is valid, and `from_utf8` finds that out several times faster than the
/// lossy conversion does.
pub(super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    core::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
