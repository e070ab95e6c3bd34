//! Numbers and texts as bytes, written and read.

use alloc::boxed::Box;
use alloc::vec::Vec;

#[cfg(feature = "full")]
use crate::error::Error;

/// A text of its own. (In one place: there is an allocation to it.)
#[inline(never)]
pub(crate) fn owned(text: &str) -> Box<str> {
    text.into()
}

/// Writes a number, seven bits a byte, the lowest first (LEB128).
pub(crate) fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes how many bytes follow, and the bytes.
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
