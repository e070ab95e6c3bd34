//! Events as our own server frames them, and no others.
//!
//! Server-sent events may be written in many ways, and [`SseDecoder`](crate::SseDecoder) reads them
//! all. Our server writes each as `event: …`, perhaps `id: …`, and one `data: …`, in lines that end
//! with LF; a comment may stand anywhere. The lean module reads these and takes anything else for
//! [`Unlike`]: then it is for the other module to read. A property test holds the two equal on what
//! is read here.

use alloc::vec::Vec;
use core::mem;

#[cfg(not(feature = "full"))]
use crate::frame::Frame;
use crate::same::behind;
use crate::sse::{SseEvent, append, line_end, recycle};

/// A reader of such events, cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    limit: usize,
    /// The beginning of an event that the end of a chunk has cut.
    cut: Vec<u8>,
    /// It was handed out.
    lent: bool,
}

/// What came is not framed as our server does, or is larger than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unlike;

impl Plain {
    /// Reads events whose values are together no larger than so many bytes.
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Whether nothing was read of the next event.
    fn is_between(&mut self) -> bool {
        if mem::take(&mut self.lent) {
            recycle(&mut self.cut);
        }
        self.cut.is_empty()
    }

    /// The next event out of `rest`, which is advanced, or a comment; `None` when it is used up.
    pub(crate) fn event<'s, 'c: 's>(
        &'s mut self,
        rest: &mut &'c [u8],
    ) -> Option<Result<Option<SseEvent<'s>>, Unlike>> {
        if self.is_between() {
            let mut read_to = 0;
            let found = read(rest, &mut read_to, self.limit);
            *rest = rest.get(read_to..).unwrap_or_default();
            if found != Ok(None) {
                return Some(found);
            }
        }
        let (piece, ends) = up_to_blank(rest, self.cut.ends_with(b"\n"));
        if self.cut.len() + piece.len() > self.limit.saturating_add(AROUND) {
            return Some(Err(Unlike));
        }
        append(&mut self.cut, piece, self.limit.saturating_add(AROUND));
        *rest = rest.get(piece.len()..).unwrap_or_default();
        if !ends {
            return None;
        }
        self.lent = true;
        Some(read(&self.cut, &mut 0, self.limit))
    }
}

/// As the framing of any stream has it. There are no ids here: our own server says where a stream
/// stands in its data.
#[cfg(not(feature = "full"))]
#[expect(clippy::unused_self, reason = "there is nothing else to frame")]
impl Plain {
    pub(crate) fn sse(limit: usize) -> Self {
        Self::with_limit(limit)
    }

    pub(crate) fn next<'s, 'c: 's>(&'s mut self, rest: &mut &'c [u8]) -> Option<Frame<'s>> {
        Some(match self.event(rest)? {
            Ok(Some(event)) => Frame::Event(event),
            Ok(None) => Frame::Comment,
            Err(Unlike) => Frame::Unlike,
        })
    }

    pub(crate) fn is_fresh(&mut self) -> bool {
        self.is_between()
    }

    pub(crate) const fn skip(&self, _: usize) {}

    /// The connection ended: what is incomplete is dropped.
    pub(crate) fn end(&mut self) {
        recycle(&mut self.cut);
    }

    pub(crate) const fn read_lines(&self, _: bool, _: usize) {}

    pub(crate) const fn saw_id(&self, _: &str) {}

    pub(crate) const fn forget_id(&self) {}

    pub(crate) const fn last_event_id(&self) -> &'static str {
        ""
    }
}

/// Reads the first event that is whole, and advances `from` behind it; or, if none is, to where the
/// first begins that is not.
fn read<'b>(
    bytes: &'b [u8],
    from: &mut usize,
    limit: usize,
) -> Result<Option<SseEvent<'b>>, Unlike> {
    let mut rest = bytes;
    let (mut kind, mut data, mut id, mut size) = (None, None, None, 0);
    while let Some((line, after)) = line_end(rest).and_then(|end| rest.split_at_checked(end)) {
        // Behind a line there is a LF, or else a CR.
        rest = after.strip_prefix(b"\n").ok_or(Unlike)?;
        let (place, value) = if let Some(value) = behind(line, b"data: ") {
            (&mut data, value)
        } else if let Some(value) = behind(line, b"event: ") {
            (&mut kind, value)
        } else if let Some(value) = behind(line, b"id: ") {
            (&mut id, value)
        } else if line.is_empty() || line.starts_with(b":") {
            if kind.is_none() && data.is_none() {
                (*from, id, size) = (bytes.len() - rest.len(), None, 0);
            } else if line.is_empty() {
                *from = bytes.len() - rest.len();
                return match (kind, data) {
                    (Some(kind), Some(data)) if kind != b"" && size <= limit => {
                        Ok(Some(SseEvent { kind, data, id: "" }))
                    }
                    _ => Err(Unlike),
                };
            }
            continue;
        } else {
            return Err(Unlike);
        };
        size += value.len();
        if place.replace(value).is_some() {
            return Err(Unlike);
        }
    }
    Ok(None)
}

