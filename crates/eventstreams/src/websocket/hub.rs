//! The round trips of a server, with the sockets and attempts that they are about.

use super::round_trips::{
    AttemptId, Command, Connection, Delivery, Limits, RoundTrip, RoundTripEffect, RoundTrips,
};
use crate::config::Configuration;
use crate::dispatch::{Attempt, Dispatcher, DispatcherFactory, Outcome};
use crate::error::Error;
use crate::spec::{AnswersFrom, DistributionMode, EventStreamSpec};
use axum::extract::ws::Utf8Bytes;
use core::pin::Pin;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Streams of type `websocket`: their dispatchers, and with [`router`](Self::router) the server that
/// their clients connect to. A clone is another handle to the same.
#[derive(Clone, Debug)]
pub struct WebSocketFactory(pub(super) Arc<Hub>);

#[derive(Debug)]
pub(super) struct Hub {
    pub(super) configuration: Configuration,
    began: Instant,
    state: Mutex<State>,
    /// Cancelled when no connection is to be there any more.
    pub(super) closed: CancellationToken,
    /// Moves when what clients may has changed.
    pub(super) reviews: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    trips: RoundTrips,
    last_connection: u64,
    sockets: HashMap<Connection, mpsc::UnboundedSender<Outgoing>>,
    attempts: HashMap<AttemptId, Waiting>,
    /// Whether anybody takes part in a stream, for those who want to know.
    demands: HashMap<Arc<str>, watch::Sender<bool>>,
}

/// A message on its way to a connection.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    /// Whose it is, which it need not say itself.
    pub(super) stream: Arc<str>,
    pub(super) text: Utf8Bytes,
}

/// Whoever waits for an attempt.
#[derive(Debug)]
struct Waiting {
    done: oneshot::Sender<Outcome>,
    deadline: watch::Sender<Option<Instant>>,
}

impl WebSocketFactory {
    /// Nobody is connected yet.
    pub fn new(configuration: &Configuration) -> Self {
        let sockets = &configuration.websockets;
        let limits = Limits {
            streams: sockets.max_streams,
            queue: sockets.max_queue_size,
            ..Limits::default()
        };
        let state = State { trips: RoundTrips::new(limits), ..State::default() };
        Self(Arc::new(Hub {
            configuration: configuration.clone(),
            began: Instant::now(),
            state: Mutex::new(state),
            closed: CancellationToken::new(),
            reviews: watch::Sender::new(()),
        }))
    }

    /// Drops every connection, and takes no more.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Has every connection looked at that is there: those whose clients may not stay are closed.
    pub fn review(&self) {
        self.0.reviews.send_replace(());
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.0.with(|state| state.trips.connections())
    }
}

impl DispatcherFactory for WebSocketFactory {
    fn validate(&self, spec: &EventStreamSpec) -> Result<(), Error> {
        let Some(options) = &spec.websocket else { return Ok(()) };
        if let Some(mode) = &options.distribution_mode
            && DistributionMode::parse(mode.as_str()).is_none()
        {
            return Err(Error::value(mode, "websocket.distributionMode"));
        }
        if let Some(from) = &options.answers_from
            && AnswersFrom::parse(from.as_str()).is_none()
        {
            return Err(Error::value(from, "websocket.answersFrom"));
        }
        match options.ack_timeout {
            Some(timeout) if timeout.as_nanos() <= 0 => {
                Err(Error::value(timeout, "websocket.ackTimeout"))
            }
            _ => Ok(()),
        }
    }

    fn fill_in(&self, spec: &mut EventStreamSpec) {
        let defaults = &self.0.configuration.defaults.websockets;
        let options = spec.websocket.get_or_insert_default();
        options.distribution_mode.get_or_insert_with(|| defaults.distribution_mode.clone());
    }

    fn dispatcher(&self, spec: &EventStreamSpec) -> Result<Arc<dyn Dispatcher>, Error> {
        let options = spec.websocket.clone().unwrap_or_default();
        let mode = options.distribution_mode.map(|mode| {
            DistributionMode::parse(mode.as_str())
                .ok_or_else(|| Error::value(mode, "websocket.distributionMode"))
        });
        let from = options.answers_from.and_then(|from| AnswersFrom::parse(from.as_str()));
        let timeout = options.ack_timeout.unwrap_or(self.0.configuration.websockets.ack_timeout);
        let delivery = match mode.transpose()?.unwrap_or_default() {
            DistributionMode::Broadcast => {
                Delivery::Broadcast { named: options.broadcast_name.unwrap_or_default() }
            }
            DistributionMode::LoadBalance => Delivery::LoadBalance {
                answers_from_any: from == Some(AnswersFrom::Any),
                numbered: options.require_batch_number.unwrap_or_default(),
                timeout: timeout.wait(),
            },
        };
        let stream = spec.name.as_deref().ok_or(Error::Missing("name"))?.into();
        Ok(Arc::new(WebSocketDispatcher { hub: Arc::clone(&self.0), stream, delivery }))
    }
}

#[derive(Debug)]
struct WebSocketDispatcher {
    hub: Arc<Hub>,
    stream: Arc<str>,
    delivery: Delivery,
}

