//! The newest protocol: `/sdk/stream` and `/sdk/poll`, which resume.

use super::hub::unauthorized;
use super::stream::tell_environment;
use super::who::Shown;
use crate::accept::Takeover;
use crate::access::Caller;
use crate::app::App;
use crate::cors::LAST_EVENT_ID;
use crate::error::ApiError;
use crate::extract::Query;
use crate::fanout::Granted;
use crate::plain;
use crate::stream::{Closing, encode};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use highwater_core::Position;
use highwater_publisher::{Joined, Joining, Topic, Verdict};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

/// Where the client left its stream, if it was there before.
pub(super) struct Resumed(pub(super) Option<String>);

#[derive(Deserialize)]
struct Asked {
    basis: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Resumed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(Asked { basis }) = Query::from_request_parts(parts, state).await?;
        // The header is the later word: an EventSource keeps its address, and so its first basis.
        let last = parts.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
        let last = last.map(str::to_owned);
        Ok(Self([last, basis].into_iter().flatten().find(|basis| !basis.is_empty())))
    }
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
    Resumed(basis): &Resumed,
    takeover: Option<Takeover>,
) -> Result<Response, ApiError> {
    let seat = app.admission().stream(&Caller::Anybody)?;
    let (joining, bytes) = begin(shown, basis.as_deref())?;
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
    let granted = Granted { source, reader, greeting, until, load, closing, seat };
    let mut response = plain::answer(app, granted, takeover);
    tell_environment(&mut response, &shown.environment);
    Ok(response)
}

/// `/sdk/poll`: the same, as far as it goes now, and as one payload.
pub(super) fn poll(
    shown: &Shown,
    Resumed(basis): &Resumed,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    super::poll::initialised(&shown.environment)?;
    let changes = match basis {
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
