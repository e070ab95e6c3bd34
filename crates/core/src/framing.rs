//! From bytes to events: server-sent events, or lines of JSON.

use alloc::vec::Vec;

use memchr::memchr;

use crate::frame::Frame;
use crate::sse::{SseDecoder, SseEvent, SseItem};

/// The reader of one event source, over all its connections.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    sse: SseDecoder,
    /// There while the stream is NDJSON.
    lines: Option<Lines>,
}

/// NDJSON: every line that is not empty is an event of type `message`.
#[derive(Debug)]
struct Lines {
    limit: usize,
    at: u64,
    partial: Vec<u8>,
    /// `partial` was handed out.
    lent: bool,
    /// The line is too large: read over the rest of it.
    skipping: bool,
}

impl Framing {
    pub(crate) fn sse(limit: usize) -> Self {
        Self { sse: SseDecoder::with_limit(limit), lines: None }
    }

    pub(crate) fn read_lines(&mut self, lines: bool, limit: usize) {
        self.lines = lines.then(|| Lines {
            limit,
            at: 0,
            partial: Vec::new(),
            lent: false,
            skipping: false,
        });
    }

    /// The next frame out of `rest`, which is advanced; `None` when it is used up.
    pub(crate) fn next<'s, 'c: 's>(&'s mut self, rest: &mut &'c [u8]) -> Option<Frame<'s>> {
        if let Some(lines) = &mut self.lines {
            return lines.next(rest);
        }
        Some(match self.sse.next(rest)? {
            SseItem::Event(event) => Frame::Event(event),
            SseItem::Retry(millis) => Frame::Retry(millis),
            SseItem::TooLarge { limit, offset } => Frame::TooLarge { limit, at: offset },
            _ => Frame::Comment,
        })
    }

    /// Whether server-sent events come, and nothing was read of the next.
    #[inline]
    pub(crate) fn is_fresh(&mut self) -> bool {
        self.lines.is_none() && self.sse.is_fresh()
    }

    /// So many bytes of events were read elsewhere.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.sse.skip(bytes);
    }

    /// The connection ended: what is incomplete is dropped.
    pub(crate) fn end(&mut self) {
        self.sse.finish();
        if let Some(Lines { limit, .. }) = self.lines {
            self.read_lines(true, limit);
        }
    }

    /// Whether what was read ends where an event may begin.
    pub(crate) fn is_between_events(&self) -> bool {
        match &self.lines {
            Some(lines) => (lines.partial.is_empty() || lines.lent) && !lines.skipping,
            None => self.sse.is_between_events(),
        }
    }

    pub(crate) fn last_event_id(&self) -> &str {
        self.sse.last_event_id()
    }

    /// An event source of the platform's own told its last event id.
    pub(crate) fn saw_id(&mut self, id: &str) {
        if id != self.sse.last_event_id() {
            self.sse.set_last_event_id(id);
        }
    }

    pub(crate) fn forget_id(&mut self) {
        self.sse.set_last_event_id("");
    }
}

impl Lines {
    fn next<'s, 'c: 's>(&'s mut self, rest: &mut &'c [u8]) -> Option<Frame<'s>> {
        if core::mem::take(&mut self.lent) {
            self.partial.clear();
        }
        loop {
            let end = memchr(b'\n', rest);
            let (line, after) = match end {
                Some(end) => (&rest[..end], &rest[end + 1..]),
                None => (*rest, &rest[rest.len()..]),
            };
            self.at += (rest.len() - after.len()) as u64;
            *rest = after;
            if self.skipping {
                self.skipping = end.is_none();
            } else if self.partial.len() + line.len() > self.limit {
                self.partial = Vec::new();
                self.skipping = end.is_none();
                return Some(Frame::TooLarge { limit: self.limit, at: self.at });
            } else if end.is_none() {
                self.partial.extend_from_slice(line);
            } else if self.partial.is_empty() {
                if !line.trim_ascii().is_empty() {
                    return Some(message(line));
                }
            } else {
                self.partial.extend_from_slice(line);
                self.lent = true;
                return Some(message(&self.partial));
            }
            if rest.is_empty() {
                return None;
            }
        }
    }
}

fn message(data: &[u8]) -> Frame<'_> {
    Frame::Event(SseEvent { kind: b"message", data, id: "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn read(limit: usize, chunks: &[&[u8]]) -> Vec<String> {
        let mut framing = Framing::sse(limit);
        framing.read_lines(true, limit);
        let mut seen = Vec::new();
        for mut rest in chunks.iter().copied() {
            while let Some(frame) = framing.next(&mut rest) {
                seen.push(match frame {
                    Frame::Event(event) => core::str::from_utf8(event.data).unwrap().to_string(),
                    Frame::TooLarge { at, .. } => alloc::format!("too large at {at}"),
                    _ => unreachable!("lines are events"),
                });
            }
        }
        seen
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text: &[u8] = b"{\"a\":1}\n\n[2]\r\n3\nunfinished";
        let whole = read(100, &[text]);
        assert_eq!(whole, ["{\"a\":1}", "[2]\r", "3"]);
        for at in 0..text.len() {
            assert_eq!(read(100, &[&text[..at], &text[at..]]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(read(100, &bytes), whole);
    }

    #[test]
    fn a_line_too_large_is_skipped_and_the_next_is_read() {
        let text: &[u8] = b"1\n234567\n8\n";
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(read(4, &bytes), ["1", "too large at 7", "8"]);
        assert_eq!(read(4, &[text]), ["1", "too large at 9", "8"]);
    }
}