impl Dispatcher for WebSocketDispatcher {
    fn attempt(&self, attempt: Attempt) -> Pin<Box<dyn Future<Output = Outcome> + Send + '_>> {
        Box::pin(async move {
            let Attempt { batch, cancel, .. } = attempt;
            if cancel.is_cancelled() {
                return Error::Cancelled.into();
            }
            let (stream, delivery) = (Arc::clone(&self.stream), self.delivery);
            let mut trip = self.hub.begin(RoundTrip { stream, batch, delivery });
            tokio::select! {
                biased;
                outcome = trip.outcome() => outcome,
                () = cancel.cancelled() => Error::Cancelled.into(),
            }
        })
    }

    /// There is somebody when a connection has started the stream.
    fn demand(&self) -> Option<watch::Receiver<bool>> {
        let demand = self.hub.with(|State { trips, demands, .. }| {
            demands.retain(|_, demand| demand.receiver_count() > 0);
            let there = || watch::Sender::new(trips.has_members(&self.stream));
            demands.entry(Arc::clone(&self.stream)).or_insert_with(there).subscribe()
        });
        Some(demand)
    }
}

/// An attempt that is under way; dropped, it is given up.
struct Trip<'h> {
    hub: &'h Hub,
    attempt: AttemptId,
    done: oneshot::Receiver<Outcome>,
    deadline: watch::Receiver<Option<Instant>>,
}

impl Trip<'_> {
    async fn outcome(&mut self) -> Outcome {
        loop {
            let deadline = *self.deadline.borrow_and_update();
            tokio::select! {
                biased;
                done = &mut self.done => return done.unwrap_or(Error::Cancelled.into()),
                Ok(()) = self.deadline.changed() => {}
                () = until(deadline) => self.hub.expire(self.attempt),
            }
        }
    }
}

impl Drop for Trip<'_> {
    fn drop(&mut self) {
        let attempt = self.attempt;
        self.hub.with(|state| {
            state.trips.cancel(attempt);
            state.attempts.remove(&attempt);
        });
    }
}

fn tell(demand: &watch::Sender<bool>, there: bool) {
    demand.send_if_modified(|before| core::mem::replace(before, there) != there);
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => core::future::pending().await,
    }
}

impl Hub {
    fn begin(&self, trip: RoundTrip) -> Trip<'_> {
        let ((tell, done), (move_to, deadline)) = (oneshot::channel(), watch::channel(None));
        let attempt = self.act(|now, state| {
            let attempt = state.trips.attempt(now, trip);
            state.attempts.insert(attempt, Waiting { done: tell, deadline: move_to });
            attempt
        });
        Trip { hub: self, attempt, done, deadline }
    }

    fn expire(&self, attempt: AttemptId) {
        self.act(|now, state| state.trips.expire(now, attempt));
    }

    /// A connection, and what is to be sent over it; the end of that is the end of the connection.
    pub(super) fn connect(&self) -> (Connection, mpsc::UnboundedReceiver<Outgoing>) {
        let (socket, outgoing) = mpsc::unbounded_channel();
        self.act(|_, state| {
            state.last_connection += 1;
            let connection = Connection(state.last_connection);
            state.sockets.insert(connection, socket);
            state.trips.connected(connection);
            (connection, outgoing)
        })
    }

    pub(super) fn disconnect(&self, connection: Connection) {
        self.act(|now, state| {
            state.sockets.remove(&connection);
            state.trips.closed(now, connection);
            for (stream, demand) in &state.demands {
                tell(demand, state.trips.has_members(stream));
            }
        });
    }

    pub(super) fn heard(&self, connection: Connection, command: Command) {
        self.act(|now, State { trips, demands, .. }| {
            let demand = demands.get_key_value(&*command.stream);
            trips.heard(now, connection, command);
            if let Some((stream, demand)) = demand {
                tell(demand, trips.has_members(stream));
            }
        });
    }

    pub(super) fn sent(&self, connection: Connection, bytes: usize) {
        self.act(|now, state| state.trips.sent(now, connection, bytes));
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the round trips something, and does what comes of it.
    fn act<T>(&self, tell: impl FnOnce(Duration, &mut State) -> T) -> T {
        self.with(|state| {
            let told = tell(self.began.elapsed(), state);
            while let Some(effect) = state.trips.poll() {
                self.carry_out(state, effect);
            }
            told
        })
    }

    fn carry_out(&self, state: &mut State, effect: RoundTripEffect) {
        match effect {
            RoundTripEffect::Send { to, stream, text } => {
                let outgoing = Outgoing { stream, text: text.into() };
                for socket in to.iter().filter_map(|connection| state.sockets.get(connection)) {
                    let _ = socket.send(outgoing.clone()); // one that has ended is about to tell
                }
            }
            RoundTripEffect::Deadline { attempt, at } => {
                if let Some(waiting) = state.attempts.get(&attempt) {
                    waiting.deadline.send_replace(Some(self.began + at));
                }
            }
            RoundTripEffect::Done { attempt, outcome } => {
                if let Some(waiting) = state.attempts.remove(&attempt) {
                    let _ = waiting.done.send(outcome); // one that was given up needs none
                }
            }
            RoundTripEffect::Close(connection) => {
                tracing::info!(
                    connection = connection.0,
                    "a connection asks or keeps waiting for too much, and is closed"
                );
                state.sockets.remove(&connection);
            }
        }
    }
}
