//! Server-Sent Events: bytes in, events out.
//!
//! Two paths lead through the decoder. Lines that are whole in a chunk are read where they
//! lie ([`SseDecoder::scan`]); an event of such lines, with one data line, is never copied.
//! The line that a chunk's end cuts is read by a state machine ([`SseDecoder::resume`]) which
//! buffers what is wanted of it and forgets the rest, so that no byte is looked at twice and
//! comments cost no memory however long they are.

mod cut;
mod item;
mod line;

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::same::behind;
pub(crate) use cut::append;
#[cfg(any(test, not(feature = "full")))]
pub(crate) use cut::recycle;
use cut::{make_room, set_text};
pub use item::{SseEvent, SseItem};
pub(crate) use line::line_end;
use line::{Digits, Field, Line, near_line_end};

/// An incremental decoder of one event source, over as many connections as it takes.
///
/// Follows the WHATWG standard (HTML, 9.2.6) to the byte, and where the letter of it and the
/// browsers differ, the browsers: the last event id survives a reconnect.
///
/// Hand each chunk to [`next`](Self::next) until that returns `None`. At the end of a
/// connection call [`finish`](Self::finish).
///
/// ```
/// use highwater_core::{SseDecoder, SseItem};
///
/// let mut decoder = SseDecoder::new();
/// let mut seen = Vec::new();
/// for chunk in ["event: greet\nda", "ta: hello\nid: 7\n\n: still here\n"] {
///     let mut rest = chunk.as_bytes();
///     while let Some(item) = decoder.next(&mut rest) {
///         if let SseItem::Event(event) = item {
///             assert_eq!(event.kind, b"greet");
///             seen.push(event.data_text().into_owned());
///         }
///     }
/// }
/// assert_eq!(seen, ["hello"]);
/// assert_eq!(decoder.last_event_id(), "7");
/// ```
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is true or not whatever the others are")]
pub struct SseDecoder {
    limit: usize,
    offset: u64,
    /// Offset of the event being read: behind the blank line before it.
    began: u64,
    line: Line,
    /// The chunk ended in CR: a LF at the start of the next belongs to it.
    swallow_lf: bool,
    /// The event being read was too large: skip it.
    skipping: bool,
    /// A comment line ended and no item was handed out since.
    commented: bool,
    /// `data` and `kind` hold an event that was handed out by the last call.
    lent: bool,
    /// Bytes of the event's values read so far, kept or not, with a LF between data lines.
    /// Bounds every buffer, and does not depend on how the stream is cut.
    size: usize,
    has_data: bool,
    data: Vec<u8>,
    kind: Vec<u8>,
    /// The id of the event being read, in force when the event ends.
    id: Option<String>,
    /// The value so far of an `event` or `id` line that a chunk's end has cut.
    value: Vec<u8>,
    /// The value so far of such a `retry` line.
    digits: Digits,
    last_event_id: String,
}

impl SseDecoder {
    /// A decoder that takes events of up to 64 MiB.
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// A decoder that drops an event whose type, id and data together exceed so many bytes.
    ///
    /// It never buffers more than that for an event, and as much again for the last event id.
    pub fn with_limit(max_event_bytes: usize) -> Self {
        Self {
            limit: max_event_bytes,
            offset: 0,
            began: 0,
            line: Line::Mark(0),
            swallow_lf: false,
            skipping: false,
            commented: false,
            lent: false,
            size: 0,
            has_data: false,
            data: Vec::new(),
            kind: Vec::new(),
            id: None,
            value: Vec::new(),
            digits: Digits::default(),
            last_event_id: String::new(),
        }
    }

    /// The next item out of `rest`, which is advanced past what was read.
    ///
    /// `None` when the chunk is used up; then, and not before, hand in the next one.
    /// An event comes out with the byte that ends it, never later.
    /// The item borrows from the chunk and the decoder, until the next call.
    #[inline]
    pub fn next<'s, 'c: 's>(&'s mut self, rest: &mut &'c [u8]) -> Option<SseItem<'s>> {
        if self.lent {
            self.release();
        }
        let (read, found) = self.scan(rest);
        *rest = &rest[read..];
        self.offset += read as u64;
        match found {
            Found::Nothing => None,
            Found::Comment => Some(SseItem::Comment),
            Found::Retry(delay) => Some(SseItem::Retry(delay)),
            Found::TooLarge => Some(SseItem::TooLarge { limit: self.limit, offset: self.began }),
            Found::Event { kind, data } => {
                let kind = kind.unwrap_or(&self.kind);
                Some(SseItem::Event(SseEvent {
                    kind: if kind.is_empty() { b"message" } else { kind },
                    data: data.unwrap_or(&self.data),
                    id: &self.last_event_id,
                }))
            }
        }
    }

