//! What an application can do wrong, or has to know.

use core::fmt;

use crate::Fault;

/// Why a store could not be made, or could not answer.
///
/// Faults of the stream itself are not among these: they heal, and until then stand in
/// [`Status::fault`](crate::Status::fault).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The address is none that can be connected to.
    Address {
        /// What is wrong with it.
        what: Box<str>,
    },
    /// A header that no request can carry.
    Header {
        /// The name, as it was given.
        name: Box<str>,
    },
    /// The connection of an [`Endpoint`](crate::Endpoint) could not be made, or broke.
    Network {
        /// The transport's words.
        what: Box<str>,
    },
    /// A store or an event stream was begun outside a Tokio runtime, where nothing could keep it up.
    NoRuntime,
    /// The store stopped before it had a state: it was closed, or met a fault that trying again
    /// cannot heal.
    Stopped {
        /// The fault, if one was the reason.
        fault: Option<Fault>,
    },
    /// The item is there, but its value is not JSON, or not of the type that was asked for.
    Value {
        /// The item's kind.
        kind: Box<str>,
        /// The item's key.
        key: Box<str>,
        /// The item's version.
        version: i64,
        /// What is wrong, and where in the value.
        cause: serde_json::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { what } => write!(f, "bad address: {what}"),
            Self::Header { name } => write!(f, "no request can carry the header '{name}'"),
            Self::Network { what } => write!(f, "the connection failed: {what}"),
            Self::NoRuntime => f.write_str("this must be begun within a Tokio runtime"),
            Self::Stopped { fault: Some(fault) } => write!(f, "the stream was given up: {fault}"),
            Self::Stopped { fault: None } => f.write_str("the store was closed"),
            Self::Value { kind, key, version, cause } => {
                write!(f, "the value of {kind}/{key} at version {version}: {cause}")
            }
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Stopped { fault: Some(fault) } => Some(fault),
            Self::Value { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
