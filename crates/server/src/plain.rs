//! How a stream that was granted is answered: the fan-out has it, or it stays with HTTP.

use crate::accept::Takeover;
use crate::app::App;
use crate::fanout::Granted;
use crate::leave::Leave;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use core::convert::Infallible;
use core::time::Duration;
use futures_util::stream::{pending, unfold};
use highwater_publisher::{Reader, SubscriptionError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Answers with a stream.
///
/// Where the connection can be taken over the stream leaves HTTP here: of the answer only the head
/// is used. One that keeps times of its own stays: there is no lane for it.
pub(crate) fn answer(app: &App, granted: Granted, takeover: Option<Takeover>) -> Response {
    if let Some(takeover) = takeover.filter(|_| granted.source.jitter().is_none()) {
        takeover.grant(granted);
        return respond(Body::from_stream(pending::<Result<Bytes, Infallible>>()));
    }
    respond(Body::from_stream(unfold(Plain::new(app, granted), async |mut plain| {
        let chunk = plain.next().await?.into_chunk();
        Some((Ok::<_, Infallible>(chunk), plain))
    })))
}

/// An answer with the headers that keep every cache and proxy from holding events back.
pub(crate) fn respond(body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    ];
    (headers, [("x-accel-buffering", "no")], body).into_response()
}

/// A stream that stays with HTTP.
///
/// It holds no queue. While the socket takes nothing, nothing is asked of it; when it is asked
/// again, everything that is due leaves in one chunk.
pub(crate) struct Plain {
    granted: Granted,
    draining: watch::Receiver<bool>,
    /// After so much silence it is told something.
    every: Duration,
    heartbeat: Bytes,
    due: Instant,
    jitter: Option<Duration>,
    /// What is sent then, unless something newer comes before.
    held: Option<(Instant, Bytes)>,
    ended: bool,
}

impl Plain {
    pub(crate) fn new(app: &App, granted: Granted) -> Self {
        let (every, heartbeat) = granted.source.heartbeat();
        let (draining, due) = (app.draining(), Instant::now() + every);
        let jitter = granted.source.jitter();
        Self { granted, draining, every, heartbeat, due, jitter, held: None, ended: false }
    }

    /// What it reads.
    pub(crate) fn reader(&self) -> &Reader {
        &self.granted.reader
    }

    /// The next thing to send, as soon as there is one; `None` after the goodbye.
    ///
    /// May be dropped and called again: what it answers is taken only when it answers.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        let batch = self.wait().await?;
        self.due = Instant::now() + self.every;
        Some(batch)
    }

    async fn wait(&mut self) -> Option<Batch> {
        if self.ended {
            return None;
        }
        loop {
            let Granted { source, reader, greeting, until, load, closing, .. } = &mut self.granted;
            if !greeting.is_empty() {
                return Some(Batch::Other(core::mem::take(greeting)));
            }
            if *self.draining.borrow_and_update() {
                return self.leave(Leave::Draining);
            }
            // Not within a snapshot: who reads slowly would never have one.
            if reader.is_live() && until.is_some_and(|until| Instant::now() >= until) {
                return self.leave(Leave::Aged);
            }
            match reader.take(CHUNK) {
                Ok(batch) if batch.frames.is_empty() => {}
                Ok(mut batch) if self.jitter.is_some() => {
                    let release = self.held.take().map_or_else(|| self.release(), |(of, _)| of);
                    self.held = batch.frames.pop().map(|last| (release, last));
                    continue;
                }
                Ok(batch) => {
                    let kind = if batch.whole { Batch::Other } else { Batch::Transactions };
                    return Some(kind(batch.frames));
                }
                Err(SubscriptionError::AclChanged) => return self.leave(Leave::Revoked),
                // Too far behind, or the topic has begun another life: over to a new snapshot.
                Err(error) => {
                    let Some((frames, moved)) = source.rejoin(reader, &error) else {
                        return self.leave(Leave::Revoked);
                    };
                    (*greeting, *reader) = (frames, moved);
                    closing.cut_over();
                    continue;
                }
            }
            if reader.is_live() {
                *load = None; // asked for more: the socket has taken the snapshot
            }
            if let Some((_, frame)) = self.held.take_if(|(release, _)| *release <= Instant::now()) {
                return Some(Batch::Other(vec![frame]));
            }
            let release = self.held.as_ref().map(|(release, _)| *release);
            let wake = [*until, release].into_iter().flatten().fold(self.due, Instant::min);
            // The sender cannot be gone: the application holds it.
            tokio::select! {
                () = reader.ready() => {}
                _ = self.draining.changed() => {}
                () = sleep_until(wake) => {
                    if Instant::now() >= self.due {
                        return Some(Batch::Other(vec![self.heartbeat.clone()]));
                    }
                }
            }
        }
    }

    /// When what comes now is sent.
    fn release(&self) -> Instant {
        // Without chance they go out together, which is no fault.
        let chance = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        let jitter = self.jitter.unwrap_or_default();
        Instant::now() + jitter.mul_f64(0.5 + chance / 2.0)
    }

    /// The last batch, if there is one.
    fn leave(&mut self, why: Leave) -> Option<Batch> {
        self.ended = true;
        self.granted.closing.ends(why);
        self.granted.source.goodbye(why).map(|frame| Batch::Other(vec![frame]))
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

/// How many bytes are due at once at most, about: a fair share of the topic's lock and of memory.
const CHUNK: usize = 64 << 10;
