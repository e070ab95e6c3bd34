//! Whether what a decoder gave is what the vector says.

use core::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Cuts;
use super::vector::{Expected, Place};
use crate::Error;

/// What a decoder gave for one way of cutting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// The events, in order.
    pub events: Vec<Event>,
    /// For each event the stream and the chunk of it, by number, that brought it.
    pub chunks: Vec<(usize, usize)>,
    /// Reconnection times, in order, in decimal.
    pub retries: Vec<String>,
    /// The last event id after the last stream.
    pub final_last_event_id: String,
}

/// An event as an application sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its type, `message` by default.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its data.
    pub data: String,
    /// The last event id as of this event.
    pub last_event_id: String,
}

/// Compares; the error says what differs first.
pub fn judge(expected: &Expected, observed: &Observed, cuts: &Cuts) -> Result<(), Error> {
    if let Some(events) = &expected.events {
        let differs = events.iter().zip(&observed.events).position(|(a, b)| a != b);
        if let Some(at) = differs {
            return differ(&format!("event {at}"), &events[at], &observed.events[at]);
        }
    }
    if expected.count != observed.events.len() {
        return differ("number of events", &expected.count, &observed.events.len());
    }
    if let Some(digest) = &expected.sha256 {
        same("digest of events", digest, &digest_of(&observed.events))?;
    }
    judge_times(expected, observed, cuts)?;
    let tolerated = |list: &[String]| {
        list.len() == observed.retries.len()
            && list.iter().zip(&observed.retries).all(|(want, got)| same_delay(want, got))
    };
    if !tolerated(&expected.retries) && !expected.accept_retries.iter().any(|list| tolerated(list))
    {
        return differ("retries", &expected.retries, &observed.retries);
    }
    if let Some(id) = &expected.final_last_event_id {
        same("final last event id", id, &observed.final_last_event_id)?;
    }
    if let Some(digest) = &expected.final_last_event_id_sha256 {
        let id = hex(&Sha256::digest(&observed.final_last_event_id));
        same("digest of the final last event id", digest, &id)?;
    }
    Ok(())
}

/// Each event must come with the chunk that holds its last byte.
fn judge_times(expected: &Expected, observed: &Observed, cuts: &Cuts) -> Result<(), Error> {
    for (at, place) in expected.offsets.iter().flatten().enumerate() {
        let (stream, offset) = match *place {
            Place::Offset(offset) => (0, offset),
            Place::InStream(stream, offset) => (stream, offset),
        };
        let due = cuts[stream].iter().position(|&end| end >= offset).map(|chunk| (stream, chunk));
        let came = observed.chunks.get(at).copied();
        if due != came {
            return differ(&format!("(stream, chunk) that brings event {at}"), &due, &came);
        }
    }
    Ok(())
}

/// `sat` stands for every delay that a double cannot count exactly.
fn same_delay(want: &str, got: &str) -> bool {
    want == got || want == "sat" && got.parse().map_or(true, |got: u64| got >= (1 << 53) - 1)
}

fn digest_of(events: &[Event]) -> String {
    let mut hash = Sha256::new();
    for event in events {
        for text in [&event.kind, &event.data, &event.last_event_id] {
            hash.update(format!("{}:", text.len()));
            hash.update(text);
        }
        hash.update("\n");
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn same(what: &str, want: &str, got: &str) -> Result<(), Error> {
    if want == got { Ok(()) } else { differ(what, &want, &got) }
}

fn differ(
    what: &str,
    want: &dyn core::fmt::Debug,
    got: &dyn core::fmt::Debug,
) -> Result<(), Error> {
    let short = |value: &dyn core::fmt::Debug| -> String {
        format!("{value:?}").chars().take(SHOWN).collect()
    };
    Err(Error::new(format!("{what}: want {}, got {}", short(want), short(got))))
}

/// Characters of a wrong result that a message shows.
const SHOWN: usize = 200;
