//! How a session stands.

use crate::bytes::Text;
use crate::error::Error;
use crate::time::Instant;

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
