//! One stream, kept up: when to connect, what to resume from, when to give up.

mod io;
mod status;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

pub use io::{ConnectionId, Effect, Failure, Input, Request};
pub use status::{Phase, Status};

use crate::backoff::{Backoff, Profile};
use crate::error::{Class, Error};
use crate::materializer::{Materializer, MaterializerOptions, Signals};
use crate::protocol::Protocol;
use crate::state::{Item, State};
use crate::time::Instant;
use crate::view::View;

/// The choices that a session leaves open.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionOptions {
    /// How to wait between attempts.
    pub profile: Profile,
    /// A connection on which nothing comes for so long, comments included, is given up. `None`:
    /// never. A server that announces its heartbeats decides for itself.
    pub idle: Option<Duration>,
    /// A snapshot that has begun must end within this.
    pub snapshot_timeout: Duration,
    /// A connection attempt must be answered within this.
    pub connect_timeout: Duration,
    /// After so many failures in a row the session stops. `None`: never.
    pub give_up_after: Option<u32>,
    /// Where chance comes from: give each session another.
    pub seed: u64,
    /// The choices of the materializer.
    pub materializer: MaterializerOptions,
}

impl SessionOptions {
    /// What the protocol's own clients do, as far as that is good.
    pub fn of(protocol: &Protocol) -> Self {
        let (profile, idle) = match protocol.name() {
            "relay" | "flags" | "ping" | "autoconfig" => (Profile::RELAY, Some(300)),
            "consul" => (Profile::CONSUL, None),
            "fdv2" => (Profile::STANDARD, Some(300)),
            _ => (Profile::STANDARD, None),
        };
        Self {
            profile,
            idle: idle.map(Duration::from_secs),
            snapshot_timeout: Duration::from_mins(2),
            connect_timeout: Duration::from_secs(30),
            give_up_after: None,
            seed: 0x9e37_79b9_7f4a_7c15,
            materializer: MaterializerOptions::default(),
        }
    }
}

/// Drives one stream: owns its [`Materializer`], its [`Backoff`], and the rules of connecting.
///
/// It is the one thing that an edge drives. Give it every [`Input`] as it happens, with the time;
/// after each, carry out what [`poll`](Self::poll) returns until that is `None`, and read
/// [`changes`](Materializer::changes) and [`status`](Self::status) if you show them.
///
/// - S1: there is at most one connection, and what an old one still delivers is not read.
/// - S2: every wait is bounded; a server is never asked again without one.
/// - S3: no fault loses anything that was committed.
///
/// ```
/// use highwater_core::{Effect, Input, Instant, Protocol, Session, SessionOptions};
/// let protocol = Protocol::relay();
/// let options = SessionOptions::of(&protocol);
/// let mut session = Session::new(protocol, (), options);
/// let now = Instant::from_millis(0);
/// session.handle(now, Input::Start);
/// let Some(Effect::Connect(request)) = session.poll() else { panic!("asks for a connection") };
/// let connection = request.connection;
/// session.handle(now, Input::Opened {
///     connection, status: 200, content_type: Some("text/event-stream"), retry_after: None,
/// });
/// session.handle(now, Input::Bytes { connection, bytes: b"event: put\ndata: {\"data\":{}}\n\n" });
/// assert_eq!(session.status().phase.as_str(), "live");
/// ```
pub struct Session<V = ()> {
    materializer: Materializer<V>,
    options: SessionOptions,
    backoff: Backoff,
    link: Link,
    pauses: Vec<Box<str>>,
    offline: bool,
    connections: u32,
    effects: VecDeque<Effect>,
    /// The timer that the edge was asked for and that has not gone off.
    armed: Option<Instant>,
    chance: u64,
    /// The server announced its heartbeats: a silence of this length is a fault.
    announced: Option<Duration>,
    attempt: u32,
    resumed: Option<bool>,
    target: Option<u64>,
    error: Option<Error>,
    /// A whole state was there at some time.
    synced: bool,
    stale_since: Option<Instant>,
    /// Faults in the data since the last commit.
    bad: u32,
    news: u64,
}

