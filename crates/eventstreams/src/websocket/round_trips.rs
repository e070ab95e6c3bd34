//! Batches on their way to clients and back: no socket, no clock.

use crate::dispatch::{Failure, Outcome};
use crate::error::Error;
use crate::event::Batch;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// All connections of a server, and the batches that are with them.
///
/// It is told what happened, with the time since some beginning, and asked with
/// [`poll`](Self::poll) what to do about it.
///
/// - **ET1**: a stream has one batch in flight, at one connection, under a number that is never used
///   again; every attempt gets one outcome, or is cancelled.
/// - **ET2**: what is not an answer to that batch changes nothing.
/// - **ET3**: nobody waits for a connection that takes nothing: it is passed over, or closed.
#[derive(Debug, Default)]
pub struct RoundTrips {
    limits: Limits,
    connections: BTreeMap<Connection, Client>,
    streams: HashMap<Arc<str>, Stream>,
    attempts: BTreeMap<AttemptId, RoundTrip>,
    last_attempt: u64,
    effects: VecDeque<RoundTripEffect>,
}

/// How much a connection may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many streams it can take part in.
    pub streams: usize,
    /// How many bytes may wait for it, if it is more than one message.
    pub queue: usize,
    /// How long something may wait for it until batches go to others.
    pub patience: Duration,
}

/// A connection, by a number that is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(pub u64);

/// An attempt to deliver a batch, by a number that is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(u64);

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The stream that it is about.
    pub stream: Box<str>,
    /// What about it.
    pub verb: Verb,
}

/// What a client says about a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It takes part from now on.
    Start,
    /// It does not any more.
    Stop,
    /// It has dealt with the batch of this number, or with whichever it has.
    Ack(Option<i64>),
    /// It has not, yet.
    Progress(Option<i64>),
    /// It does not take the batch.
    Nack {
        /// Which; whichever it has, if it does not say.
        number: Option<i64>,
        /// Why.
        message: Box<str>,
        /// How long to wait until it is sent again.
        delay: Option<Duration>,
        /// Which of its events, if those before it are dealt with.
        event: Option<usize>,
    },
}

/// A batch that is to be delivered.
#[derive(Clone, Debug)]
pub struct RoundTrip {
    /// The name of its stream.
    pub stream: Arc<str>,
    /// The batch.
    pub batch: Batch,
    /// How.
    pub delivery: Delivery,
}

