//! What a stream's bytes are cut into.

use crate::sse::SseEvent;

/// A piece of a stream.
pub(crate) enum Frame<'a> {
    Event(SseEvent<'a>),
    Comment,
    #[cfg(feature = "full")]
    Retry(u64),
    #[cfg(feature = "full")]
    TooLarge {
        limit: usize,
        at: u64,
    },
    /// What comes now is not framed as our own server does.
    #[cfg(not(feature = "full"))]
    Unlike,
}
