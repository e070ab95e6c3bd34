//! A topic's live stream: `GET /v1/topics/{topic}/stream?kind=&basis=`.

use crate::accept::Takeover;
use crate::access::Caller;
use crate::admission::{Load, Seat};
use crate::app::App;
use crate::cors::LAST_EVENT_ID;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::fanout::{Granted, Source};
use crate::leave::Leave;
use crate::topics::Channel;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use core::convert::Infallible;
use core::time::Duration;
use futures_util::stream::{pending, unfold};
use highwater_publisher::engine::Place;
use highwater_publisher::{Joined, Joining, Reader, SubscriptionError, Verdict};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

#[derive(Deserialize)]
pub(crate) struct Wanted {
    kind: Option<String>,
    basis: Option<String>,
    /// Who asks, for the log and the demo's faults.
    pub(crate) client: Option<String>,
}

/// Answers with an SSE stream that goes on from the cursor, if there is one.
///
/// Where the connection can be taken over the stream leaves HTTP here: of the answer only the head
/// is used.
pub(crate) async fn stream(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(topic): Path<String>,
    Query(wanted): Query<Wanted>,
    takeover: Option<Extension<Takeover>>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // Another server may have told the client of more than this one has heard of.
    let told = basis(&wanted, &headers).and_then(Place::parse);
    app.topics().read(&topic, told.as_ref()).await?;
    let connection = Connection::open(&app, &caller, &topic, &wanted, &headers)?;
    if let Some(Extension(takeover)) = takeover
        && method == Method::GET
    {
        takeover.grant(connection.into());
        return Ok(respond(Body::from_stream(pending::<Result<Bytes, Infallible>>())));
    }
    let chunks = unfold(connection, async |mut connection| {
        let chunk = connection.next().await?.into_chunk();
        Some((Ok::<_, Infallible>(chunk), connection))
    });
    Ok(respond(Body::from_stream(chunks)))
}

/// Where the client left its stream.
fn basis<'a>(wanted: &'a Wanted, headers: &'a HeaderMap) -> Option<&'a str> {
    // The header is the later word: an EventSource keeps its address, and so its first basis.
    let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    [last, wanted.basis.as_deref()].into_iter().flatten().find(|id| !id.is_empty())
}

/// An answer with the headers that keep every cache and proxy from holding events back.
pub(crate) fn respond(body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    ];
    (headers, [("x-accel-buffering", "no")], body).into_response()
}

/// One open stream: a place in what the topic publishes, and what it waits for.
///
/// It holds no queue. While the socket takes nothing, nothing is asked of it; when it is asked
/// again, everything that is due leaves in one chunk.
pub(crate) struct Connection {
    channel: Arc<Channel>,
    reader: Reader,
    greeting: Option<Vec<Bytes>>,
    draining: watch::Receiver<bool>,
    heartbeat: Duration,
    due: Instant,
    /// When its reader is asked to come again.
    until: Option<Instant>,
    /// The reader has been given all that there was when it came.
    whole: bool,
    /// Held until the socket has taken the snapshot.
    load: Option<Load>,
    ended: bool,
    closing: Closing,
    seat: Seat,
}

impl Connection {
    pub(crate) fn open(
        app: &App,
        caller: &Caller,
        topic: &str,
        wanted: &Wanted,
        headers: &HeaderMap,
    ) -> Result<Self, ApiError> {
        let basis = basis(wanted, headers);
        let channel = app.topics().find(topic).ok_or_else(|| ApiError::unknown_topic(topic))?;
        let seat = app.admission().stream(caller)?;
        let token = caller.id().cloned().unwrap_or_default();
        let (joining, bytes) = channel
            .with(|topic| (topic.join_as(token, basis, wanted.kind.as_deref()), topic.bytes()));
        // From here on a revocation finds the reader; one that came before is found here.
        caller.is_still_known()?;
        let full = joining.verdict() == Verdict::Full;
        let load = full.then(|| app.admission().snapshot(bytes)).transpose()?;
        let joined = encode(joining);
        let heartbeat = app.settings().topic.heartbeat;
        tracing::debug!(topic, client = wanted.client, "a stream opens");
        Ok(Self {
            closing: Closing::opened(app, topic, joined.verdict),
            reader: joined.reader,
            greeting: Some(joined.frames),
            draining: app.draining(),
            heartbeat,
            due: Instant::now() + heartbeat,
            until: app.settings().limits.until(Instant::now()),
            whole: !full,
            load,
            ended: false,
            channel,
            seat,
        })
    }

