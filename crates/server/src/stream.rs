//! A topic's live stream: `GET /v1/topics/{topic}/stream?kind=&basis=`.

use crate::app::App;
use crate::cors::LAST_EVENT_ID;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::topics::Channel;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use core::convert::Infallible;
use core::time::Duration;
use futures_util::stream::unfold;
use highwater_publisher::{Reader, Verdict};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

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
    Path(topic): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let connection = Connection::open(&app, &topic, &wanted, &headers)?;
    let chunks = unfold(connection, async |mut connection| {
        let chunk = connection.next().await?.into_chunk();
        Some((Ok::<_, Infallible>(chunk), connection))
    });
    Ok(respond(Body::from_stream(chunks)))
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
    ended: bool,
    _closing: Closing,
}

impl Connection {
    pub(crate) fn open(
        app: &App,
        topic: &str,
        wanted: &Wanted,
        headers: &HeaderMap,
    ) -> Result<Self, ApiError> {
        // The header is the later word: an EventSource keeps its address, and so its first basis.
        let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
        let basis = [last, wanted.basis.as_deref()].into_iter().flatten().find(|id| !id.is_empty());
        let channel = app.topics().find(topic).ok_or_else(|| ApiError::unknown_topic(topic))?;
        // A snapshot is encoded when the topic is free again for others.
        let joined = channel.with(|topic| topic.join(basis, wanted.kind.as_deref())).finish();
        let heartbeat = app.settings().topic.heartbeat;
        tracing::info!(topic, client = wanted.client, verdict = ?joined.verdict, "stream opened");
        Ok(Self {
            _closing: Closing {
                topic: topic.into(),
                verdict: joined.verdict,
                opened: Instant::now(),
            },
            reader: joined.reader,
            greeting: Some(joined.frames),
            draining: app.draining(),
            heartbeat,
            due: Instant::now() + heartbeat,
            ended: false,
            channel,
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
                self.ended = true;
                return Some(Batch::Other(vec![Bytes::from_static(GOODBYE)]));
            }
            match self.reader.take(CHUNK) {
                Ok(batch) if batch.frames.is_empty() => {}
                Ok(batch) => {
                    let kind = if batch.whole { Batch::Other } else { Batch::Transactions };
                    return Some(kind(batch.frames));
                }
                // Too far behind, or the topic has begun another life: over to a new snapshot.
                Err(error) => {
                    let joining = self.channel.with(|topic| topic.rejoin(&self.reader, &error));
                    let joined = joining.finish();
                    self.reader = joined.reader;
                    return Some(Batch::Other(joined.frames));
                }
            }
            // The sender cannot be gone: the application holds it.
            tokio::select! {
                () = self.reader.ready() => {}
                _ = self.draining.changed() => {}
                () = sleep_until(self.due) => return Some(Batch::Other(vec![Bytes::from_static(HEARTBEAT)])),
            }
        }
    }
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
struct Closing {
    topic: Box<str>,
    verdict: Verdict,
    opened: Instant,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Self { topic, verdict, opened } = self;
        tracing::info!(topic, ?verdict, open = ?opened.elapsed(), "stream closed");
    }
}

/// How many bytes are due at once at most, about: a fair share of the topic's lock and of memory.
const CHUNK: usize = 64 << 10;

const HEARTBEAT: &[u8] = b"event: heart-beat\ndata: {}\n\n";
const GOODBYE: &[u8] =
    b"event: goodbye\ndata: {\"reason\":\"draining\",\"silent\":false,\"catastrophe\":false}\n\n";
