//! Numbers and texts as bytes, written and read.

use alloc::boxed::Box;
use alloc::vec::Vec;

#[cfg(feature = "full")]
use crate::error::Error;

/// A text. In the lean module, which looks into none, its bytes.
#[cfg(feature = "full")]
pub type Text = str;
/// A text, as bytes that are UTF-8.
#[cfg(not(feature = "full"))]
pub type Text = [u8];

/// A text of its own. (In one place: there is an allocation to it.)
#[inline(never)]
pub(crate) fn owned(text: &Text) -> Box<Text> {
    text.into()
}

/// Bytes of their own.
#[cfg(all(test, feature = "full"))]
pub(crate) fn kept(bytes: &[u8]) -> Box<[u8]> {
    bytes.into()
}

/// The text that these bytes are, if they are one.
#[cfg(feature = "full")]
pub(crate) fn utf8(bytes: &[u8]) -> Option<&Text> {
    core::str::from_utf8(bytes).ok()
}

/// The text that these bytes are, which were one when they came.
#[cfg(feature = "full")]
pub fn known(bytes: &[u8]) -> &Text {
    core::str::from_utf8(bytes).unwrap_or_default()
}

/// The bytes of a text.
#[cfg(feature = "full")]
pub const fn raw(text: &Text) -> &[u8] {
    text.as_bytes()
}

/// This word as a text.
#[cfg(feature = "full")]
pub(crate) const fn word(word: &'static str) -> &'static Text {
    word
}

#[cfg(not(feature = "full"))]
pub use lean::{known, raw};
#[cfg(not(feature = "full"))]
pub(crate) use lean::{utf8, word};
#[cfg(not(feature = "full"))]
pub(crate) use owned as kept;

#[cfg(not(feature = "full"))]
mod lean {
    use super::Text;

    /// The text that these bytes are, if they are one.
    #[inline(never)]
    pub(crate) fn utf8(bytes: &[u8]) -> Option<&Text> {
        // How many bytes are still to come of a character, and between which the next has to be.
        let (mut left, mut range) = (0, ANY);
        for &byte in bytes {
            if left > 0 {
                if byte < range.0 || byte > range.1 {
                    return None;
                }
                (left, range) = (left - 1, ANY);
                continue;
            }
            (left, range) = match byte {
                ..0x80 => (0, ANY),
                0xc2..0xe0 => (1, ANY),
                // Not what has a shorter form, no halves of pairs, nothing beyond the last.
                0xe0 => (2, (0xa0, 0xbf)),
                0xed => (2, (0x80, 0x9f)),
                0xe1..0xf0 => (2, ANY),
                0xf0 => (3, (0x90, 0xbf)),
                0xf1..0xf4 => (3, ANY),
                0xf4 => (3, (0x80, 0x8f)),
                _ => return None,
            };
        }
        (left == 0).then_some(bytes)
    }

    const ANY: (u8, u8) = (0x80, 0xbf);

    /// The text that these bytes are, which were one when they came.
    #[inline]
    pub const fn known(bytes: &[u8]) -> &Text {
        bytes
    }

    /// The bytes of a text.
    pub const fn raw(text: &Text) -> &[u8] {
        text
    }

    pub(crate) const fn word(word: &'static str) -> &'static Text {
        word.as_bytes()
    }
}

/// Writes a number, seven bits a byte, the lowest first (LEB128).
#[cfg(feature = "full")]
pub(crate) fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes how many bytes follow, and the bytes.
#[cfg(feature = "full")]
pub(crate) fn text(out: &mut Vec<u8>, text: &[u8]) {
    number(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Reads front to back. What is wrong is kept here, and `None` returned.
#[cfg(feature = "full")]
#[derive(Clone)]
pub(crate) struct Bytes<'a> {
    pub(crate) all: &'a [u8],
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

#[cfg(feature = "full")]
impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        let taken = usize::try_from(count).ok().and_then(|count| rest.get(..count));
        let Some(taken) = taken else {
            return self.fail("the checkpoint ends early");
        };
        self.at += taken.len();
        Some(taken)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        self.fail("a number that does not fit in 64 bits")
    }

    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let text = core::str::from_utf8(self.string()?).ok();
        text.or_else(|| self.fail("a text that is not UTF-8"))
    }

    pub(crate) fn fail<T>(&mut self, what: &'static str) -> Option<T> {
        self.what = what;
        None
    }

    pub(crate) fn error(&self) -> Error {
        Error::Checkpoint { at: self.at, what: self.what }
    }
}