    /// Ends the connection: what is not a whole event by now is dropped.
    ///
    /// The last event id stays; the next byte is the first of a new stream.
    pub fn finish(&mut self) {
        self.forget_event();
        self.offset = 0;
        self.began = 0;
        self.line = Line::Mark(0);
        self.swallow_lf = false;
        self.skipping = false;
        self.commented = false;
    }

    /// Sets what a reconnect would send, as if a stream had said so.
    pub fn set_last_event_id(&mut self, id: &str) {
        set_text(&mut self.last_event_id, id);
    }

    /// The id of the last event that was whole, with data or without: what a reconnect sends.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Whether what was read ends where an event may begin: nothing is kept for the next chunk.
    pub fn is_between_events(&self) -> bool {
        matches!(self.line, Line::Start | Line::Mark(0)) && self.began == self.offset
    }

    /// Bytes of this stream read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads up to the next item or to the end of the chunk, and says how far it came.
    fn scan<'c>(&mut self, chunk: &'c [u8]) -> (usize, Found<'c>) {
        let mut at = 0;
        if self.swallow_lf && !chunk.is_empty() {
            self.swallow_lf = false;
            if chunk[0] == b'\n' {
                at = 1;
                self.began += u64::from(self.began == self.offset);
            }
        }
        if self.line != Line::Start {
            let found = self.resume(chunk, &mut at);
            if !matches!(found, Found::Nothing) {
                return (at, found);
            }
        }
        if self.is_between()
            && let Some((read, kind, data)) = two_lines(&chunk[at..], self.limit)
        {
            at += read;
            self.began = self.offset + at as u64;
            self.commented = false;
            return (at, Found::Event { kind: Some(kind), data: Some(data) });
        }
        let mut draft = Draft::default();
        while let Some(&first) = chunk.get(at) {
            let rest = &chunk[at..];
            if matches!(first, b'\n' | b'\r') {
                at = self.behind_line(chunk, at);
                self.began = self.offset + at as u64;
                if self.end_event(&mut draft) {
                    return (at, Found::Event { kind: draft.kind, data: draft.data });
                }
                continue;
            }
            // Of all lines it is those with data that are long.
            let end = if first == b'd' { line_end(rest) } else { near_line_end(rest) };
            let Some(length) = end else {
                self.keep(&mut draft);
                at = chunk.len();
                match self.begin(rest) {
                    Found::Nothing => break,
                    found => return (at, found),
                }
            };
            at = self.behind_line(chunk, at + length);
            if first == b':' {
                self.commented = true;
                continue;
            }
            let (field, value) = Field::of_line(&rest[..length]);
            let found = self.take(field, value, &mut draft);
            if !matches!(found, Found::Nothing) {
                return (at, found);
            }
        }
        self.keep(&mut draft);
        (at, if mem::take(&mut self.commented) { Found::Comment } else { Found::Nothing })
    }

    /// Whether the next byte is the first of an event, wherever it lies.
    #[inline]
    pub(crate) fn is_fresh(&mut self) -> bool {
        if self.lent {
            self.release();
        }
        !self.swallow_lf && self.is_between()
    }

    /// So many bytes, of whole events, were read elsewhere.
    pub(crate) const fn skip(&mut self, bytes: usize) {
        if bytes > 0 {
            self.offset += bytes as u64;
            self.began = self.offset;
            self.commented = false;
        }
    }

    /// Whether nothing was read of the next event.
    #[inline]
    fn is_between(&self) -> bool {
        self.size == 0
            && !self.has_data
            && !self.skipping
            && self.id.is_none()
            && self.kind.is_empty()
            && self.line == Line::Start
    }

    /// Takes in a line that is whole in the chunk.
    #[inline]
    fn take<'c>(&mut self, field: Field, value: &'c [u8], draft: &mut Draft<'c>) -> Found<'c> {
        match field {
            Field::Data | Field::Event | Field::Id if self.skipping => {}
            Field::Data => {
                let first = !self.has_data && draft.data.is_none();
                if !self.grow(value.len() + usize::from(!first)) {
                    return self.too_large(draft);
                }
                if first {
                    draft.data = Some(value);
                } else {
                    self.keep_data(draft);
                    make_room(&mut self.data, 1 + value.len(), self.limit);
                    self.data.push(b'\n');
                    self.data.extend_from_slice(value);
                }
            }
            Field::Event => {
                if !self.grow(value.len()) {
                    return self.too_large(draft);
                }
                draft.kind = Some(value);
            }
            Field::Id => {
                if !self.grow(value.len()) {
                    return self.too_large(draft);
                }
                match core::str::from_utf8(value) {
                    Ok(id) if !id.contains('\0') => draft.id = Some(id),
                    Ok(_) => {}
                    Err(_) => {
                        self.keep(draft);
                        if !self.keep_id(value) {
                            return self.too_large(draft);
                        }
                    }
                }
            }
            Field::Retry => {
                let mut digits = Digits::default();
                digits.read(value);
                if let Some(delay) = digits.number() {
                    self.keep(draft);
                    return Found::Retry(delay);
                }
            }
            Field::Comment => self.commented = true,
            Field::Unknown => {}
        }
        Found::Nothing
    }

    /// A blank line: the id comes into force. True if there is an event to hand out.
    #[inline]
    fn end_event(&mut self, draft: &mut Draft<'_>) -> bool {
        self.size = 0;
        self.skipping = false;
        let kept = self.id.take();
        if let Some(id) = draft.id.take() {
            set_text(&mut self.last_event_id, id);
        } else if let Some(id) = kept {
            self.last_event_id = id;
        }
        if !self.has_data && draft.data.is_none() {
            draft.kind = None;
            self.kind.clear();
            return false;
        }
        self.commented = false;
        self.has_data = false;
        self.lent = true;
        true
    }

    /// Moves what the draft borrows from a chunk into the buffers.
    fn keep(&mut self, draft: &mut Draft<'_>) {
        self.keep_data(draft);
        if let Some(kind) = draft.kind.take() {
            self.kind.clear();
            append(&mut self.kind, kind, self.limit);
        }
        if let Some(id) = draft.id.take() {
            set_text(self.id.get_or_insert_default(), id);
        }
    }

    #[inline]
    fn keep_data(&mut self, draft: &mut Draft<'_>) {
        if let Some(data) = draft.data.take() {
            append(&mut self.data, data, self.limit);
            self.has_data = true;
        }
    }

    /// Counts so many more bytes of the event; false if that is too many.
    #[inline]
    fn grow(&mut self, bytes: usize) -> bool {
        self.size = self.size.saturating_add(bytes);
        self.size <= self.limit
    }

    /// Steps over the line end at `at`; the LF of a CRLF may be in the next chunk.
    #[inline]
    fn behind_line(&mut self, chunk: &[u8], at: usize) -> usize {
        if chunk[at] == b'\n' {
            return at + 1;
        }
        match chunk.get(at + 1) {
            Some(b'\n') => at + 2,
            Some(_) => at + 1,
            None => {
                self.swallow_lf = true;
                at + 1
            }
        }
    }
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads an event that is whole in the chunk, and nothing but `event: …` and `data: …`: nearly all
/// are. Says how long it is.
#[inline]
fn two_lines(chunk: &[u8], limit: usize) -> Option<(usize, &[u8], &[u8])> {
    let rest = behind(chunk, b"event: ")?;
    let (kind, rest) = rest.split_at_checked(near_line_end(rest)?)?;
    let rest = behind(rest, b"\ndata: ")?;
    let (data, rest) = rest.split_at_checked(line_end(rest)?)?;
    let rest = behind(rest, b"\n\n")?;
    let fits = kind.len() + data.len() <= limit;
    fits.then_some((chunk.len() - rest.len(), kind, data))
}

/// What was read of an event from the chunk at hand, and is not copied yet.
///
/// A part that is here is newer than the same part in the decoder's buffers;
/// `data` is here only if the buffers have none.
#[derive(Default)]
struct Draft<'c> {
    kind: Option<&'c [u8]>,
    data: Option<&'c [u8]>,
    id: Option<&'c str>,
}

/// An item, as far as it lies in the chunk; `None` parts are in the decoder's buffers.
enum Found<'c> {
    /// The chunk is used up.
    Nothing,
    Comment,
    Retry(u64),
    TooLarge,
    Event {
        kind: Option<&'c [u8]>,
        data: Option<&'c [u8]>,
    },
}

const DEFAULT_LIMIT: usize = 64 << 20;
