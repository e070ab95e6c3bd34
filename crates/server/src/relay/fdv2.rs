//! The newest protocol: `/sdk/stream` and `/sdk/poll`, which resume.

use super::hub::unauthorized;
use super::stream::tell_environment;
use super::who::{Asked, Shown};
use crate::accept::Takeover;
use crate::access::Caller;
use crate::app::App;
use crate::cors::LAST_EVENT_ID;
use crate::error::ApiError;
use crate::fanout::{Granted, Source as _};
use crate::leave::Leave;
use crate::stream::{Closing, encode, join, respond};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use core::convert::Infallible;
use futures_util::stream::{pending, unfold};
use highwater_core::Position;
use highwater_publisher::{Joined, Joining, Reader, SubscriptionError, Topic, Verdict};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Where the client left its stream.
fn basis<'a>(asked: &'a Asked, headers: &'a HeaderMap) -> Option<&'a str> {
    let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    [last, asked.basis.as_deref()].into_iter().flatten().find(|basis| !basis.is_empty())
}

fn begin(shown: &Shown, basis: Option<&str>) -> Result<(Joining, usize), ApiError> {
    super::poll::initialised(&shown.environment)?;
    let joined = shown.environment.with(|streams| {
        Some((streams.join_topic(&shown.credential, basis)?, streams.store().bytes()))
    });
    joined.ok_or_else(unauthorized)
}

/// `/sdk/stream`: everything, or what the client lacks, then what changes.
pub(super) fn stream(
    app: &App,
    shown: &Shown,
    asked: &Asked,
    headers: &HeaderMap,
    takeover: Option<Takeover>,
) -> Result<Response, ApiError> {
    let seat = app.admission().stream(&Caller::Anybody)?;
    let (joining, bytes) = begin(shown, basis(asked, headers))?;
    let verdict = joining.verdict();
    let load = match verdict {
        Verdict::Full => Some(app.admission().snapshot(bytes)?),
        Verdict::Changes | Verdict::UpToDate => None,
    };
    let Joined { frames: greeting, reader, .. } = encode(joining);
    let name = format!("{}/sdk/stream", shown.environment.params().variant());
    let closing = Closing::opened(app, &name, verdict);
    let until = app.settings().limits.until(Instant::now());
    let source = shown.environment.changes();
    let mut response = if let Some(takeover) = takeover {
        takeover.grant(Granted { source, reader, greeting, until, load, closing, seat });
        respond(Body::from_stream(pending::<Result<Bytes, Infallible>>()))
    } else {
        let (every, _) = source.heartbeat();
        let open = Open {
            greeting,
            reader,
            source,
            until,
            closing,
            draining: app.draining(),
            due: Instant::now() + every,
            ended: false,
        };
        let held = (load, seat);
        respond(Body::from_stream(unfold((open, held), async |(mut open, held)| {
            Some((Ok::<_, Infallible>(open.next().await?), (open, held)))
        })))
    };
    tell_environment(&mut response, &shown.environment);
    Ok(response)
}

/// `/sdk/poll`: the same, as far as it goes now, and as one payload.
pub(super) fn poll(
    shown: &Shown,
    asked: &Asked,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    super::poll::initialised(&shown.environment)?;
    let changes = match basis(asked, headers) {
        Some(basis) => changes(shown, basis)?,
        None => None,
    };
    let everything = || shown.environment.with(|streams| everything(streams.store_mut().topic()));
    let (cursor, body) = changes.unwrap_or_else(everything);
    let mut response = super::poll::unless_known(headers, &cursor, || body);
    tell_environment(&mut response, &shown.environment);
    Ok(response)
}

/// All items, and the cursor of this moment.
fn everything(topic: &Topic) -> (String, Bytes) {
    let (cursor, index) = (topic.cursor(), topic.index());
    let intent = json!({ "payloads": [{
        "id": topic.name(), "target": index, "intentCode": "xfer-full", "reason": "payload-missing",
    }] });
    let mut out = Events::default();
    out.push("server-intent", intent.to_string().as_bytes());
    for line in topic.lines(None) {
        out.push("put-object", line.trim_ascii_end());
    }
    out.end(&cursor, index);
    (cursor, out.into())
}

