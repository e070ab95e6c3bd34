use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use memchr::memchr;

use super::{JsonError, Result};

/// A string as it stands in the text, between its quotes.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(super) raw: &'a [u8],
    pub(crate) at: usize,
    pub(super) escaped: bool,
}

impl<'a> Text<'a> {
    /// Whether the string is `other`.
    pub(crate) fn is(&self, other: &str) -> bool {
        if self.escaped {
            self.decode().is_ok_and(|text| text == other)
        } else {
            self.raw == other.as_bytes()
        }
    }

    /// The string with its escapes undone; an escaped surrogate without its partner becomes
    /// U+FFFD, as it does wherever text is UTF-8.
    pub(crate) fn decode(&self) -> Result<Cow<'a, str>> {
        let invalid = |at| JsonError { at, what: "invalid UTF-8" };
        if !self.escaped {
            let text = core::str::from_utf8(self.raw);
            let text = text.map_err(|error| invalid(self.at + error.valid_up_to()))?;
            return Ok(Cow::Borrowed(text));
        }
        let mut out = Vec::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some((plain, escape)) =
            memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at))
        {
            out.extend_from_slice(plain);
            rest = unescape(escape, &mut out);
        }
        out.extend_from_slice(rest);
        let text = String::from_utf8(out);
        text.map(Cow::Owned).map_err(|_| invalid(self.at))
    }
}

/// Undoes the escape at the start of `rest`, and returns what follows it.
fn unescape<'t>(rest: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let (character, length) = match rest.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => match (unit(rest), rest.get(6..).map(unit)) {
            (Some(high @ 0xd800..0xdc00), Some(Some(low @ 0xdc00..0xe000))) => {
                let point = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                (char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            (unit, _) => {
                let one = unit.and_then(char::from_u32);
                (one.unwrap_or(char::REPLACEMENT_CHARACTER), 6)
            }
        },
        Some(&itself) => (char::from(itself), 2),
        None => return &[],
    };
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest.get(length..).unwrap_or_default()
}

/// The code unit of `\uXXXX`, if that is what `rest` begins with.
fn unit(rest: &[u8]) -> Option<u32> {
    let (b"\\u", digits) = rest.split_first_chunk()? else {
        return None;
    };
    digits
        .get(..4)?
        .iter()
        .try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}
