//! What goes into a session, and what it asks for.

use alloc::string::String;
use alloc::vec::Vec;

use crate::bytes::Text;
use crate::message::Event;
use crate::time::{Duration, Instant};

/// Tells the connections of a session apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub(super) u32);

impl ConnectionId {
    /// The connection as a number.
    pub const fn as_u32(self) -> u32 {
        self.0
    }

    /// The connection of this number.
    pub const fn from_u32(id: u32) -> Self {
        Self(id)
    }
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The application wants the stream.
    Start,
    /// The application wants a new connection, now.
    Reconnect,
    /// The server has answered.
    Opened {
        /// The connection that was asked for.
        connection: ConnectionId,
        /// The answer's HTTP status.
        status: u16,
        /// The answer's content type, if it named one.
        content_type: Option<&'a Text>,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Bytes of the body came, cut anywhere.
    Bytes {
        /// Where they came.
        connection: ConnectionId,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// An event came, on a transport that takes events out of their frames itself.
    Event {
        /// Where it came.
        connection: ConnectionId,
        /// The event.
        event: Event<'a>,
    },
    /// The body has ended.
    Ended {
        /// Where.
        connection: ConnectionId,
    },
    /// The connection could not be made, or broke.
    Failed {
        /// Which one.
        connection: ConnectionId,
        /// How.
        failure: Failure<'a>,
    },
    /// The state was fetched, as [`Effect::Fetch`] asked.
    Fetched {
        /// On behalf of which connection.
        connection: ConnectionId,
        /// The answer's HTTP status; 0 when there was none.
        status: u16,
        /// The answer's body.
        body: &'a [u8],
    },
    /// The time of [`Effect::WakeAt`] has come (or any other time: early is harmless).
    Wake,
    /// For this reason no connection is wanted for now. The state stays readable.
    Pause {
        /// The reason, for [`Input::Unpause`] to name.
        reason: &'a Text,
    },
    /// This reason to pause is gone.
    Unpause {
        /// The reason.
        reason: &'a Text,
    },
    /// The platform knows that there is no network.
    Offline,
    /// The platform knows that there is a network again.
    Online,
    /// The application is done with the stream. Nothing but reading is possible afterwards.
    Stop,
}

/// How a connection failed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Failure<'a> {
    /// The transport failed.
    Network {
        /// In its words.
        what: &'a Text,
        /// Whether it says of the failure that it will pass.
        #[cfg(feature = "full")]
        temporary: Option<bool>,
    },
    /// The server ended the stream and asked for everything to be read again.
    #[cfg(feature = "full")]
    Aborted,
}

/// Something for the edge to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Make a connection. Its outcome is told with its id.
    Connect(Request),
    /// Let go of this connection; nothing more of it is wanted.
    Disconnect(ConnectionId),
    /// Fetch the state from the poll address, and tell it as [`Input::Fetched`].
    Fetch(ConnectionId),
    /// Send [`Input::Wake`] at this time. A timer that was asked for before is not needed any
    /// more.
    WakeAt(Instant),
}

/// A connection to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to call it.
    pub connection: ConnectionId,
    /// What to add to the address's query. (In the lean module it is always the cursor, as `basis`.)
    #[cfg(feature = "full")]
    pub query: Vec<(&'static str, String)>,
    /// The `Last-Event-ID` to send; leave it out if the transport cannot.
    #[cfg(feature = "full")]
    pub last_event_id: Option<String>,
    /// The how-manieth try this is since the stream was last live.
    pub attempt: u32,
}