#[derive(Clone, Copy)]
enum Link {
    /// No connection is wanted: not started, paused, or offline.
    Idle,
    Waiting {
        until: Instant,
    },
    Connecting {
        id: ConnectionId,
        since: Instant,
    },
    Open(Open),
    Stopped,
}

#[derive(Clone, Copy)]
struct Open {
    id: ConnectionId,
    since: Instant,
    /// When something last came.
    heard: Instant,
    /// On this connection the state has become that of the server.
    live: bool,
    snapshot_since: Option<Instant>,
    fetch: Fetch,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fetch {
    Idle,
    UnderWay,
    /// Another was asked for meanwhile.
    Again,
}

impl<V: View> Session<V> {
    /// A session that has not started: give it [`Input::Start`].
    pub fn new(protocol: Protocol, view: V, options: SessionOptions) -> Self {
        Self {
            materializer: Materializer::with_view(protocol, view, options.materializer),
            backoff: Backoff::new(options.profile),
            link: Link::Idle,
            pauses: Vec::new(),
            offline: false,
            connections: 0,
            effects: VecDeque::new(),
            armed: None,
            chance: options.seed | 1,
            announced: None,
            attempt: 0,
            resumed: None,
            target: None,
            error: None,
            synced: false,
            stale_since: None,
            bad: 0,
            news: 0,
            options,
        }
    }

    /// Takes in what happened. Inputs of connections that are no longer wanted are ignored.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.materializer.begin();
        match input {
            Input::Start | Input::Reconnect => {
                if !matches!(self.link, Link::Stopped) {
                    self.disconnect(now);
                    self.link = Link::Idle;
                    self.resume(now);
                }
            }
            Input::Opened { connection, status, content_type, retry_after } => {
                if let Link::Connecting { id, .. } = self.link
                    && id == connection
                {
                    self.opened(now, id, status, content_type, retry_after);
                }
            }
            Input::Bytes { connection, bytes } => {
                if self.hear(now, connection) {
                    let mut signals = Signals::default();
                    let result = self.materializer.push_into(now, bytes, &mut signals);
                    self.took(now, signals, result);
                }
            }
            Input::Event { connection, event } => {
                if self.hear(now, connection) {
                    let mut signals = Signals::default();
                    let result = self.materializer.event_into(now, &event, &mut signals);
                    self.took(now, signals, result);
                }
            }
            Input::Ended { connection } => {
                if self.is_current(connection) {
                    self.fail(now, Error::Closed, None);
                }
            }
            Input::Failed { connection, failure } => {
                if self.is_current(connection) {
                    self.failed(now, failure);
                }
            }
            Input::Fetched { connection, status, body } => {
                if self.hear(now, connection) {
                    self.fetched(now, status, body);
                }
            }
            Input::Wake => self.wake(now),
            Input::Pause { reason } => {
                if !self.pauses.iter().any(|known| **known == *reason) {
                    self.pauses.push(reason.into());
                }
                self.halt(now);
            }
            Input::Unpause { reason } => {
                self.pauses.retain(|known| **known != *reason);
                self.resume(now);
            }
            Input::Offline => {
                self.offline = true;
                self.halt(now);
            }
            Input::Online => {
                self.offline = false;
                if matches!(self.link, Link::Waiting { .. }) {
                    self.link = Link::Idle;
                }
                self.resume(now);
            }
            Input::Stop => {
                self.halt(now);
                self.link = Link::Stopped;
            }
        }
        self.arm(now);
    }

