//! A stream of bytes over HTTP, for those who keep it up themselves.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use highwater_core::{ConnectionId, Request};
use hyper::header::{HeaderMap, HeaderValue};

use crate::Error;
use crate::builder::{add_header, address};
use crate::http::{Answer, Http, Target, next_piece};

/// An address that answers with a stream of events.
///
/// A [`Store`](crate::Store) needs none: this is for what drives the core itself, and for streams
/// that are no state. Nothing is tried twice and nothing is waited for; redirects are followed, to
/// other origins without the headers.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let endpoint = highwater::Endpoint::new(serve(), &[("authorization", "Bearer c2VjcmV0")])?;
/// let mut stream = endpoint.open(None).await?;
/// assert_eq!(stream.status(), 200);
/// let first = stream.next().await.expect("it says something")?;
/// assert!(first.starts_with(b"event: "));
/// # Ok(())
/// # }
/// ```
pub struct Endpoint(Arc<Http>);

impl Endpoint {
    /// An address, and headers to send to it. Must be called within a Tokio runtime.
    pub fn new(url: impl AsRef<str>, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let added = add_header(&mut map, name, value);
            added.ok_or_else(|| Error::Header { name: (*name).into() })?;
        }
        Ok(Self(Arc::new(Http::new(Target {
            url: address(url.as_ref())?,
            poll: None,
            headers: map,
            accept: HeaderValue::from_static("text/event-stream"),
            max_bytes: 0,
            poll_timeout: Duration::ZERO,
        }))))
    }

    /// Asks for the stream, or for what follows an event. May be dropped while it
    /// waits.
    pub async fn open(&self, last_event_id: Option<&str>) -> Result<Opened, Error> {
        let request = Request {
            connection: ConnectionId::from_u32(0),
            query: Vec::new(),
            last_event_id: last_event_id.map(Into::into),
            attempt: 0,
        };
        let answer = Arc::clone(&self.0).open(request).await;
        answer.map(Opened).map_err(|what| Error::Network { what })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

/// An answer, whose body is still to come. Dropped, its connection is let go of.
pub struct Opened(Answer);

impl Opened {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.0.head.status
    }

    /// How long the server asks to be left alone.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.0.head.retry_after
    }

    /// The next bytes, cut anywhere; `None` at the end. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let piece = next_piece(&mut self.0.body).await?;
        Some(piece.map_err(|what| Error::Network { what }))
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("status", &self.status()).finish_non_exhaustive()
    }
}
