//! Lines of an event stream: where they end, and which field they hold.

/// What a line is about, decided by the name before its colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Data,
    Event,
    Id,
    Retry,
    /// Nothing before the colon.
    Comment,
    /// A name that the standard does not know: read over.
    Unknown,
}

impl Field {
    pub(super) fn named(name: &[u8]) -> Self {
        match name {
            b"data" => Self::Data,
            b"event" => Self::Event,
            b"id" => Self::Id,
            b"retry" => Self::Retry,
            b"" => Self::Comment,
            _ => Self::Unknown,
        }
    }

    /// The field and value of a whole line that is not blank.
    #[inline]
    pub(super) fn of_line(line: &[u8]) -> (Self, &[u8]) {
        let (field, value) = match line {
            [b'd', b'a', b't', b'a', b':', value @ ..] => (Self::Data, value),
            [b'e', b'v', b'e', b'n', b't', b':', value @ ..] => (Self::Event, value),
            [b'i', b'd', b':', value @ ..] => (Self::Id, value),
            [b'r', b'e', b't', b'r', b'y', b':', value @ ..] => (Self::Retry, value),
            [b':', value @ ..] => (Self::Comment, value),
            _ => (Self::named(line), &[][..]),
        };
        (field, unspaced(value))
    }
}

/// Where in a line the last chunk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Before the first byte of a line.
    Start,
    /// At the start of the stream, so many bytes into a byte order mark.
    Mark(usize),
    /// In the name, of which these are the first bytes.
    Name { bytes: [u8; LONGEST_NAME], len: usize },
    /// In the value; `fresh` until its first byte, which may be a space to drop.
    Value { field: Field, fresh: bool },
}

impl Line {
    /// A line of which nothing matters but its end.
    pub(super) const SKIPPED: Self = Self::Value { field: Field::Unknown, fresh: false };
}

/// Decimal digits read piece by piece, as a `retry` value asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Digits {
    value: u64,
    any: bool,
    bad: bool,
}

impl Digits {
    pub(super) fn read(&mut self, piece: &[u8]) {
        for &byte in piece {
            self.any = true;
            self.bad |= !byte.is_ascii_digit();
            let digit = u64::from(byte.wrapping_sub(b'0'));
            self.value = self.value.saturating_mul(10).saturating_add(digit);
        }
    }

    /// The number, or `None` if there was anything else than digits, or nothing.
    pub(super) fn number(self) -> Option<u64> {
        (self.any && !self.bad).then_some(self.value)
    }
}

/// A value without the one space that may follow the colon.
#[inline]
pub(super) fn unspaced(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}

/// Where the first CR or LF is.
#[cfg_attr(feature = "full", inline)]
#[cfg_attr(not(feature = "full"), inline(never))]
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', b'\r', bytes)
}

/// The same, for lines that are short as a rule: looks at some bytes in place first.
///
/// An event with a type and an id takes a fifth less time for it (benchmark `sse`).
#[inline]
pub(super) fn near_line_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for word in bytes.as_chunks::<8>().0.iter().take(NEAR_WORDS) {
        let found = line_ends_in(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    Some(at + line_end(&bytes[at..])?)
}

/// The high bit of each byte that is CR or LF, right up to the lowest that is set.
#[inline]
fn line_ends_in(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const LF: u64 = u64::from_le_bytes([b'\n'; 8]);
    const CR: u64 = u64::from_le_bytes([b'\r'; 8]);
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    (zeros(word ^ LF) | zeros(word ^ CR)) & (ONES << 7)
}

/// `event` and `retry` are the longest names known.
pub(super) const LONGEST_NAME: usize = 5;
pub(super) const BYTE_ORDER_MARK: [u8; 3] = *b"\xef\xbb\xbf";
/// Enough for the event types and ids that are in use.
const NEAR_WORDS: usize = 3;
