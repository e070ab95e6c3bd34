//! The line that the end of a chunk cuts, and the buffers that carry an event over.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::item::text_of;
use super::line::{BYTE_ORDER_MARK, Digits, Field, LONGEST_NAME, Line, line_end, unspaced};
use super::{Draft, Found, SseDecoder};

impl SseDecoder {
    /// Reads on in a line that began in an earlier chunk, or that this one cuts.
    ///
    /// Stops behind the line's end, or at the chunk's, or where the event becomes too large.
    pub(super) fn resume<'c>(&mut self, chunk: &[u8], at: &mut usize) -> Found<'c> {
        loop {
            let Some(&byte) = chunk.get(*at) else {
                return Found::Nothing;
            };
            match &mut self.line {
                Line::Start => return Found::Nothing,
                Line::Mark(read) => {
                    if byte != BYTE_ORDER_MARK[*read] {
                        // A piece of a mark is no mark, but the start of an unknown name.
                        self.line = if *read == 0 { Line::Start } else { Line::SKIPPED };
                    } else if *read + 1 == BYTE_ORDER_MARK.len() {
                        *at += 1;
                        self.line = Line::Start;
                    } else {
                        *at += 1;
                        *read += 1;
                    }
                }
                Line::Name { bytes, len } => match byte {
                    b':' => {
                        let field = Field::named(&bytes[..*len]);
                        *at += 1;
                        if !self.begin_value(field) {
                            return self.too_large(&mut Draft::default());
                        }
                    }
                    b'\n' | b'\r' => {
                        let field = Field::named(&bytes[..*len]);
                        if !self.begin_value(field) {
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
                Line::Value { field, fresh } => {
                    let field = *field;
                    let fresh = mem::take(fresh);
                    let rest = &chunk[*at..];
                    let end = line_end(rest);
                    let piece = &rest[..end.unwrap_or(rest.len())];
                    if !self.keep_piece(field, if fresh { unspaced(piece) } else { piece }) {
                        return self.too_large(&mut Draft::default());
                    }
                    *at += piece.len();
                    if end.is_none() {
                        return Found::Nothing;
                    }
                    *at = self.behind_line(chunk, *at);
                    self.line = Line::Start;
                    return self.end_value(field);
                }
            }
        }
    }

    fn begin_value(&mut self, field: Field) -> bool {
        self.line = Line::Value { field, fresh: true };
        self.value.clear();
        self.digits = Digits::default();
        match field {
            Field::Data | Field::Event | Field::Id if self.skipping => self.line = Line::SKIPPED,
            Field::Data if self.has_data => {
                append(&mut self.data, b"\n", self.limit);
                return self.grow(1);
            }
            Field::Data => self.has_data = true,
            _ => {}
        }
        true
    }

    fn keep_piece(&mut self, field: Field, piece: &[u8]) -> bool {
        match field {
            Field::Data | Field::Event | Field::Id => {
                let fits = self.grow(piece.len());
                if fits {
                    let buffer =
                        if field == Field::Data { &mut self.data } else { &mut self.value };
                    append(buffer, piece, self.limit);
                }
                fits
            }
            Field::Retry => {
                self.digits.read(piece);
                true
            }
            Field::Comment | Field::Unknown => true,
        }
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

/// Appends to a buffer that grows by doubling, but not beyond what it may ever hold.
#[inline]
pub(super) fn append(buffer: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let needed = buffer.len() + bytes.len();
    if needed > buffer.capacity() {
        let target = (buffer.capacity() * 2).min(limit).max(needed).max(SMALLEST);
        buffer.reserve_exact(target - buffer.len());
    }
    buffer.extend_from_slice(bytes);
}

pub(super) fn set_text(text: &mut String, new: &str) {
    text.clear();
    text.reserve_exact(new.len());
    text.push_str(new);
}

/// Empties a buffer, and gives back its memory if it is more than events commonly take.
fn recycle(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > KEPT {
        buffer.shrink_to(0);
    }
}

const SMALLEST: usize = 256;
const KEPT: usize = 1 << 20;
