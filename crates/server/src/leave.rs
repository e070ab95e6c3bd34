//! The last words of a stream that the server ends.

use bytes::Bytes;

/// Why a stream ends although its reader is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// The server stops.
    Draining,
    /// It has lasted long enough: the reader may come again at once, and goes on where it was.
    Aged,
    /// The token that it was opened with was revoked.
    Revoked,
}

impl Leave {
    /// A goodbye; and before it, where there is something that the reader's application should
    /// know, an error that says so.
    pub(crate) fn frame(self) -> Bytes {
        Bytes::from_static(match self {
            Self::Draining => DRAINING,
            Self::Aged => AGED,
            Self::Revoked => REVOKED,
        })
    }

    /// The same in a word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Aged => "max-age",
            Self::Revoked => "token-revoked",
        }
    }
}

const DRAINING: &[u8] =
    b"event: goodbye\ndata: {\"reason\":\"draining\",\"silent\":false,\"catastrophe\":false}\n\n";
const AGED: &[u8] =
    b"event: goodbye\ndata: {\"reason\":\"max-age\",\"silent\":true,\"catastrophe\":false}\n\n";
const REVOKED: &[u8] = b"event: error\ndata: {\"reason\":\"the token was revoked\"}\n\n\
    event: goodbye\ndata: {\"reason\":\"token-revoked\",\"silent\":false,\"catastrophe\":false}\n\n";
