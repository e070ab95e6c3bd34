//! A recorded body, read event by event, never as a whole.

use super::session::Head;
use crate::serve::Failure;
use highwater_core::{Event, SseDecoder, SseEvent, SseItem};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Cursor, ErrorKind, Read, stdin};

/// What a body is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Server-sent events.
    Events,
    /// Lines of JSON.
    Lines,
}

/// One recorded response body.
pub(super) struct Recording {
    name: String,
    input: BufReader<Box<dyn Read>>,
    format: Format,
    cutter: Cutter,
    session: Option<Head>,
    /// Bytes read, and where the last piece ended.
    read: u64,
    end: u64,
    pieces: u64,
}

/// What comes next in a body.
pub(super) enum Piece<'a> {
    /// An event, and the byte at which it (or the comments before it) began.
    Event { event: Event<'a>, at: u64 },
    /// An event, or a line, beyond the limit.
    TooLarge { limit: usize, at: u64 },
    /// A comment or a reconnection time: a sign of life.
    Sign,
}

impl Recording {
    pub(super) fn open(name: &str, format: Format) -> Result<Self, Failure> {
        let input: Box<dyn Read> = if name == "-" {
            Box::new(stdin())
        } else {
            let failed = |error| unreadable(name, &error);
            let file = File::open(name).map_err(failed)?;
            if file.metadata().map_err(failed)?.is_dir() {
                return Err(format!("cannot read {name}: it is a directory").into());
            }
            Box::new(file)
        };
        let mut input = BufReader::with_capacity(CHUNK, input);
        let (head, session) = match format {
            Format::Events => Head::read(&mut input).map_err(|error| unreadable(name, &error))?,
            Format::Lines => (Vec::new(), None),
        };
        let input: Box<dyn Read> = Box::new(Cursor::new(head).chain(input));
        Ok(Self {
            name: name.to_owned(),
            input: BufReader::with_capacity(CHUNK, input),
            session,
            format,
            cutter: match format {
                Format::Events => Cutter::Events(SseDecoder::with_limit(LIMIT)),
                Format::Lines => Cutter::Lines(Lines::default()),
            },
            read: 0,
            end: 0,
            pieces: 0,
        })
    }

    /// Reads on, to the end or until `take` has had enough.
    pub(super) fn read(
        &mut self,
        mut take: impl FnMut(Piece<'_>) -> Result<bool, Failure>,
    ) -> Done {
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(&self.name, &error)),
            };
            let size = chunk.len();
            if size == 0 {
                return Ok(());
            }
            let mut rest = chunk;
            while let Some(item) = self.cutter.next(&mut rest) {
                let end = self.read + (size - rest.len()) as u64;
                let at = core::mem::replace(&mut self.end, end);
                self.pieces += 1;
                let piece = match item {
                    SseItem::Event(event) => Piece::Event {
                        // As the session reads it: no protocol has a type that is not UTF-8.
                        event: Event {
                            kind: core::str::from_utf8(event.kind).unwrap_or("\u{fffd}"),
                            data: event.data,
                            id: event.id,
                        },
                        at,
                    },
                    SseItem::TooLarge { limit, offset } => Piece::TooLarge { limit, at: offset },
                    _ => Piece::Sign,
                };
                if !take(piece)? {
                    self.read = end;
                    return Ok(());
                }
            }
            self.read += size as u64;
            self.input.consume(size);
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn format(&self) -> Format {
        self.format
    }

    /// What it says of itself, if it is a session that the devtools recorded.
    pub(super) const fn session(&self) -> Option<&Head> {
        self.session.as_ref()
    }

    /// How many pieces there were so far.
    pub(super) const fn pieces(&self) -> u64 {
        self.pieces
    }

    /// How many bytes were read so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.read
    }

    /// How many of them belong to no whole event.
    pub(super) const fn pending(&self) -> u64 {
        self.read - self.end
    }
}

/// Cuts bytes into items.
enum Cutter {
    Events(SseDecoder),
    Lines(Lines),
}

impl Cutter {
    fn next<'s, 'c: 's>(&'s mut self, rest: &mut &'c [u8]) -> Option<SseItem<'s>> {
        match self {
            Self::Events(decoder) => decoder.next(rest),
            Self::Lines(lines) => lines.next(rest),
        }
    }
}

/// Lines that are not empty, each as an event of type `message`.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    /// The line was handed out.
    lent: bool,
}

impl Lines {
    fn next<'s, 'c: 's>(&'s mut self, rest: &mut &'c [u8]) -> Option<SseItem<'s>> {
        loop {
            if core::mem::take(&mut self.lent) {
                self.line.clear();
            }
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                // One byte beyond the limit says enough of a line that is too large.
                let room = (LIMIT + 1).saturating_sub(self.line.len());
                self.line.extend_from_slice(&rest[..rest.len().min(room)]);
                *rest = &[];
                return None;
            };
            let (line, after) = rest.split_at(end);
            *rest = &after[1..];
            self.lent = true;
            if self.line.len() + line.len() > LIMIT {
                return Some(SseItem::TooLarge { limit: LIMIT, offset: 0 });
            }
            self.line.extend_from_slice(line);
            if !self.line.trim_ascii().is_empty() {
                return Some(SseItem::Event(SseEvent {
                    kind: b"message",
                    data: &self.line,
                    id: "",
                }));
            }
        }
    }
}

type Done = Result<(), Failure>;

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    format!("cannot read {name}: {error}").into()
}

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// The largest event: as much as a session takes unless it is told otherwise.
const LIMIT: usize = 64 << 20;
