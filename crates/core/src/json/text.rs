use alloc::borrow::Cow;
use alloc::string::String;

use super::{JsonError, Result};

/// A string as it stands in the text, between its quotes.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(super) raw: &'a [u8],
    pub(super) at: usize,
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
        let text = core::str::from_utf8(self.raw).map_err(|error| JsonError {
            at: self.at + error.valid_up_to(),
            what: "invalid UTF-8",
        })?;
        if !self.escaped {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            rest = unescape(&rest[at + 1..], &mut out);
        }
        out.push_str(rest);
        Ok(Cow::Owned(out))
    }
}

/// Undoes one escape, whose backslash was just read, and returns what follows it.
fn unescape<'t>(rest: &'t str, out: &mut String) -> &'t str {
    let plain = match rest.as_bytes().first() {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let (unit, rest) = (unit(rest), &rest[5..]);
            if (0xd800..0xdc00).contains(&unit) && rest.starts_with("\\u") {
                let low = self::unit(&rest[1..]);
                if (0xdc00..0xe000).contains(&low) {
                    let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    out.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
                    return &rest[6..];
                }
            }
            out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            return rest;
        }
        Some(&itself) => char::from(itself),
        None => return rest,
    };
    out.push(plain);
    &rest[1..]
}

/// The code unit of `uXXXX`, whose digits the reader has checked.
fn unit(text: &str) -> u32 {
    text.get(1..5).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xfffd)
}
