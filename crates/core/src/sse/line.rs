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
        for (start, field) in STARTS {
            if let Some(value) = line.strip_prefix(start) {
                return (field, unspaced(value));
            }
        }
        (Self::named(line), &[])
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
#[inline]
pub(super) fn line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', b'\r', bytes)
}

/// The same, for lines that are short as a rule: most end before a search has set out.
#[inline]
pub(super) fn near_line_end(bytes: &[u8]) -> Option<usize> {
    let (head, tail) = bytes.split_at(bytes.len().min(NEAR));
    head.iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .or_else(|| Some(NEAR + line_end(tail)?))
}

/// `event` and `retry` are the longest names known.
pub(super) const LONGEST_NAME: usize = 5;
pub(super) const BYTE_ORDER_MARK: [u8; 3] = *b"\xef\xbb\xbf";
/// The commonest first.
const STARTS: [(&[u8], Field); 5] = [
    (b"data:", Field::Data),
    (b"event:", Field::Event),
    (b"id:", Field::Id),
    (b":", Field::Comment),
    (b"retry:", Field::Retry),
];
/// Enough for the event types and ids that are in use.
const NEAR: usize = 16;
