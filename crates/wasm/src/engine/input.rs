//! What JavaScript wrote.

#[cfg(feature = "full")]
use alloc::string::String;
use alloc::vec::Vec;

use highwater_core::{Text, known};

use super::{INPUT, NONE};

/// The input, taken for as long as it is read.
pub(super) struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    #[inline(never)]
    pub(super) fn take() -> Self {
        Self { bytes: INPUT.take(), at: 0 }
    }

    /// Goes on with texts behind so many bytes.
    pub(super) fn behind(mut self, bytes: usize) -> Self {
        self.at = bytes;
        self
    }

    /// The first so many bytes.
    pub(super) fn bytes(&self, size: usize) -> &[u8] {
        self.bytes.get(..size).unwrap_or_default()
    }

    /// Where the next text is, each with its length before it in four bytes; `None` stands for
    /// `undefined`.
    #[inline(never)]
    pub(super) fn next(&mut self) -> Option<(usize, usize)> {
        let length = self.word(self.at)?;
        self.at += 4;
        if length == NONE {
            return None;
        }
        let start = self.at;
        self.at += length as usize;
        Some((start, self.at))
    }

    /// The bytes of such a text.
    pub(super) fn raw(&self, place: Option<(usize, usize)>) -> &[u8] {
        place.and_then(|(start, end)| self.bytes.get(start..end)).unwrap_or_default()
    }

    /// Such a text; empty where there is none.
    pub(super) fn text(&self, place: Option<(usize, usize)>) -> &Text {
        known(self.raw(place))
    }

    /// The next text, if there is one, copied.
    #[cfg(feature = "full")]
    pub(super) fn owned(&mut self) -> Option<String> {
        let place = self.next();
        place.map(|_| self.text(place).into())
    }

    /// The texts up to the next that is `undefined`.
    #[cfg(feature = "full")]
    pub(super) fn list(&mut self) -> Vec<String> {
        let mut list = Vec::new();
        while let Some(text) = self.owned() {
            list.push(text);
        }
        list
    }

    /// The number at this place, each in eight bytes; NaN where there is none.
    pub(super) fn double(&self, at: usize) -> f64 {
        let bytes = self.bytes.get(at * 8..).and_then(|bytes| bytes.first_chunk());
        bytes.map_or(f64::NAN, |bytes| f64::from_le_bytes(*bytes))
    }

    /// The number that begins at this byte, in four.
    pub(super) fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }
}

impl Drop for Input {
    #[inline(never)]
    fn drop(&mut self) {
        INPUT.set(core::mem::take(&mut self.bytes));
    }
}
