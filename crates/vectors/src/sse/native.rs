//! The core's decoder as a subject.

use highwater_core::{SseDecoder, SseItem};

use super::{Cuts, Event, Observed, Subject};
use crate::Error;

/// Runs the decoder of `highwater-core` in this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Subject for Native {
    fn decode(&mut self, streams: &[Vec<u8>], cuts: &[Cuts]) -> Result<Vec<Observed>, Error> {
        Ok(cuts.iter().map(|cuts| decode(streams, cuts)).collect())
    }
}

fn decode(streams: &[Vec<u8>], cuts: &Cuts) -> Observed {
    let mut decoder = SseDecoder::with_limit(LIMIT);
    let mut observed = Observed::default();
    for (number, (stream, ends)) in streams.iter().zip(cuts).enumerate() {
        let mut start = 0;
        for (chunk, &end) in ends.iter().enumerate() {
            let mut rest = &stream[start..end];
            start = end;
            while let Some(item) = decoder.next(&mut rest) {
                match item {
                    SseItem::Event(event) => {
                        observed.chunks.push((number, chunk));
                        observed.events.push(Event {
                            kind: event.kind_text().into_owned(),
                            data: event.data_text().into_owned(),
                            last_event_id: event.id.into(),
                        });
                    }
                    SseItem::Retry(delay) => observed.retries.push(delay.to_string()),
                    _ => {}
                }
            }
        }
        decoder.finish();
    }
    observed.final_last_event_id = decoder.last_event_id().into();
    observed
}

/// Above every vector: the suite is about the standard, which knows no limit.
const LIMIT: usize = 1 << 30;
