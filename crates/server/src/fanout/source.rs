//! What streams read from, as far as the fan-out has to know.

use crate::admission::{Load, Seat};
use crate::leave::Leave;
use crate::stream::Closing;
use bytes::Bytes;
use core::time::Duration;
use highwater_publisher::{Reader, SubscriptionError};
use std::sync::Arc;
use tokio::time::Instant;

/// Whatever gives out [`Reader`]s, and how their streams are spoken to.
pub(crate) trait Source: Send + Sync {
    /// Takes a reader in again that cannot read on: what it is told first, and where it goes on.
    /// None if there is nothing to read any more.
    fn rejoin(&self, reader: &Reader, error: &SubscriptionError) -> Option<(Vec<Bytes>, Reader)>;

    /// After how much silence a stream hears something, and what.
    fn heartbeat(&self) -> (Duration, Bytes);

    /// For how long a stream holds back what it is told, each another time between half of it and
    /// all; only the last of what comes meanwhile is sent.
    fn jitter(&self) -> Option<Duration> {
        None
    }

    /// The last words of a stream that the server ends, if there are any.
    fn goodbye(&self, why: Leave) -> Option<Bytes>;
}

/// A stream that was asked for and granted, all but its socket.
pub(crate) struct Granted {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) reader: Reader,
    /// What it is sent before anything that it reads.
    pub(crate) greeting: Vec<Bytes>,
    /// When its reader is asked to come again.
    pub(crate) until: Option<Instant>,
    /// Held until the socket has taken the snapshot.
    pub(crate) load: Option<Load>,
    pub(crate) closing: Closing,
    pub(crate) seat: Seat,
}