    /// The next thing to do for the edge.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// How things stand.
    pub fn status(&self) -> Status<'_> {
        let open = if let Link::Open(open) = &self.link { Some(open) } else { None };
        let phase = match self.link {
            Link::Stopped => Phase::Stopped,
            _ if !self.pauses.is_empty() => Phase::Paused,
            _ if self.offline => Phase::Offline,
            _ if open.is_some_and(|open| open.live) => Phase::Live,
            _ if self.synced => Phase::Stale,
            Link::Open(_) => Phase::Syncing,
            _ => Phase::Connecting,
        };
        Status {
            phase,
            connected: open.is_some(),
            attempt: self.attempt,
            resumed: self.resumed,
            cursor: self.materializer.cursor(),
            version: self.materializer.state().revision(),
            error: self.error.as_ref(),
            failures: self.backoff.failures(),
            retry_at: if let Link::Waiting { until } = self.link { Some(until) } else { None },
            stale_since: if phase == Phase::Live { None } else { self.stale_since },
            staged: self.materializer.staged(),
            target: self.target,
            synced: self.synced,
            news: self.news,
        }
    }

    /// The state.
    pub const fn state(&self) -> &State {
        self.materializer.state()
    }

    /// The materializer, to read changes, the view and the trace.
    pub const fn materializer(&self) -> &Materializer<V> {
        &self.materializer
    }

    /// The materializer, to record and take traces.
    pub const fn materializer_mut(&mut self) -> &mut Materializer<V> {
        &mut self.materializer
    }

    /// The back-off, to read.
    pub const fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    /// Takes up a state that was kept elsewhere. The session must not have started.
    pub fn restore<'i>(
        &mut self,
        now: Instant,
        cursor: Option<&str>,
        items: impl Iterator<Item = Item<'i>>,
    ) {
        self.materializer.begin();
        self.materializer.restore(cursor, items);
        self.synced = true;
        self.stale_since = Some(now);
        self.news += 1;
    }

    fn connect(&mut self, now: Instant) {
        self.materializer.connected();
        self.connections = self.connections.wrapping_add(1);
        self.attempt = self.attempt.saturating_add(1);
        self.announced = None;
        self.target = None;
        let id = ConnectionId(self.connections);
        self.link = Link::Connecting { id, since: now };
        let cursor = self.materializer.cursor();
        let last_event_id = self.materializer.last_event_id();
        self.effects.push_back(Effect::Connect(Request {
            connection: id,
            query: self.materializer.protocol().query(cursor),
            last_event_id: (!last_event_id.is_empty()).then(|| last_event_id.to_string()),
            attempt: self.attempt,
        }));
    }

    fn opened(
        &mut self,
        now: Instant,
        id: ConnectionId,
        status: u16,
        content_type: Option<&str>,
        retry_after: Option<Duration>,
    ) {
        if status != 200 {
            let terminal = self.materializer.protocol().is_terminal(status);
            self.effects.push_back(Effect::Disconnect(id));
            return self.fail(now, Error::Status { code: status, terminal }, retry_after);
        }
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
        let essence = essence.trim();
        let is = |wanted: &str| essence.eq_ignore_ascii_case(wanted);
        let lines = is("application/x-ndjson") || is("application/ndjson");
        if !lines && !is("text/event-stream") {
            self.effects.push_back(Effect::Disconnect(id));
            return self.fail(now, Error::ContentType { found: essence.into() }, retry_after);
        }
        self.materializer.read_lines(lines);
        let mut open = Open {
            id,
            since: now,
            heard: now,
            live: false,
            snapshot_since: None,
            fetch: Fetch::Idle,
        };
        if !self.materializer.protocol().has_snapshots() {
            open.live = true;
        }
        self.link = Link::Open(open);
        if open.live {
            self.synchronised();
        }
    }

    /// Whether the input is of the open connection; if so, it is a sign of life.
    fn hear(&mut self, now: Instant, connection: ConnectionId) -> bool {
        match &mut self.link {
            Link::Open(open) if open.id == connection => {
                open.heard = now;
                true
            }
            _ => false,
        }
    }

    fn is_current(&self, connection: ConnectionId) -> bool {
        self.current() == Some(connection)
    }

    fn current(&self) -> Option<ConnectionId> {
        match self.link {
            Link::Connecting { id, .. } | Link::Open(Open { id, .. }) => Some(id),
            _ => None,
        }
    }

    /// Takes in what the events of one input asked for, and whether they ended in a fault.
    fn took(&mut self, now: Instant, signals: Signals, result: Result<(), Error>) {
        let updated = signals.committed || signals.up_to_date;
        if updated {
            self.bad = 0;
            self.backoff.updated();
            self.error = None;
            self.synchronised();
            if signals.committed {
                self.news += 1;
            }
        }
        if let Some(retry) = signals.retry {
            self.backoff.set_factor(Duration::from_millis(retry));
        }
        if let Some(millis) = signals.heartbeat_every.filter(|&millis| millis > 0) {
            // Two may be lost or late before the silence means something.
            self.announced = Some(Duration::from_millis(millis.saturating_mul(3)));
        }
        self.resumed = signals.resumed.or(self.resumed);
        self.target = signals.target.or(self.target);
        if let Some(fault) = signals.fault {
            self.tell(fault);
        }
        let snapshot = self.materializer.in_snapshot();
        if let Link::Open(open) = &mut self.link {
            open.snapshot_since = if snapshot && !updated {
                open.snapshot_since.or(Some(now))
            } else {
                snapshot.then_some(now)
            };
            open.live &= !snapshot;
            open.live |= updated && !snapshot;
            if signals.invalidated {
                if open.fetch == Fetch::Idle {
                    open.fetch = Fetch::UnderWay;
                    self.effects.push_back(Effect::Fetch(open.id));
                } else {
                    open.fetch = Fetch::Again;
                }
            }
        }
        if let Err(error) = result {
            self.disconnect(now);
            self.fail(now, error, None);
        } else if signals.reconnect || signals.goodbye.is_some() {
            // Asked for, so no fault; but waited for, as after one.
            self.disconnect(now);
            self.retry(now, None);
        }
    }

    fn fetched(&mut self, now: Instant, status: u16, body: &[u8]) {
        let Link::Open(open) = &mut self.link else {
            return;
        };
        let again = open.fetch == Fetch::Again;
        open.fetch = if again { Fetch::UnderWay } else { Fetch::Idle };
        if again {
            self.effects.push_back(Effect::Fetch(open.id));
        }
        let mut signals = Signals::default();
        let result = if status == 200 {
            self.materializer.fetched_into(now, body, &mut signals)
        } else {
            let terminal = self.materializer.protocol().is_terminal(status);
            Err(Error::Status { code: status, terminal })
        };
        self.took(now, signals, result);
    }

    fn failed(&mut self, now: Instant, failure: Failure<'_>) {
        let error = match failure {
            Failure::Network { what, temporary } => Error::Network { what: what.into(), temporary },
            // Before the stream is open there is nothing that could be aborted.
            Failure::Aborted if matches!(self.link, Link::Open(_)) => Error::Aborted,
            Failure::Aborted => Error::Network { what: "aborted".into(), temporary: None },
        };
        self.fail(now, error, None);
    }

    /// A fault ended the connection (which is gone, or was told to go).
    fn fail(&mut self, now: Instant, error: Error, retry_after: Option<Duration>) {
        self.note_end(now);
        let first = self.backoff.failures() == 0;
        if matches!(error, Error::Data { .. } | Error::Order { .. }) {
            self.bad += 1;
        }
        // A position from which nothing readable follows is worth no more tries; and Consul's
        // readers distrust theirs at the first fault.
        let distrust =
            self.bad > 1 || self.bad > 0 && self.materializer.protocol().resets_on_fault();
        if error.class() == Class::Reset || distrust {
            self.bad = 0;
            self.materializer.reset();
        }
        let terminal = error.class() == Class::Terminal;
        if !(first && error.is_temporary()) {
            self.tell(error);
        }
        if terminal {
            self.link = Link::Stopped;
        } else {
            self.retry(now, retry_after);
        }
    }

    fn retry(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.note_end(now);
        let chance = self.chance();
        let wait = self.backoff.fail(chance).max(retry_after.unwrap_or_default());
        let enough = self.options.give_up_after;
        self.link = if enough.is_some_and(|enough| self.backoff.failures() >= enough) {
            Link::Stopped
        } else if self.is_halted() {
            Link::Idle
        } else {
            Link::Waiting { until: now + wait }
        };
    }

    /// Notes that the connection, if there was one, is over.
    fn note_end(&mut self, now: Instant) {
        if let Link::Open(open) = self.link {
            self.backoff.ended(open.since, now);
            if open.live {
                self.stale_since = Some(now);
            }
            self.link = Link::Idle;
        }
    }

    fn tell(&mut self, error: Error) {
        self.error = Some(error);
        self.news += 1;
    }

    fn synchronised(&mut self) {
        self.attempt = 0;
        self.synced = true;
    }

    fn wake(&mut self, now: Instant) {
        self.armed = None;
        match self.link {
            Link::Waiting { until } if now >= until => self.connect(now),
            Link::Connecting { since, .. } if now.since(since) >= self.options.connect_timeout => {
                self.disconnect(now);
                let after = self.options.connect_timeout;
                self.fail(now, Error::ConnectTimeout { after }, None);
            }
            Link::Open(open) => {
                let silent = self.idle().filter(|&idle| now.since(open.heard) >= idle);
                let late = open
                    .snapshot_since
                    .is_some_and(|since| now.since(since) >= self.options.snapshot_timeout);
                if let Some(after) = silent {
                    self.disconnect(now);
                    self.fail(now, Error::Silent { after }, None);
                } else if late {
                    self.disconnect(now);
                    let after = self.options.snapshot_timeout;
                    self.fail(now, Error::SnapshotTimeout { after }, None);
                }
            }
            _ => {}
        }
    }

    fn idle(&self) -> Option<Duration> {
        self.announced.or(self.options.idle)
    }

    /// Asks for a timer, unless one is set that goes off early enough: being woken for nothing is
    /// cheaper than moving the timer with every byte.
    fn arm(&mut self, now: Instant) {
        let next = match self.link {
            Link::Idle | Link::Stopped => None,
            Link::Waiting { until } => Some(until),
            Link::Connecting { since, .. } => Some(since + self.options.connect_timeout),
            Link::Open(open) => {
                let silent = self.idle().map(|idle| open.heard + idle);
                let late = open.snapshot_since.map(|since| since + self.options.snapshot_timeout);
                silent.into_iter().chain(late).min()
            }
        };
        let Some(next) = next.map(|next| next.max(now)) else {
            return;
        };
        if self.armed.is_none_or(|armed| next < armed) {
            self.armed = Some(next);
            self.effects.push_back(Effect::WakeAt(next));
        }
    }

    fn disconnect(&mut self, now: Instant) {
        if let Some(id) = self.current() {
            self.effects.push_back(Effect::Disconnect(id));
            // How long it lived still counts.
            if matches!(self.link, Link::Connecting { .. }) {
                self.link = Link::Idle;
            }
            self.note_end(now);
        }
    }

    /// No connection for now.
    fn halt(&mut self, now: Instant) {
        if !matches!(self.link, Link::Stopped) {
            self.disconnect(now);
            self.link = Link::Idle;
        }
    }

    /// A connection at once, if nothing stands against it.
    fn resume(&mut self, now: Instant) {
        if matches!(self.link, Link::Idle) && !self.is_halted() {
            self.connect(now);
        }
    }

    const fn is_halted(&self) -> bool {
        !self.pauses.is_empty() || self.offline
    }

    /// A random number (xorshift64*).
    fn chance(&mut self) -> u32 {
        self.chance ^= self.chance >> 12;
        self.chance ^= self.chance << 25;
        self.chance ^= self.chance >> 27;
        (self.chance.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }
}
