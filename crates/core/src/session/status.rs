//! How a session stands.

#[cfg(not(feature = "full"))]
use super::{Link, Session, UNKNOWN};
#[cfg(feature = "full")]
use crate::bytes::Text;
use crate::error::Error;
use crate::time::Instant;
#[cfg(not(feature = "full"))]
use crate::view::View;

/// What a session is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// There is no state yet, and no connection.
    Connecting,
    /// There is a connection, and its first state is on the way.
    Syncing,
    /// The state is the server's.
    Live,
    /// The state is an earlier one of the server's; a connection or a new state is on the way.
    Stale,
    /// The application paused the session.
    Paused,
    /// There is no network.
    Offline,
    /// The session is over: it was closed, or met a fault that cannot heal.
    Stopped,
}

impl Phase {
    /// The phase in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Syncing => "syncing",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Paused => "paused",
            Self::Offline => "offline",
            Self::Stopped => "stopped",
        }
    }
}

/// How a session stands at one moment.
#[cfg(feature = "full")]
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status<'a> {
    /// What it is about.
    pub phase: Phase,
    /// Whether a connection is open.
    pub connected: bool,
    /// How many connections were tried since it was last live; 0 while it is.
    pub attempt: u32,
    /// Whether the last connection went on from where the stream was left; `None` as long as no
    /// server has said.
    pub resumed: Option<bool>,
    /// Where the stream was last whole.
    pub cursor: Option<&'a Text>,
    /// Moves with every transaction that changed anything.
    pub version: u64,
    /// The last fault that was told; gone with the next update.
    pub error: Option<&'a Error>,
    /// How many failures the back-off counts.
    pub failures: u32,
    /// When the next attempt will be made, while that is waited for.
    pub retry_at: Option<Instant>,
    /// Since when the state may be an old one.
    pub stale_since: Option<Instant>,
    /// How many steps of an unfinished transfer are there.
    pub staged: usize,
    /// The position that the transfer leads to, where the server says.
    pub target: Option<u64>,
    /// Whether there was ever a whole state.
    pub synced: bool,
    /// Moves with every transaction, and with every fault that is told.
    pub news: u64,
}

#[cfg(not(feature = "full"))]
impl<V: View> Session<V> {
    /// How things stand, in numbers, of which the greatest stands for what is not there: phase,
    /// connected, attempt, failures, resumed, version, 0 if there is a cursor, retry at, stale since,
    /// staged, target, synced, news; and of the error its code, its number, and what else there is to
    /// it.
    pub fn numbers(&self) -> [u64; 16] {
        let phase = self.phase();
        let there = |is: bool, number: u64| if is { number } else { UNKNOWN };
        let error = self.error.as_ref();
        [
            phase as u64,
            u64::from(self.link == Link::Open),
            u64::from(self.attempt),
            u64::from(self.backoff.failures()),
            self.resumed.map_or(UNKNOWN, u64::from),
            self.state().revision(),
            there(self.materializer.cursor().is_some(), 0),
            there(self.link == Link::Waiting, self.turn.as_millis()),
            there(phase != Phase::Live, self.stale_since.as_millis()),
            self.materializer.staged() as u64,
            self.target.unwrap_or(UNKNOWN),
            u64::from(self.synced),
            self.news,
            error.map_or(UNKNOWN, |error| u64::from(error.code())),
            error.and_then(Error::number).unwrap_or(UNKNOWN),
            error.map_or(UNKNOWN, |error| u64::from(error.detail())),
        ]
    }

    /// The words of the error.
    pub fn words(&self) -> &crate::bytes::Text {
        self.error.as_ref().map(Error::what).unwrap_or_default()
    }
}
