//! A topic's live stream: `GET /v1/topics/{topic}/stream?kind=&basis=`.

use crate::accept::Takeover;
use crate::access::Caller;
use crate::app::App;
use crate::cors::LAST_EVENT_ID;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::fanout::{Granted, Source};
use crate::leave::Leave;
use crate::plain;
use crate::topics::Channel;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use core::time::Duration;
use highwater_publisher::engine::Place;
use highwater_publisher::{Joined, Joining, Reader, SubscriptionError, Verdict};
use serde::Deserialize;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    kind: Option<String>,
    basis: Option<String>,
    /// Who asks, for the log and the demo's faults.
    pub(crate) client: Option<String>,
}

/// Answers with an SSE stream that goes on from the cursor, if there is one.
pub(crate) async fn stream(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(topic): Path<String>,
    Query(wanted): Query<Wanted>,
    takeover: Option<Takeover>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // Another server may have told the client of more than this one has heard of.
    let told = basis(&wanted, &headers).and_then(Place::parse);
    app.topics().read(&topic, told.as_ref()).await?;
    let granted = open(&app, &caller, &topic, &wanted, &headers)?;
    Ok(plain::answer(&app, granted, takeover))
}

/// Where the client left its stream.
fn basis<'a>(wanted: &'a Wanted, headers: &'a HeaderMap) -> Option<&'a str> {
    // The header is the later word: an EventSource keeps its address, and so its first basis.
    let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    [last, wanted.basis.as_deref()].into_iter().flatten().find(|id| !id.is_empty())
}

/// Grants a stream: a place in what the topic publishes.
pub(crate) fn open(
    app: &App,
    caller: &Caller,
    topic: &str,
    wanted: &Wanted,
    headers: &HeaderMap,
) -> Result<Granted, ApiError> {
    let basis = basis(wanted, headers);
    let source = app.topics().find(topic).ok_or_else(|| ApiError::unknown_topic(topic))?;
    let seat = app.admission().stream(caller)?;
    let token = caller.id().cloned().unwrap_or_default();
    let (joining, bytes) =
        source.with(|topic| (topic.join_as(token, basis, wanted.kind.as_deref()), topic.bytes()));
    // From here on a revocation finds the reader; one that came before is found here.
    caller.is_still_known()?;
    let full = joining.verdict() == Verdict::Full;
    let load = full.then(|| app.admission().snapshot(bytes)).transpose()?;
    let Joined { verdict, frames: greeting, reader } = encode(joining);
    tracing::debug!(topic, client = wanted.client, "a stream opens");
    let closing = Closing::opened(app, topic, verdict);
    let until = app.settings().limits.until(Instant::now());
    Ok(Granted { source, reader, greeting, until, load, closing, seat })
}

impl Source for Channel {
    fn rejoin(&self, reader: &Reader, error: &SubscriptionError) -> Option<(Vec<Bytes>, Reader)> {
        let Joined { frames, reader, .. } = rejoin(self, reader, error);
        Some((frames, reader))
    }

    fn heartbeat(&self) -> (Duration, Bytes) {
        (Self::heartbeat(self), Bytes::from_static(HEARTBEAT))
    }

    fn goodbye(&self, why: Leave) -> Option<Bytes> {
        Some(why.frame())
    }
}

/// Takes a reader in again that cannot read on.
fn rejoin(channel: &Channel, reader: &Reader, error: &SubscriptionError) -> Joined {
    encode(channel.with(|topic| topic.rejoin(reader, error)))
}

/// Has the snapshot encoded if there has to be one, when the topic is free again for others. A
/// large one is no work for who has sockets to serve.
pub(crate) fn encode(joining: Joining) -> Joined {
    let (joined, encoding) = joining.part();
    match encoding {
        Some(large) if large.items() > 100 => drop(spawn_blocking(|| large.run())),
        Some(small) => small.run(),
        None => {}
    }
    joined
}

/// Says in the log that a stream is over, however it ended.
pub(crate) struct Closing {
    topic: Box<str>,
    verdict: Verdict,
    opened: Instant,
    /// Why the server ended it, if it did.
    leave: Option<Leave>,
    app: App,
}

impl Closing {
    /// Says in the log that a stream has opened.
    pub(crate) fn opened(app: &App, topic: &str, verdict: Verdict) -> Self {
        app.metrics().opened(verdict);
        tracing::info!(topic, ?verdict, "stream opened");
        let (topic, app) = (topic.into(), app.clone());
        Self { topic, verdict, opened: Instant::now(), leave: None, app }
    }

    /// The server ends it.
    pub(crate) fn ends(&mut self, why: Leave) {
        self.leave = Some(why);
    }

    /// It begins again, with a new snapshot.
    pub(crate) fn cut_over(&self) {
        self.app.metrics().cut_over();
    }

    /// Its reader takes nothing.
    pub(crate) fn stalled(&self) {
        self.app.metrics().stalled();
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Self { topic, verdict, opened, leave, app } = self;
        app.metrics().closed(*leave);
        let why = leave.map_or("gone", Leave::as_str);
        tracing::info!(topic, ?verdict, open = ?opened.elapsed(), why, "stream closed");
    }
}

/// What is heard after silence.
pub(crate) const HEARTBEAT: &[u8] = b"event: heart-beat\ndata: {}\n\n";
