//! The line that the end of a chunk cuts, and the buffers that carry an event over.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::item::text_of;
use super::line::{BYTE_ORDER_MARK, Digits, Field, LONGEST_NAME, Line, line_end, unspaced};
use super::{Draft, Found, SseDecoder};

impl SseDecoder {
    /// Takes in the start of a line that the chunk cuts.
    ///
    /// It is known to have no line end in it, so it is not searched a second time.
    pub(super) fn begin<'c>(&mut self, start: &[u8]) -> Found<'c> {
        let head = &start[..start.len().min(LONGEST_NAME + 1)];
        if let Some(colon) = head.iter().position(|&byte| byte == b':') {
            if !self.begin_value(&head[..colon]) || !self.read_value(&start[colon + 1..]) {
                return self.too_large(&mut Draft::default());
            }
        } else if start.len() <= LONGEST_NAME {
            let mut bytes = [0; LONGEST_NAME];
            bytes[..start.len()].copy_from_slice(start);
            self.line = Line::Name { bytes, len: start.len() };
        } else {
            self.line = Line::SKIPPED;
        }
        Found::Nothing
    }

    /// Reads on in a line that began in an earlier chunk.
    ///
    /// Stops behind the line's end, or at the chunk's, or where the event becomes too large.
    pub(super) fn resume<'c>(&mut self, chunk: &[u8], at: &mut usize) -> Found<'c> {
        while let Some(&byte) = chunk.get(*at) {
            match &mut self.line {
                Line::Start => break,
                Line::Mark(read) => {
                    if byte != BYTE_ORDER_MARK[*read] {
                        // A piece of a mark is no mark, but the start of an unknown name.
                        self.line = if *read == 0 { Line::Start } else { Line::SKIPPED };
                        continue;
                    }
                    *at += 1;
                    *read += 1;
                    if *read == BYTE_ORDER_MARK.len() {
                        self.line = Line::Start;
                    }
                }
                Line::Name { bytes, len } => match byte {
                    b':' | b'\n' | b'\r' => {
                        *at += usize::from(byte == b':');
                        let (bytes, len) = (*bytes, *len);
                        if !self.begin_value(&bytes[..len]) {
                            return self.too_large(&mut Draft::default());
                        }
                    }
                    _ if *len == LONGEST_NAME => self.line = Line::SKIPPED,
                    _ => {
                        bytes[*len] = byte;
                        *len += 1;
                        *at += 1;
                    }
                },
                Line::Value { field, .. } => {
                    let field = *field;
                    let rest = &chunk[*at..];
                    let end = line_end(rest);
                    let piece = &rest[..end.unwrap_or(rest.len())];
                    *at += piece.len();
                    if !self.read_value(piece) {
                        return self.too_large(&mut Draft::default());
                    }
                    if end.is_some() {
                        *at = self.behind_line(chunk, *at);
                        self.line = Line::Start;
                        return self.end_value(field);
                    }
                }
            }
        }
        Found::Nothing
    }

    /// The name is read; false if the LF before another data line makes the event too large.
    fn begin_value(&mut self, name: &[u8]) -> bool {
        let field = Field::named(name);
        self.line = Line::Value { field, fresh: true };
        self.value.clear();
        self.digits = Digits::default();
        match field {
            Field::Data | Field::Event | Field::Id if self.skipping => self.line = Line::SKIPPED,
            Field::Data if self.has_data => {
                let fits = self.grow(1);
                append(&mut self.data, b"\n", self.limit);
                return fits;
            }
            Field::Data => self.has_data = true,
            _ => {}
        }
        true
    }

    /// Takes in the next piece of the value; false if that makes the event too large.
    fn read_value(&mut self, mut piece: &[u8]) -> bool {
        let Line::Value { field, fresh } = &mut self.line else {
            return true;
        };
        if *fresh && !piece.is_empty() {
            *fresh = false;
            piece = unspaced(piece);
        }
        let buffer = match *field {
            Field::Data => &mut self.data,
            Field::Event | Field::Id => &mut self.value,
            Field::Retry => {
                self.digits.read(piece);
                return true;
            }
            Field::Comment | Field::Unknown => return true,
        };
        self.size = self.size.saturating_add(piece.len());
        if self.size > self.limit {
            return false;
        }
        append(buffer, piece, self.limit);
        true
    }

    fn end_value<'c>(&mut self, field: Field) -> Found<'c> {
        match field {
            Field::Event => mem::swap(&mut self.kind, &mut self.value),
            Field::Id => {
                let value = mem::take(&mut self.value);
                let fits = self.keep_id(&value);
                self.value = value;
                if !fits {
                    return self.too_large(&mut Draft::default());
                }
            }
            Field::Retry => {
                if let Some(delay) = self.digits.number() {
                    return Found::Retry(delay);
                }
            }
            Field::Comment => self.commented = true,
            Field::Data | Field::Unknown => {}
        }
        Found::Nothing
    }

    /// Buffers an id, U+FFFD for what is not UTF-8; one with a NUL is ignored.
    ///
    /// False if the replacements make the event too large.
    pub(super) fn keep_id(&mut self, value: &[u8]) -> bool {
        if value.contains(&0) {
            return true;
        }
        let text = text_of(value);
        let fits = self.grow(text.len() - value.len());
        if fits {
            set_text(self.id.get_or_insert_default(), &text);
        }
        fits
    }

    /// Drops the event being read, and skips the rest of it.
    #[cold]
    pub(super) fn too_large<'c>(&mut self, draft: &mut Draft<'_>) -> Found<'c> {
        *draft = Draft::default();
        self.forget_event();
        self.skipping = true;
        if self.line != Line::Start {
            self.line = Line::SKIPPED;
        }
        Found::TooLarge
    }

    pub(super) fn forget_event(&mut self) {
        self.release();
        self.size = 0;
        self.has_data = false;
        self.id = None;
        recycle(&mut self.value);
    }

    /// Empties the buffers of an event that was handed out.
    pub(super) fn release(&mut self) {
        self.lent = false;
        recycle(&mut self.data);
        recycle(&mut self.kind);
    }
}

#[inline]
pub(crate) fn append(buffer: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    make_room(buffer, bytes.len(), limit);
    buffer.extend_from_slice(bytes);
}

/// Makes a buffer grow by doubling, but not beyond what it may ever hold.
#[inline]
pub(super) fn make_room(buffer: &mut Vec<u8>, more: usize, limit: usize) {
    let needed = buffer.len() + more;
    if needed > buffer.capacity() {
        let target = (buffer.capacity() * 2).min(limit).max(needed).max(SMALLEST);
        buffer.reserve_exact(target - buffer.len());
    }
}

pub(super) fn set_text(text: &mut String, new: &str) {
    text.clear();
    text.reserve_exact(new.len());
    text.push_str(new);
}

/// Empties a buffer, and gives back its memory if it is more than events commonly take.
pub(crate) fn recycle(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > KEPT {
        buffer.shrink_to(0);
    }
}

const SMALLEST: usize = 256;
const KEPT: usize = 1 << 20;
