//! One stream, kept up: when to connect, what to resume from, when to give up.

mod handover;
mod io;
#[cfg(feature = "full")]
mod join;
mod options;
mod outcomes;
mod pauses;
mod restore;
mod status;
mod timers;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::mem;

pub use io::{ConnectionId, Effect, Failure, Input, Request};
#[cfg(feature = "full")]
pub use join::Standing;
use options::Limits;
pub use options::SessionOptions;
use pauses::Pauses;
pub use status::Phase;
#[cfg(feature = "full")]
pub use status::Status;

use crate::FULL;
use crate::backoff::Backoff;
use crate::bytes::{Text, owned, word};
use crate::error::Error;
use crate::materializer::{Materializer, Signals};
use crate::protocol::Protocol;
use crate::state::State;
use crate::time::{Duration, Instant, millis};
use crate::view::View;

/// Drives one stream: owns its [`Materializer`], its [`Backoff`], and the rules of connecting.
///
/// It is the one thing that an edge drives. Give it every [`Input`] as it happens, with the time;
/// after each, carry out what [`poll`](Self::poll) returns until that is `None`, and read
/// [`changes`](Materializer::changes) and [`status`](Self::status) if you show them.
///
/// - S1: there is at most one connection, and what an old one still delivers is not read.
/// - S2: every wait is bounded; a server is never asked again without one.
/// - S3: no fault loses anything that was committed.
/// - S4: connections that end at once, one after the other, are waited for ever longer, whatever
///   they brought.
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
    limits: Limits,
    backoff: Backoff,
    link: Link,
    /// Until when it waits; or since when there is the connection.
    turn: Instant,
    open: Open,
    pauses: Pauses,
    offline: bool,
    /// The number of the last connection.
    connections: u32,
    effects: Vec<Effect>,
    /// The timer that the edge was asked for and that has not gone off.
    armed: Instant,
    chance: u64,
    /// The server announced its heartbeats: a silence of so many milliseconds is a fault; or 0.
    announced: u64,
    attempt: u32,
    resumed: Option<bool>,
    target: Option<u64>,
    error: Option<Error>,
    /// A whole state was there at some time.
    synced: bool,
    stale_since: Instant,
    /// Faults in the data since the last commit.
    bad: u32,
    /// The end of the wait that a pause came into.
    held: Instant,
    /// How long the last connection was open, and how many in a row ended at once.
    lived: u64,
    brief: u32,
    news: u64,
    /// The stream is none that this module reads.
    foreign: bool,
    /// The event because of which it is not.
    #[cfg(not(feature = "full"))]
    unread: Option<Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    /// No connection is wanted: not started, paused, or offline.
    Idle,
    Waiting,
    Connecting,
    Open,
    Stopped,
}

/// What there is to know of a connection that is open.
struct Open {
    /// When something last came.
    heard: Instant,
    /// On this connection the state has become that of the server.
    live: bool,
    snapshot_since: Instant,
    fetch: Fetch,
    /// When the fetch that is under way began.
    fetch_since: Instant,
}

