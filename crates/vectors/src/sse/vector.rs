//! The vector file: what it says of a vector, and the bytes that its inputs stand for.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Event;
use crate::{Error, suite};

/// A recorded case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vector {
    /// Its name, unique in the suite.
    pub id: String,
    /// The ways to cut its input, by name.
    pub splits: Vec<String>,
    /// What must come out.
    pub expected: Expected,
    /// Takes long: 64 MiB or more.
    #[serde(default)]
    pub heavy: bool,
    #[serde(default)]
    tags: Vec<String>,
    bytes: usize,
    input: Option<Input>,
    #[serde(default)]
    streams: Vec<Input>,
}

/// What must come out of a vector's streams.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// How many events.
    pub count: usize,
    /// The events, where they are few.
    pub events: Option<Vec<Event>>,
    /// Digest of the events, where they are many or large.
    pub sha256: Option<String>,
    /// Where each event ends; it must come with that byte.
    pub offsets: Option<Vec<Place>>,
    /// Reconnection times, in order.
    pub retries: Vec<String>,
    /// Other lists of them that are tolerated.
    #[serde(default)]
    pub accept_retries: Vec<Vec<String>>,
    /// What a reconnect would send.
    pub final_last_event_id: Option<String>,
    /// Digest of that, where it is long.
    pub final_last_event_id_sha256: Option<String>,
}

/// A byte offset in the first stream, or in the one named first.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// In the only stream.
    Offset(usize),
    /// In a stream by number.
    InStream(usize, usize),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Input {
    B64(String),
    Gen(Vec<Segment>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Segment {
    Repeat { repeat_b64: String, n: usize },
    Counter { counter: Counter, n: usize },
    Random { lcg: Random, n: usize },
    Bytes { b64: String },
}

#[derive(Debug, Deserialize)]
struct Counter {
    pre_b64: String,
    post_b64: String,
}

#[derive(Debug, Deserialize)]
struct Random {
    seed: u32,
    alphabet: Alphabet,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Alphabet {
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Deserialize)]
struct File {
    format: String,
    vectors: Vec<Vector>,
}

impl Vector {
    /// Its tags, if any.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(String::as_str)
    }

    /// The bytes of each connection.
    pub fn inputs(&self) -> Result<Vec<Vec<u8>>, Error> {
        let streams: Result<Vec<_>, _> =
            self.input.iter().chain(&self.streams).map(Input::bytes).collect();
        let streams = streams?;
        let length: usize = streams.iter().map(Vec::len).sum();
        if length == self.bytes {
            Ok(streams)
        } else {
            Err(Error::new(format!("input has {length} bytes, not {}", self.bytes)))
        }
    }
}

impl Input {
    fn bytes(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::B64(text) => decode(text),
            Self::Gen(segments) => {
                let mut bytes = Vec::new();
                for segment in segments {
                    segment.append_to(&mut bytes)?;
                }
                Ok(bytes)
            }
        }
    }
}

impl Segment {
    fn append_to(&self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Bytes { b64 } => bytes.extend(decode(b64)?),
            Self::Repeat { repeat_b64, n } => bytes.extend(decode(repeat_b64)?.repeat(*n)),
            Self::Counter { counter, n } => {
                let (before, after) = (decode(&counter.pre_b64)?, decode(&counter.post_b64)?);
                for i in 0..*n {
                    bytes.extend_from_slice(&before);
                    bytes.extend_from_slice(i.to_string().as_bytes());
                    bytes.extend_from_slice(&after);
                }
            }
            Self::Random { lcg, n } => {
                let alphabet = lcg.alphabet.bytes();
                if alphabet.is_empty() {
                    return Err(Error::new("a random segment without an alphabet"));
                }
                let mut x = lcg.seed;
                bytes.extend((0..*n).map(|_| {
                    x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    alphabet[(x >> 16) as usize % alphabet.len()]
                }));
            }
        }
        Ok(())
    }
}

impl Alphabet {
    /// The format leaves open if a text is the bytes or base64 of them. An alphabet that is
    /// worth encoding has line ends or colons in it, and a plain one with those is not base64.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Text(text) => decode(text)
                .ok()
                .filter(|bytes| bytes.iter().any(|byte| b"\r\n:".contains(byte)))
                .unwrap_or_else(|| text.clone().into_bytes()),
        }
    }
}

/// The vectors in a file.
pub(super) fn load(path: &Path) -> Result<Vec<Vector>, Error> {
    let file: File = suite::read(path)?;
    if file.format == FORMAT {
        return Ok(file.vectors);
    }
    Err(Error::unreadable(path, &format!("its format is {}, not {FORMAT}", file.format)))
}

fn decode(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|error| Error::new(format!("bad base64: {error}")))
}

const FORMAT: &str = "sse-vectors/1";
