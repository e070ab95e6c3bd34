//! A stream whose wire can be broken on demand.

use super::fault::{Disturbance, Fault, GARBAGE, REPLAYED, torn};
use crate::access::Caller;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::plain::{Batch, Plain, join, respond};
use crate::stream::{Wanted, open};
use crate::topics::Channel;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use core::time::Duration;
use futures_util::stream::unfold;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// As [`crate::stream::stream`], with a wire that listens to [`Wires::send`].
pub(super) async fn stream(
    State(app): State<App>,
    Extension(wires): Extension<Wires>,
    Extension(caller): Extension<Caller>,
    Path(topic): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let stream = Plain::new(&app, open(&app, &caller, &topic, &wanted, &headers)?);
    let channel = app.topics().find(&topic).ok_or_else(|| ApiError::unknown_topic(&topic))?;
    let wire = wires.connect(channel, stream, wanted.client);
    let chunks = unfold(wire, async |mut wire| Some((wire.next().await?, wire)));
    Ok(respond(Body::from_stream(chunks)))
}

/// The open streams, to do something to them. A clone is another handle to the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Wires(Arc<Mutex<Vec<Ear>>>);

#[derive(Debug)]
struct Ear {
    client: Option<String>,
    orders: mpsc::Sender<Order>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) fault: Fault,
    /// How long a stall lasts.
    pub(super) stall: Duration,
}

impl Wires {
    /// Tells the streams of one client, or all, and says how many there are.
    pub(super) fn send(&self, client: Option<&str>, order: Order) -> usize {
        let mut ears = self.open();
        ears.retain(|ear| !ear.orders.is_closed());
        let meant = ears.iter().filter(|ear| client.is_none() || ear.client.as_deref() == client);
        // A stream that has not come to its last orders yet needs no more of them.
        meant.filter(|ear| ear.orders.try_send(order).is_ok()).count()
    }

    fn connect(&self, channel: Arc<Channel>, stream: Plain, client: Option<String>) -> Wire {
        let (sender, orders) = mpsc::channel(16);
        let mut ears = self.open();
        ears.retain(|ear| !ear.orders.is_closed());
        ears.push(Ear { client, orders: sender });
        let phase = Phase::Open;
        Wire { channel, stream, orders, disturbance: Disturbance::default(), phase }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<Ear>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Wire {
    channel: Arc<Channel>,
    stream: Plain,
    orders: mpsc::Receiver<Order>,
    disturbance: Disturbance,
    phase: Phase,
}

enum Phase {
    Open,
    Stalled { until: Instant },
    Cut,
}

impl Wire {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            let until = match self.phase {
                Phase::Cut => {
                    // Long enough for the torn event to leave before the connection is reset.
                    sleep(Duration::from_millis(50)).await;
                    return Some(Err(io::Error::other("cut on demand")));
                }
                Phase::Stalled { until } => Some(until),
                Phase::Open => None,
            };
            let frames = tokio::select! {
                biased;
                Some(order) = self.orders.recv() => self.obey(order),
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                    self.phase = Phase::Open;
                    continue;
                }
                batch = self.stream.next(), if until.is_none() => match batch? {
                    Batch::Transactions(frames) => self.disturbance.pass(frames),
                    Batch::Other(frames) => frames,
                },
            };
            if !frames.is_empty() {
                return Some(Ok(join(frames)));
            }
        }
    }

    /// The newest transactions of the log as this stream was, or would have been, told them.
    fn recent(&self, transactions: usize) -> Vec<Bytes> {
        self.channel.with(|topic| topic.recent(self.stream.reader(), transactions))
    }

    /// What is sent at once.
    fn obey(&mut self, order: Order) -> Vec<Bytes> {
        match order.fault {
            Fault::Cut | Fault::Restart => {
                self.phase = Phase::Cut;
                return self.recent(1).iter().map(torn).collect();
            }
            Fault::Replay => return self.recent(REPLAYED),
            Fault::Garbage => return vec![Bytes::from_static(GARBAGE)],
            Fault::Reorder => self.disturbance.reorder(),
            Fault::Duplicate => self.disturbance.duplicate(),
            Fault::Stall => self.phase = Phase::Stalled { until: Instant::now() + order.stall },
        }
        Vec::new()
    }
}
