//! What JavaScript wrote.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::PORT;

/// The input, taken out of the port for as long as it is read.
pub(super) struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    pub(super) fn take() -> Self {
        Self { bytes: PORT.with(|port| mem::take(&mut port.input)), at: 0 }
    }

    /// The first so many bytes.
    pub(super) fn bytes(&self, size: usize) -> &[u8] {
        self.bytes.get(..size).unwrap_or_default()
    }

    /// Where the next text is, each with its length before it in four bytes; `None` stands for
    /// `undefined`.
    pub(super) fn next(&mut self) -> Option<(usize, usize)> {
        let length = self.bytes.get(self.at..)?.first_chunk()?;
        let length = u32::from_le_bytes(*length);
        let start = self.at + 4;
        self.at = if length == NONE { start } else { start + length as usize };
        (length != NONE).then_some((start, self.at))
    }

    /// Text that lies there; empty where there is none.
    pub(super) fn text(&self, place: Option<(usize, usize)>) -> &str {
        core::str::from_utf8(self.raw(place)).unwrap_or_default()
    }

    /// The same as bytes.
    pub(super) fn raw(&self, place: Option<(usize, usize)>) -> &[u8] {
        place.and_then(|(start, end)| self.bytes.get(start..end)).unwrap_or_default()
    }

    /// The next text, if there is one, copied.
    pub(super) fn owned(&mut self) -> Option<String> {
        let place = self.next();
        place.map(|_| self.text(place).into())
    }

    /// Numbers, each in eight bytes.
    pub(super) fn doubles(&self, count: usize) -> Vec<f64> {
        let (numbers, _) = self.bytes.as_chunks();
        numbers.iter().take(count).map(|number| f64::from_le_bytes(*number)).collect()
    }

    /// Numbers, each in four bytes.
    pub(super) fn words(&self, count: usize) -> impl Iterator<Item = u32> {
        let (numbers, _) = self.bytes.as_chunks();
        numbers.iter().take(count).map(|number| u32::from_le_bytes(*number))
    }

    /// Goes on with texts behind so many bytes.
    pub(super) fn skip(mut self, bytes: usize) -> Self {
        self.at = bytes;
        self
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let bytes = mem::take(&mut self.bytes);
        PORT.with(|port| port.input = bytes);
    }
}

const NONE: u32 = u32::MAX;
