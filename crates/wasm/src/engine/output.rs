//! What JavaScript is to read: JSON, which it reads faster than anything else.

use alloc::vec::Vec;
use core::mem;

use super::write_text;

/// JSON as it is being written: an array in an array, texts, whole numbers.
pub(super) struct Output(Vec<u8>);

impl Output {
    /// Writes a list as the text, whose length is the answer.
    #[inline(never)]
    pub(super) fn write(then: &mut dyn FnMut(&mut Self)) -> u32 {
        write_text(&mut |text| {
            let mut output = Self(mem::take(text));
            output.open();
            then(&mut output);
            output.close();
            *text = output.0;
        })
    }

    /// Begins a list.
    pub(super) fn open(&mut self) {
        self.comma();
        self.0.push(b'[');
    }

    /// Ends it.
    pub(super) fn close(&mut self) {
        self.0.push(b']');
    }

    pub(super) fn none(&mut self) {
        self.word("null");
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.word(if flag { "1" } else { "0" });
    }

    /// A number that a JavaScript number can hold, or is held for one.
    pub(super) fn number(&mut self, number: u64) {
        self.comma();
        self.digits(number);
    }

    pub(super) fn maybe(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.number(number),
            None => self.none(),
        }
    }

    /// An integer, as text where a JavaScript number cannot hold it.
    #[cfg(feature = "full")]
    pub(super) fn exact(&mut self, number: i64) {
        self.comma();
        let size = number.unsigned_abs();
        let quoted = size >= 1 << 53;
        if quoted {
            self.0.push(b'"');
        }
        if number < 0 {
            self.0.push(b'-');
        }
        self.digits(size);
        if quoted {
            self.0.push(b'"');
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Bytes that ought to be UTF-8; JavaScript puts U+FFFD for what is not.
    pub(super) fn bytes(&mut self, text: &[u8]) {
        self.comma();
        self.0.push(b'"');
        for &byte in text {
            match byte {
                b'"' | b'\\' => self.0.extend_from_slice(&[b'\\', byte]),
                0..0x20 => {
                    let hex = |digit: u8| digit + if digit < 10 { b'0' } else { b'a' - 10 };
                    let escape = [b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), hex(byte & 15)];
                    self.0.extend_from_slice(&escape);
                }
                _ => self.0.push(byte),
            }
        }
        self.0.push(b'"');
    }

    pub(super) fn maybe_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.none(),
        }
    }

    fn word(&mut self, word: &str) {
        self.comma();
        self.0.extend_from_slice(word.as_bytes());
    }

    fn comma(&mut self) {
        if !matches!(self.0.last(), None | Some(b'[')) {
            self.0.push(b',');
        }
    }

    fn digits(&mut self, mut number: u64) {
        // Backwards, and then turned round.
        let start = self.0.len();
        loop {
            self.0.push(b'0' + (number % 10) as u8);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.0.get_mut(start..).unwrap_or_default().reverse();
    }
}
