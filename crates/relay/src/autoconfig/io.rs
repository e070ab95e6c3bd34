//! What goes into a stream manager, and what comes out.

use core::fmt;
use core::time::Duration;

use highwater_core::Instant;

use super::message::{Heard, Weight};

/// Something that happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StreamInput<'a> {
    /// The stream is wanted.
    Start,
    /// This put was kept from another life: it holds until the stream says otherwise.
    Restore(&'a [u8]),
    /// The server has answered.
    Opened {
        /// The answer's HTTP status.
        status: u16,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Bytes of the body came, cut anywhere.
    Bytes(&'a [u8]),
    /// The body has ended.
    Ended,
    /// The connection could not be made, or broke, in the transport's words.
    Failed(&'a str),
    /// The time of [`StreamOutput::WakeAt`] has come (or any other: early is harmless).
    Wake,
    /// The stream is wanted no longer.
    Stop,
}

/// Something for the edge to do, or to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamOutput {
    /// Make a connection. There is no other.
    Connect {
        /// The `Last-Event-ID` to send.
        last_event_id: Option<String>,
    },
    /// Let go of the connection: nothing more of it is wanted.
    Disconnect,
    /// Send [`StreamInput::Wake`] at this time. A timer that was asked for before is not needed any more.
    WakeAt(Instant),
    /// An event was taken in.
    Heard(Heard),
    /// The phase has changed.
    Phase(StreamPhase),
    /// Something failed, and this long after it the server is asked again; never, without a wait.
    Fault {
        /// What.
        fault: StreamFault,
        /// How long.
        wait: Option<Duration>,
    },
}

/// Where the stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamPhase {
    /// There has not been a connection yet.
    #[default]
    Initializing,
    /// There is one.
    Valid,
    /// There was one, and there will be.
    Interrupted,
    /// There will be no more.
    Off,
}

/// What failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFault {
    /// The server refused the key.
    InvalidKey {
        /// With this status.
        status: u16,
    },
    /// The server's answer was no stream.
    Status {
        /// But this.
        status: u16,
    },
    /// An event was not what the protocol says, and nothing of it took effect.
    Malformed(highwater_core::Error),
    /// The server asked for a new connection.
    Asked,
    /// The server ended the stream.
    Closed,
    /// The connection could not be made, or broke.
    Network(Box<str>),
    /// Nothing came for this long.
    Silent(Duration),
    /// No answer came for this long.
    ConnectTimeout(Duration),
    /// What was kept from another life cannot be read.
    Kept(highwater_core::Error),
}

impl StreamFault {
    /// How much an operator should care.
    pub const fn weight(&self) -> Weight {
        match self {
            Self::Asked => Weight::Info,
            Self::InvalidKey { .. } | Self::Malformed(_) => Weight::Error,
            _ => Weight::Warning,
        }
    }
}

impl fmt::Display for StreamPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initializing => "initializing",
            Self::Valid => "valid",
            Self::Interrupted => "interrupted",
            Self::Off => "off",
        })
    }
}

impl fmt::Display for StreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidKey { status } => {
                write!(f, "the auto-config key is invalid: the server answered {status}")
            }
            Self::Status { status } => write!(f, "the server answered {status}"),
            Self::Malformed(error) => write!(f, "malformed, and ignored: {error}"),
            Self::Asked => f.write_str("the server asked for a new connection"),
            Self::Closed => f.write_str("the server closed the stream"),
            Self::Network(what) => write!(f, "the connection failed: {what}"),
            Self::Silent(after) => write!(f, "nothing came for {} s", after.as_secs()),
            Self::ConnectTimeout(after) => write!(f, "no answer within {} s", after.as_secs()),
            Self::Kept(error) => {
                write!(f, "the configuration that was kept cannot be used: {error}")
            }
        }
    }
}
