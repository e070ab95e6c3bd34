//! The decoders, each driven the way its own documentation says.

use core::convert::Infallible;
use core::hint::black_box;
use core::num::NonZeroUsize;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};

use eventsource_stream::Eventsource;
use futures_core::Stream;
use highwater_core::{SseDecoder, SseItem};

use super::{CHUNK, Workload};

/// A decoder to measure.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Its name and version.
    pub name: &'static str,
    /// Decodes a whole stream in chunks.
    pub decode: fn(&[u8]) -> Tally,
}

/// What came out, so that all can be seen to do the same work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many events.
    pub events: usize,
    /// Bytes of their data.
    pub data: usize,
}

impl Subject {
    /// Whether it is worth the wait: one peer takes a hundred times as long over comments.
    pub fn runs(&self, workload: &Workload) -> bool {
        workload.events || !self.name.starts_with("eventsource-stream")
    }
}

/// Ours first: as it is used, and with the data checked to be UTF-8 as the peers do.
pub const SUBJECTS: &[Subject] = &[
    Subject { name: "highwater", decode: ours },
    Subject { name: "highwater, as text", decode: ours_as_text },
    Subject { name: "sse-stream 0.3.0", decode: sse_stream },
    Subject { name: "sse-core 0.2.3", decode: sse_core },
    Subject { name: "eventsource-stream 0.2.3", decode: eventsource_stream },
];

fn ours(stream: &[u8]) -> Tally {
    let mut decoder = SseDecoder::new();
    let mut tally = Tally::default();
    for mut rest in stream.chunks(CHUNK) {
        while let Some(item) = decoder.next(&mut rest) {
            if let SseItem::Event(event) = black_box(item) {
                tally.count(event.data);
            }
        }
    }
    tally
}

fn ours_as_text(stream: &[u8]) -> Tally {
    let mut decoder = SseDecoder::new();
    let mut tally = Tally::default();
    for mut rest in stream.chunks(CHUNK) {
        while let Some(item) = decoder.next(&mut rest) {
            if let SseItem::Event(event) = black_box(item) {
                tally.count(black_box(event.data_text()).as_bytes());
            }
        }
    }
    tally
}

fn sse_core(stream: &[u8]) -> Tally {
    let limit = NonZeroUsize::new(64 << 20).expect("it is not zero");
    let mut decoder = sse_core::SseDecoder::with_limit(limit);
    let mut tally = Tally::default();
    for mut rest in stream.chunks(CHUNK) {
        while let Some(item) = decoder.next(&mut rest) {
            if let Ok(sse_core::SseEvent::Message(event)) = black_box(item) {
                tally.count(event.data.as_bytes());
            }
        }
    }
    tally
}

fn sse_stream(stream: &[u8]) -> Tally {
    let mut tally = Tally::default();
    drain(sse_stream::SseByteStream::new(Chunks(stream)), |event| {
        if let Some(data) = event.ok().and_then(|event| event.data) {
            tally.count(data.as_bytes());
        }
    });
    tally
}

fn eventsource_stream(stream: &[u8]) -> Tally {
    let mut tally = Tally::default();
    drain(Chunks(stream).eventsource(), |event| {
        if let Ok(event) = event {
            tally.count(event.data.as_bytes());
        }
    });
    tally
}

impl Tally {
    fn count(&mut self, data: &[u8]) {
        self.events += 1;
        self.data += data.len();
    }
}

/// A stream that always has its next chunk ready.
struct Chunks<'a>(&'a [u8]);

impl<'a> Stream for Chunks<'a> {
    type Item = Result<&'a [u8], Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (chunk, rest) = self.0.split_at(CHUNK.min(self.0.len()));
        self.0 = rest;
        Poll::Ready((!chunk.is_empty()).then_some(Ok(chunk)))
    }
}

fn drain<S: Stream>(stream: S, mut each: impl FnMut(S::Item)) {
    let mut stream = pin!(stream);
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(&mut context) {
        each(black_box(item));
    }
}
