//! Ours, and the two ways to write it with `serde_json`: parse every value, or keep its text.

use core::num::NonZeroUsize;
use std::collections::HashMap;

use highwater_core::{Instant, Materializer, Protocol};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::sse::CHUNK;

/// A way to materialize.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Its name.
    pub name: &'static str,
    /// Takes in a whole stream in chunks.
    pub apply: fn(&[u8]) -> Tally,
}

/// What is there in the end, so that all can be seen to do the same work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many items.
    pub items: usize,
    /// The sum of their versions.
    pub versions: u64,
}

/// Ours first. The peers read the stream with sse-core, and let newer versions in.
pub const SUBJECTS: &[Subject] = &[
    Subject { name: "highwater", apply: ours },
    Subject { name: "serde_json, text kept", apply: with_serde::<Box<RawValue>> },
    Subject { name: "serde_json, values parsed", apply: with_serde::<Value> },
];

fn ours(stream: &[u8]) -> Tally {
    let mut materializer = Materializer::new(Protocol::fdv2());
    for chunk in stream.chunks(CHUNK) {
        materializer.begin();
        materializer.push(Instant::default(), chunk).expect("the stream is good");
    }
    let state = materializer.state();
    let versions = state.iter().map(|(_, item)| item.version.unsigned_abs()).sum();
    Tally { items: state.len(), versions }
}

#[derive(Deserialize)]
struct Put<'a, V> {
    key: &'a str,
    version: u64,
    object: V,
}

fn with_serde<V: for<'de> Deserialize<'de>>(stream: &[u8]) -> Tally {
    let limit = NonZeroUsize::new(64 << 20).expect("it is not zero");
    let mut decoder = sse_core::SseDecoder::with_limit(limit);
    let mut items: HashMap<String, (u64, V)> = HashMap::new();
    for mut rest in stream.chunks(CHUNK) {
        while let Some(event) = decoder.next(&mut rest) {
            let Ok(sse_core::SseEvent::Message(event)) = event else {
                continue;
            };
            if event.event != "put-object" {
                continue;
            }
            let put: Put<'_, V> = serde_json::from_str(&event.data).expect("the stream is good");
            match items.get_mut(put.key) {
                Some(known) if known.0 >= put.version => {}
                Some(known) => *known = (put.version, put.object),
                None => drop(items.insert(put.key.to_owned(), (put.version, put.object))),
            }
        }
    }
    Tally { items: items.len(), versions: items.values().map(|(version, _)| version).sum() }
}