/// How a stream's batches are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// To one connection, which answers.
    LoadBalance {
        /// Whether others may answer for it.
        answers_from_any: bool,
        /// Whether an answer has to name the batch.
        numbered: bool,
        /// How long the client may take.
        timeout: Duration,
    },
    /// To all connections; nobody answers.
    Broadcast {
        /// Whether the message carries the stream's name.
        named: bool,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoundTripEffect {
    /// Send a message.
    Send {
        /// To whom.
        to: Vec<Connection>,
        /// Of which stream.
        stream: Arc<str>,
        /// The message.
        text: String,
    },
    /// The attempt is with a client until then: [`expire`](RoundTrips::expire) is due.
    Deadline {
        /// The attempt.
        attempt: AttemptId,
        /// Its time.
        at: Duration,
    },
    /// The attempt is over.
    Done {
        /// The attempt.
        attempt: AttemptId,
        /// What came of it.
        outcome: Outcome,
    },
    /// Drop a connection.
    Close(Connection),
}

#[derive(Debug, Default)]
struct Client {
    streams: BTreeSet<Arc<str>>,
    /// Bytes that have not been written to its socket.
    queued: usize,
    /// Since when there have been some without a pause.
    behind_since: Option<Duration>,
}

#[derive(Debug, Default)]
struct Stream {
    /// Connections that take part, in the order in which they began to.
    members: Vec<Connection>,
    /// The number of the newest batch.
    number: u64,
    /// The attempt that is waiting for a connection, or with one.
    attempt: Option<AttemptId>,
    flight: Option<Flight>,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    connection: Connection,
    deadline: Duration,
}

impl RoundTrips {
    /// No connections yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The next thing to do, if there is one.
    pub fn poll(&mut self) -> Option<RoundTripEffect> {
        self.effects.pop_front()
    }

    /// A connection is there.
    pub fn connected(&mut self, connection: Connection) {
        self.connections.insert(connection, Client::default());
    }

    /// A connection is gone. The batch that it had has failed.
    pub fn closed(&mut self, now: Duration, connection: Connection) {
        let Some(client) = self.connections.remove(&connection) else { return };
        for name in client.streams {
            self.leave(&name, connection);
        }
        self.hand_over_all(now);
    }

    /// So many bytes were written to the socket of a connection.
    pub fn sent(&mut self, now: Duration, connection: Connection, bytes: usize) {
        let Some(client) = self.connections.get_mut(&connection) else { return };
        client.queued = client.queued.saturating_sub(bytes);
        let since = client.behind_since.take();
        client.behind_since = since.map(|_| now).filter(|_| client.queued > 0);
        if since.is_none_or(|since| now.saturating_sub(since) < self.limits.patience) {
            return; // nothing has passed it over
        }
        for name in client.streams.iter().cloned().collect::<Vec<_>>() {
            self.hand_over(now, &name);
        }
    }

    /// A client has said something.
    pub fn heard(&mut self, now: Duration, connection: Connection, command: Command) {
        let Command { stream, verb } = command;
        match verb {
            Verb::Start => self.start(now, connection, &stream),
            Verb::Stop => {
                let client = self.connections.get_mut(&connection);
                if client.is_some_and(|client| client.streams.remove(&*stream)) {
                    self.leave(&stream, connection);
                    self.hand_over(now, &stream);
                }
            }
            Verb::Ack(number) => {
                if let Some(attempt) = self.answered(connection, &stream, number) {
                    self.done(attempt, Outcome::Delivered);
                }
            }
            Verb::Nack { number, message, delay, event } => {
                if let Some(attempt) = self.answered(connection, &stream, number) {
                    let error = Error::Nack(message);
                    let failure = Failure { error, retry_after: delay, event };
                    self.done(attempt, Outcome::Failed(failure));
                }
            }
            Verb::Progress(number) => {
                if let Some(attempt) = self.answered(connection, &stream, number) {
                    self.extend(now, attempt);
                }
            }
        }
    }

    /// Begins to deliver a batch.
    pub fn attempt(&mut self, now: Duration, trip: RoundTrip) -> AttemptId {
        self.last_attempt += 1;
        let id = AttemptId(self.last_attempt);
        let name = Arc::clone(&trip.stream);
        if let Delivery::Broadcast { named } = trip.delivery {
            self.broadcast(now, &trip, named);
            self.effects
                .push_back(RoundTripEffect::Done { attempt: id, outcome: Outcome::Delivered });
            return id;
        }
        let stream = self.streams.entry(Arc::clone(&name)).or_default();
        if stream.attempt.is_some() {
            let outcome = Error::InFlight.into();
            self.effects.push_back(RoundTripEffect::Done { attempt: id, outcome });
            return id;
        }
        stream.attempt = Some(id);
        self.attempts.insert(id, trip);
        self.hand_over(now, &name);
        id
    }

    /// Gives up an attempt: nobody hears of it any more.
    pub fn cancel(&mut self, attempt: AttemptId) {
        let Some(trip) = self.attempts.remove(&attempt) else { return };
        if let Some(stream) = self.streams.get_mut(&trip.stream) {
            (stream.attempt, stream.flight) = (None, None);
        }
        self.tidy(&trip.stream);
    }

    /// The deadline of an attempt may have passed.
    pub fn expire(&mut self, now: Duration, attempt: AttemptId) {
        let trip = self.attempts.get(&attempt);
        let stream = trip.and_then(|trip| self.streams.get(&trip.stream));
        if stream.and_then(|stream| stream.flight).is_some_and(|flight| flight.deadline <= now) {
            self.done(attempt, Error::AckTimeout.into());
        }
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Whether a connection takes part in a stream.
    pub fn has_members(&self, name: &str) -> bool {
        self.streams.get(name).is_some_and(|stream| !stream.members.is_empty())
    }

    fn start(&mut self, now: Duration, connection: Connection, name: &str) {
        let Some(client) = self.connections.get_mut(&connection) else { return };
        if name.len() > LONGEST_NAME || client.streams.contains(name) {
            return;
        }
        if client.streams.len() >= self.limits.streams {
            self.effects.push_back(RoundTripEffect::Close(connection));
            return;
        }
        let known = self.streams.get_key_value(name).map(|(name, _)| Arc::clone(name));
        let name = known.unwrap_or_else(|| name.into());
        client.streams.insert(Arc::clone(&name));
        self.streams.entry(Arc::clone(&name)).or_default().members.push(connection);
        self.hand_over(now, &name);
    }

    fn leave(&mut self, name: &str, connection: Connection) {
        let Some(stream) = self.streams.get_mut(name) else { return };
        stream.members.retain(|member| *member != connection);
        let had_it = stream.flight.is_some_and(|flight| flight.connection == connection);
        if let Some(attempt) = stream.attempt.filter(|_| had_it) {
            self.done(attempt, Error::ConnectionClosed.into());
        }
        self.tidy(name);
    }

    /// The attempt that an answer is about, if it is about one (ET2).
    fn answered(
        &self,
        connection: Connection,
        name: &str,
        number: Option<i64>,
    ) -> Option<AttemptId> {
        let stream = self.streams.get(name)?;
        let (attempt, flight) = (stream.attempt?, stream.flight?);
        let Delivery::LoadBalance { answers_from_any, numbered, .. } =
            self.attempts.get(&attempt)?.delivery
        else {
            return None;
        };
        let meant = match number {
            Some(number) => u64::try_from(number) == Ok(stream.number),
            None => !numbered,
        };
        (meant && (answers_from_any || flight.connection == connection)).then_some(attempt)
    }

    fn done(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.cancel(attempt);
        self.effects.push_back(RoundTripEffect::Done { attempt, outcome });
    }

    fn extend(&mut self, now: Duration, attempt: AttemptId) {
        let Some(RoundTrip { stream, delivery: Delivery::LoadBalance { timeout, .. }, .. }) =
            self.attempts.get(&attempt)
        else {
            return;
        };
        let at = now.saturating_add(*timeout);
        if let Some(Stream { flight: Some(flight), .. }) = self.streams.get_mut(stream) {
            flight.deadline = at;
            self.effects.push_back(RoundTripEffect::Deadline { attempt, at });
        }
    }

    fn hand_over_all(&mut self, now: Duration) {
        let waiting: Vec<_> = self.attempts.values().map(|trip| Arc::clone(&trip.stream)).collect();
        for name in waiting {
            self.hand_over(now, &name);
        }
    }

    /// Gives the batch that waits to the connection whose turn it is, or to the next one that takes
    /// something (ET3).
    fn hand_over(&mut self, now: Duration, name: &str) {
        let Some(stream) = self.streams.get_mut(name) else { return };
        let (Some(attempt), None) = (stream.attempt, stream.flight) else { return };
        let Some(trip) = self.attempts.get(&attempt) else { return };
        let Delivery::LoadBalance { timeout, .. } = trip.delivery else { return };
        let (connections, patience) = (&self.connections, self.limits.patience);
        let takes = |member: &&Connection| {
            let client = connections.get(member);
            let since = client.and_then(|client| client.behind_since);
            since.is_none_or(|since| now.saturating_sub(since) < patience)
        };
        let count = stream.members.len().max(1) as u64;
        let turn = usize::try_from(stream.number % count).unwrap_or(0);
        let in_turn = stream.members[turn.min(stream.members.len())..]
            .iter()
            .chain(&stream.members[..turn.min(stream.members.len())]);
        let Some(&connection) = in_turn.into_iter().find(takes) else { return };
        stream.number += 1;
        let deadline = now.saturating_add(timeout);
        stream.flight = Some(Flight { connection, deadline });
        let mut text = trip.batch.message(name, Some(stream.number));
        text.push('\n');
        let stream = Arc::clone(&trip.stream);
        self.send(now, vec![connection], stream, text);
        self.effects.push_back(RoundTripEffect::Deadline { attempt, at: deadline });
    }

    fn broadcast(&mut self, now: Duration, trip: &RoundTrip, named: bool) {
        let Some(stream) = self.streams.get(&trip.stream) else { return };
        let name = if named { &*trip.stream } else { "" };
        let mut text = trip.batch.message(name, None);
        text.push('\n');
        self.send(now, stream.members.clone(), Arc::clone(&trip.stream), text);
    }

    fn send(&mut self, now: Duration, to: Vec<Connection>, stream: Arc<str>, text: String) {
        let (queue, mut slow) = (self.limits.queue, Vec::new());
        for &connection in &to {
            let Some(client) = self.connections.get_mut(&connection) else { continue };
            if client.queued > 0 && client.queued + text.len() > queue {
                slow.push(connection);
            }
            client.queued += text.len();
            client.behind_since.get_or_insert(now);
        }
        let to: Vec<_> = to.into_iter().filter(|connection| !slow.contains(connection)).collect();
        if !to.is_empty() {
            self.effects.push_back(RoundTripEffect::Send { to, stream, text });
        }
        self.effects.extend(slow.into_iter().map(RoundTripEffect::Close));
    }

    /// Forgets a stream that has neither clients, nor a batch, nor a number to go on from.
    fn tidy(&mut self, name: &str) {
        if let Some(stream) = self.streams.get(name)
            && stream.members.is_empty()
            && stream.attempt.is_none()
            && stream.number == 0
        {
            self.streams.remove(name);
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { streams: 1024, queue: 16 << 20, patience: Duration::from_secs(1) }
    }
}

/// No stream has a longer name, and what clients name is kept.
const LONGEST_NAME: usize = 64;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