/// What was missed since a cursor, if that is still known.
fn changes(shown: &Shown, basis: &str) -> Result<Option<(String, Bytes)>, ApiError> {
    let (joining, _) = begin(shown, Some(basis))?;
    let Joined { verdict, frames, mut reader } = encode(joining);
    if verdict == Verdict::Full {
        return Ok(None);
    }
    let mut out = Events::default();
    for frame in &frames {
        out.read(frame);
    }
    while let Ok(batch) = reader.take(usize::MAX) {
        if batch.frames.is_empty() {
            break;
        }
        for frame in &batch.frames {
            out.read(frame);
        }
    }
    let place = Position { epoch: reader.epoch().as_str(), index: reader.index() };
    let cursor = place.to_cursor();
    if verdict == Verdict::Changes {
        out.end(&cursor, reader.index());
    }
    Ok(Some((cursor, out.into())))
}

/// Events as a list of JSON.
#[derive(Default)]
struct Events(Vec<u8>);

impl Events {
    fn push(&mut self, name: &str, data: &[u8]) {
        let start = if self.0.is_empty() { "{\"events\":[" } else { "," };
        for part in [start, "{\"event\":\"", name, "\",\"data\":"] {
            self.0.extend_from_slice(part.as_bytes());
        }
        self.0.extend_from_slice(data);
        self.0.push(b'}');
    }

    /// Takes over the events of a frame of our own. The ends of transactions are left out: what
    /// came in several is told as one.
    fn read(&mut self, frame: &[u8]) {
        let text = core::str::from_utf8(frame).unwrap_or_default(); // we wrote it
        let mut name = "";
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("event", given)) => name = given,
                Some(("data", data)) if name != TRANSFERRED => self.push(name, data.as_bytes()),
                _ => {}
            }
        }
    }

    fn end(&mut self, state: &str, version: u64) {
        let end = json!({ "state": state, "version": version });
        self.push(TRANSFERRED, end.to_string().as_bytes());
    }
}

impl From<Events> for Bytes {
    fn from(Events(mut events): Events) -> Self {
        events.extend_from_slice(b"]}");
        events.into()
    }
}

const TRANSFERRED: &str = "payload-transferred";

/// A stream that stays with HTTP.
struct Open {
    greeting: Vec<Bytes>,
    reader: Reader,
    source: Arc<super::environment::Outlet>,
    until: Option<Instant>,
    closing: Closing,
    draining: watch::Receiver<bool>,
    due: Instant,
    ended: bool,
}

impl Open {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let (every, heartbeat) = self.source.heartbeat();
        loop {
            if !self.greeting.is_empty() {
                return Some(join(core::mem::take(&mut self.greeting)));
            }
            let leave = if *self.draining.borrow_and_update() {
                Some(Leave::Draining)
            } else {
                let aged = self.until.is_some_and(|until| until <= Instant::now());
                (aged && self.reader.is_live()).then_some(Leave::Aged)
            };
            if let Some(why) = leave {
                return Some(self.leave(why));
            }
            match self.reader.take(CHUNK) {
                Ok(batch) if batch.frames.is_empty() => {}
                Ok(batch) => {
                    self.due = Instant::now() + every;
                    return Some(join(batch.frames));
                }
                Err(error) => {
                    let again = if matches!(error, SubscriptionError::AclChanged) {
                        None
                    } else {
                        self.source.rejoin(&self.reader, &error)
                    };
                    let Some((frames, reader)) = again else {
                        return Some(self.leave(Leave::Revoked));
                    };
                    (self.greeting, self.reader) = (frames, reader);
                    self.closing.cut_over();
                    continue;
                }
            }
            tokio::select! {
                () = self.reader.ready() => {}
                _ = self.draining.changed() => {}
                () = sleep_until(self.until.map_or(self.due, |until| until.min(self.due))) => {
                    if Instant::now() >= self.due {
                        self.due = Instant::now() + every;
                        return Some(heartbeat);
                    }
                }
            }
        }
    }

    fn leave(&mut self, why: Leave) -> Bytes {
        self.ended = true;
        self.closing.ends(why);
        why.frame()
    }
}

/// How many bytes are due at once at most, about.
const CHUNK: usize = 64 << 10;