impl Open {
    const fn new(now: Instant) -> Self {
        let (snapshot_since, fetch_since) = (Instant::NEVER, Instant::NEVER);
        Self { heard: now, live: false, snapshot_since, fetch: Fetch::Idle, fetch_since }
    }
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
            limits: options.limits(),
            backoff: options.backoff(),
            link: Link::Idle,
            turn: Instant::default(),
            open: Open::new(Instant::default()),
            pauses: Pauses::default(),
            offline: false,
            connections: 0,
            effects: Vec::new(),
            armed: Instant::NEVER,
            chance: options.seed | 1,
            announced: 0,
            attempt: 0,
            resumed: None,
            target: None,
            error: None,
            synced: false,
            stale_since: Instant::NEVER,
            bad: 0,
            held: Instant::default(),
            lived: UNKNOWN,
            brief: 0,
            news: 0,
            foreign: false,
            #[cfg(not(feature = "full"))]
            unread: None,
        }
    }

    /// Takes in what happened. Inputs of connections that are no longer wanted are ignored.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.materializer.begin();
        match input {
            Input::Start | Input::Reconnect => {
                if self.link != Link::Stopped {
                    self.disconnect(now);
                    self.link = Link::Idle;
                    self.held = Instant::default();
                    self.resume(now);
                }
            }
            Input::Opened { connection, status, content_type, retry_after } => {
                if self.link == Link::Connecting && self.is_current(connection) {
                    self.opened(now, status, content_type, retry_after);
                }
            }
            Input::Bytes { connection, bytes } => {
                if self.hear(now, connection) {
                    let mut signals = Signals::default();
                    let result = self.materializer.push_into(now, bytes, &mut signals);
                    self.took(now, signals, result);
                }
            }
            #[cfg(feature = "full")]
            Input::Event { connection, event } => {
                if self.hear(now, connection) {
                    let mut signals = Signals::default();
                    let result = self.materializer.event_into(now, &event, &mut signals);
                    self.took(now, signals, result);
                }
            }
            Input::Ended { connection } => {
                if self.is_current(connection) {
                    self.fail(now, Error::Closed, 0);
                }
            }
            Input::Failed { connection, failure } => {
                if self.is_current(connection) {
                    self.failed(now, failure);
                }
            }
            #[cfg(feature = "full")]
            Input::Fetched { connection, status, body } => {
                if self.hear(now, connection) {
                    self.fetched(now, status, body);
                }
            }
            Input::Wake => self.wake(now),
            Input::Pause { reason } => {
                self.pauses.add(reason);
                self.halt(now);
            }
            Input::Unpause { reason } => {
                if self.pauses.remove(reason) {
                    self.resume(now);
                }
            }
            Input::Offline => {
                self.offline = true;
                self.halt(now);
            }
            Input::Online => {
                self.offline = false;
                self.held = Instant::default();
                if self.link == Link::Waiting {
                    self.link = Link::Idle;
                }
                self.resume(now);
            }
            Input::Stop => {
                self.halt(now);
                self.link = Link::Stopped;
            }
            #[cfg(not(feature = "full"))]
            Input::Event { .. } | Input::Fetched { .. } => {}
        }
        self.arm(now);
    }

    /// The next thing to do for the edge.
    pub fn poll(&mut self) -> Option<Effect> {
        // There are few.
        (!self.effects.is_empty()).then(|| self.effects.remove(0))
    }

    /// All that there is to do.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        mem::take(&mut self.effects)
    }

    /// Whether there is anything to do.
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// Whether there was ever a whole state.
    pub const fn is_synced(&self) -> bool {
        self.synced
    }

    /// Whether the stream is none that this module reads: then it goes on in the one with
    /// everything, or not at all. (Never with the feature `full`.)
    pub const fn is_foreign(&self) -> bool {
        !FULL && self.foreign
    }

    /// Whether the session is over.
    pub const fn is_stopped(&self) -> bool {
        self.is(Link::Stopped)
    }

    const fn is(&self, link: Link) -> bool {
        self.link as u8 == link as u8
    }

    const fn phase(&self) -> Phase {
        match self.link {
            Link::Stopped => Phase::Stopped,
            _ if self.pauses.any() => Phase::Paused,
            _ if self.offline => Phase::Offline,
            Link::Open if self.open.live => Phase::Live,
            _ if self.synced => Phase::Stale,
            Link::Open => Phase::Syncing,
            _ => Phase::Connecting,
        }
    }

    /// How things stand.
    #[cfg(feature = "full")]
    pub fn status(&self) -> Status<'_> {
        let phase = self.phase();
        Status {
            phase,
            connected: self.link == Link::Open,
            attempt: self.attempt,
            resumed: self.resumed,
            cursor: self.materializer.cursor(),
            version: self.materializer.state().revision(),
            error: self.error.as_ref(),
            failures: self.backoff.failures(),
            retry_at: Some(self.turn).filter(|_| self.link == Link::Waiting),
            stale_since: Some(self.stale_since)
                .filter(|&since| since < Instant::NEVER && phase != Phase::Live),
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

    fn connect(&mut self, now: Instant) {
        self.materializer.connected();
        self.connections = self.connections.wrapping_add(1);
        self.attempt = self.attempt.saturating_add(1);
        self.announced = 0;
        self.target = None;
        self.foreign = false;
        self.link = Link::Connecting;
        self.turn = now;
        self.lived = UNKNOWN;
        #[cfg(feature = "full")]
        let materializer = &self.materializer;
        self.effects.push(Effect::Connect(Request {
            connection: ConnectionId(self.connections),
            #[cfg(feature = "full")]
            query: materializer.protocol().query(materializer.cursor()),
            #[cfg(feature = "full")]
            last_event_id: Some(materializer.last_event_id())
                .filter(|id| !id.is_empty())
                .map(ToString::to_string),
            attempt: self.attempt,
        }));
    }

    fn opened(
        &mut self,
        now: Instant,
        status: u16,
        content_type: Option<&Text>,
        retry_after: Option<Duration>,
    ) {
        let asked = retry_after.map_or(0, millis);
        let essence = essence(content_type.unwrap_or_default());
        let known = TYPES.iter().position(|known| is_type(essence, known));
        if status != 200 || known.is_none() {
            let error = if status == 200 {
                Error::ContentType { found: owned(essence) }
            } else {
                let terminal = self.materializer.protocol().is_terminal(status);
                Error::Status { code: status, terminal }
            };
            self.disconnect(now);
            return self.fail(now, error, asked);
        }
        let lines = known > Some(0);
        self.materializer.read_lines(lines);
        self.foreign = lines;
        self.link = Link::Open;
        self.turn = now;
        self.open = Open::new(now);
        if !self.materializer.protocol().has_snapshots() {
            self.open.live = true;
            self.synchronised();
        }
    }

    /// Whether the input is of the open connection; if so, it is a sign of life.
    fn hear(&mut self, now: Instant, connection: ConnectionId) -> bool {
        let hears = self.link == Link::Open && self.is_current(connection);
        if hears {
            self.open.heard = now;
        }
        hears
    }

    fn is_current(&self, connection: ConnectionId) -> bool {
        self.current() == Some(connection)
    }

    fn current(&self) -> Option<ConnectionId> {
        let there = matches!(self.link, Link::Connecting | Link::Open);
        there.then_some(ConnectionId(self.connections))
    }

    fn disconnect(&mut self, now: Instant) {
        if let Some(id) = self.current() {
            self.effects.push(Effect::Disconnect(id));
            // How long it lived still counts.
            self.note_end(now);
            self.link = Link::Idle;
        }
    }

    /// No connection for now.
    fn halt(&mut self, now: Instant) {
        match self.link {
            Link::Stopped => return,
            // A pause is no way round a wait.
            Link::Waiting => self.held = self.turn,
            _ => self.disconnect(now),
        }
        self.link = Link::Idle;
    }

    /// A connection at once, or when a wait is over that a pause came into, if nothing stands
    /// against it.
    fn resume(&mut self, now: Instant) {
        if self.link == Link::Idle && !self.is_halted() {
            let held = mem::take(&mut self.held);
            if held > now {
                self.link = Link::Waiting;
                self.turn = held;
            } else {
                self.connect(now);
            }
        }
    }

    const fn is_halted(&self) -> bool {
        self.pauses.any() || self.offline
    }

    /// A random number (xorshift64*).
    fn chance(&mut self) -> u32 {
        self.chance ^= self.chance >> 12;
        self.chance ^= self.chance << 25;
        self.chance ^= self.chance >> 27;
        (self.chance.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }
}

/// A life of which nothing is known.
const UNKNOWN: u64 = u64::MAX;

/// The types of content that can be read: events, and lines of JSON.
const TYPES: [&Text; 3] =
    [word("text/event-stream"), word("application/x-ndjson"), word("application/ndjson")];

/// What a content type says without its parameters. Of several, as proxies may join them, the last
/// counts.
#[cfg(feature = "full")]
fn essence(content_type: &Text) -> &Text {
    let last = content_type.rsplit(',').next().unwrap_or_default();
    last.split(';').next().unwrap_or_default().trim()
}

#[cfg(feature = "full")]
const fn is_type(essence: &Text, known: &Text) -> bool {
    essence.eq_ignore_ascii_case(known)
}

/// The edge of the lean module has seen to all that, and tells types in small letters.
#[cfg(not(feature = "full"))]
fn is_type(essence: &Text, known: &Text) -> bool {
    crate::same::same(essence, known)
}

/// As above.
#[cfg(not(feature = "full"))]
const fn essence(content_type: &Text) -> &Text {
    content_type
}