    /// The next thing to send, as soon as there is one; `None` after the goodbye.
    ///
    /// May be dropped and called again: what it answers is taken only when it answers.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        let batch = self.wait().await?;
        self.due = Instant::now() + self.heartbeat;
        Some(batch)
    }

    /// The newest transactions of the log as this stream was, or would have been, told them.
    pub(crate) fn recent(&self, transactions: usize) -> Vec<Bytes> {
        self.channel.with(|topic| topic.recent(&self.reader, transactions))
    }

    async fn wait(&mut self) -> Option<Batch> {
        if self.ended {
            return None;
        }
        if let Some(frames) = self.greeting.take() {
            return Some(Batch::Other(frames));
        }
        loop {
            if *self.draining.borrow_and_update() {
                return Some(self.leave(Leave::Draining));
            }
            let aged = |until| Instant::now() >= until;
            // Not within a snapshot: who reads slowly would never have one.
            if self.whole && self.until.is_some_and(aged) {
                return Some(self.leave(Leave::Aged));
            }
            match self.reader.take(CHUNK) {
                Ok(batch) if batch.frames.is_empty() => self.whole |= batch.whole,
                Ok(batch) => {
                    self.whole |= batch.whole;
                    let kind = if batch.whole { Batch::Other } else { Batch::Transactions };
                    return Some(kind(batch.frames));
                }
                Err(SubscriptionError::AclChanged) => return Some(self.leave(Leave::Revoked)),
                // Too far behind, or the topic has begun another life: over to a new snapshot.
                Err(error) => {
                    let joined = rejoin(&self.channel, &self.reader, &error);
                    self.reader = joined.reader;
                    self.whole = false;
                    self.closing.cut_over();
                    return Some(Batch::Other(joined.frames));
                }
            }
            if self.whole {
                self.load = None; // asked for more: the socket has taken the snapshot
            }
            // The sender cannot be gone: the application holds it.
            tokio::select! {
                () = self.reader.ready() => {}
                _ = self.draining.changed() => {}
                () = sleep_until(self.until.map_or(self.due, |until| until.min(self.due))) => {
                    if Instant::now() >= self.due {
                        return Some(Batch::Other(vec![Bytes::from_static(HEARTBEAT)]));
                    }
                }
            }
        }
    }

    /// The last batch.
    fn leave(&mut self, why: Leave) -> Batch {
        self.ended = true;
        self.closing.ends(why);
        Batch::Other(vec![why.frame()])
    }
}

impl From<Connection> for Granted {
    fn from(connection: Connection) -> Self {
        let Connection { channel: source, reader, greeting, until, load, closing, seat, .. } =
            connection;
        Self { source, reader, greeting: greeting.unwrap_or_default(), until, load, closing, seat }
    }
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

/// What is due at one moment, frame by frame.
pub(crate) enum Batch {
    /// A frame a transaction.
    Transactions(Vec<Bytes>),
    /// Intents, snapshots, heartbeats, the goodbye.
    Other(Vec<Bytes>),
}

impl Batch {
    fn into_chunk(self) -> Bytes {
        let (Self::Transactions(frames) | Self::Other(frames)) = self;
        join(frames)
    }
}

/// One chunk of all frames; a single frame is passed on as it is, shared and not copied.
pub(crate) fn join(mut frames: Vec<Bytes>) -> Bytes {
    if frames.len() == 1 {
        return frames.swap_remove(0);
    }
    let mut chunk = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
    for frame in &frames {
        chunk.extend_from_slice(frame);
    }
    chunk.freeze()
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

/// How many bytes are due at once at most, about: a fair share of the topic's lock and of memory.
const CHUNK: usize = 64 << 10;

/// What is heard after silence.
pub(crate) const HEARTBEAT: &[u8] = b"event: heart-beat\ndata: {}\n\n";