/// The bytes up to the end of the first blank line, and whether there is one; `begun`: they begin
/// behind the end of a line.
fn up_to_blank(bytes: &[u8], mut begun: bool) -> (&[u8], bool) {
    let mut at = 0;
    while let Some(end) = bytes.get(at..).and_then(line_end) {
        at += end + 1;
        if begun && end == 0 {
            return (bytes.get(..at).unwrap_or_default(), true);
        }
        begun = true;
    }
    (bytes, false)
}

/// What of an event is no value: the names of its fields, and line ends. (Comments within an event
/// that is cut have to fit in here, too, if it is as large as may be.)
const AROUND: usize = 256;

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use super::*;
    use crate::sse::{SseDecoder, SseItem};

    type Seen = Vec<Option<(String, String)>>;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).to_string()
    }

    /// Events up to the first thing that is unlike, which is `None`.
    fn plain(chunks: &[&[u8]], limit: usize) -> Seen {
        let mut plain = Plain::with_limit(limit);
        let mut seen = Vec::new();
        for mut rest in chunks.iter().copied() {
            while let Some(event) = plain.event(&mut rest) {
                match event {
                    Ok(Some(event)) => seen.push(Some((text(event.kind), text(event.data)))),
                    Ok(None) => {}
                    Err(Unlike) => {
                        seen.push(None);
                        return seen;
                    }
                }
            }
        }
        seen
    }

    fn any(chunks: &[&[u8]], limit: usize) -> Seen {
        let mut decoder = SseDecoder::with_limit(limit);
        let mut seen = Vec::new();
        for mut rest in chunks.iter().copied() {
            while let Some(item) = decoder.next(&mut rest) {
                match item {
                    SseItem::Event(event) => seen.push(Some((text(event.kind), text(event.data)))),
                    SseItem::Comment => {}
                    _ => seen.push(None),
                }
            }
        }
        seen
    }

    /// Says the same as the decoder, or no more from some event on; however it is cut.
    fn check(stream: &str, unlike: bool) {
        let bytes = stream.as_bytes();
        for limit in [1000, 20, 8] {
            let whole = any(&[bytes], limit);
            let told = plain(&[bytes], limit);
            let heard = told.iter().take_while(|event| event.is_some()).count();
            assert_eq!(told[..heard], whole[..heard], "{stream:?} within {limit}");
            if limit == 1000 {
                assert_eq!(heard < told.len(), unlike, "{stream:?}");
                assert!(unlike || told == whole, "{stream:?}");
            }
            for at in 0..bytes.len() {
                let cut = plain(&[&bytes[..at], &bytes[at..]], limit);
                assert_eq!(cut, told, "{stream:?} cut at {at}, within {limit}");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(plain(&single, limit), told, "{stream:?} byte by byte, within {limit}");
        }
    }

    #[test]
    fn what_our_server_writes_is_read() {
        check(
            "event: a\ndata: 1\n\nevent: b\nid: e.1\ndata: {\"x\":2}\n\nevent: c\ndata: cut",
            false,
        );
        check(
            ": hello\n\nevent: a\n: between\ndata: 1\n\n:\n:\nid: 7\n\nevent: b\ndata: \n\n",
            false,
        );
        check("\n\nevent: \ndata:  two\n\n", true);
    }

    #[test]
    fn what_is_written_in_another_way_is_not() {
        for odd in [
            "event: a\r\ndata: 1\r\n\r\n",
            "event: a\ndata: 1\r\n\n",
            "event: a\ndata: 1\rdata: 2\n\n",
            ": a\r\n\n",
            "data: 1\n\n",
            "event: a\n\n",
            "event: a\ndata: 1\ndata: 2\n\n",
            "event: a\nevent: b\ndata: 1\n\n",
            "event:a\ndata: 1\n\n",
            "retry: 10\n\n",
            "\u{feff}event: a\ndata: 1\n\n",
            "data\n\n",
        ] {
            check(&("event: a\ndata: 1\n\n".to_string() + odd), true);
            check(odd, true);
        }
    }
}
