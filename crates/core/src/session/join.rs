//! A session that comes into a connection which another one reads.
//!
//! Several sessions may follow one stream over one connection: each is given the same bytes. One
//! that comes later has missed the beginning; what it needs instead is the [`Standing`] of a session
//! that did not, and that session's checkpoint of the same moment.

use core::time::Duration;

use super::{ConnectionId, Fetch, Link, Open, Session};
use crate::materializer::Signals;
use crate::time::{Instant, millis};
use crate::view::View;

/// What the beginning of a connection said of the rest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The server made the promises that Highwater's own servers make.
    pub promised: bool,
    /// How long a silence is a fault, if the server announced its heartbeats.
    pub silence: Option<Duration>,
}

impl<V: View> Session<V> {
    /// How another session would have to go on in this connection; `None` unless the state is the
    /// server's and all that came has taken effect: no event, transfer or fetch is under way.
    pub fn standing(&self) -> Option<Standing> {
        let Open { live, fetch, .. } = self.open;
        let current = self.link == Link::Open && live && fetch == Fetch::Idle;
        let settled = current && self.materializer.is_settled();
        let promised = self.materializer.protocol().is_promised();
        let announced = Some(self.announced).filter(|&silence| silence > 0);
        settled.then_some(Standing { promised, silence: announced.map(Duration::from_millis) })
    }

    /// Goes on in the connection that has just been opened from where another session stands, whose
    /// checkpoint `bytes` is: empty if the states are the same. What differs is among the changes,
    /// and the bytes after that moment are the next.
    ///
    /// ```
    /// # use highwater_core::{Effect, Input, Instant, Protocol, Session, SessionOptions};
    /// # fn opened() -> (Session, highwater_core::ConnectionId) {
    /// #     let mut session = Session::new(Protocol::fdv2(), (), SessionOptions::of(&Protocol::fdv2()));
    /// #     let now = Instant::default();
    /// #     session.handle(now, Input::Start);
    /// #     let Some(Effect::Connect(request)) = session.poll() else { panic!() };
    /// #     let (connection, content_type) = (request.connection, Some("text/event-stream"));
    /// #     session.handle(now, Input::Opened { connection, status: 200, content_type, retry_after: None });
    /// #     (session, connection)
    /// # }
    /// let now = Instant::default();
    /// let (mut first, connection) = opened();
    /// first.handle(now, Input::Bytes { connection, bytes: b"\
    /// event: server-intent\ndata: {\"payloads\":[{\"intentCode\":\"xfer-full\"}]}\n\n\
    /// event: payload-transferred\ndata: {\"state\":\"a.1\",\"version\":1}\n\n" });
    ///
    /// let (mut second, connection) = opened();
    /// let standing = first.standing().unwrap();
    /// second.join(now, connection, standing, &first.materializer().checkpoint());
    /// assert_eq!((second.status().phase.as_str(), second.status().cursor), ("live", Some("a.1")));
    /// ```
    pub fn join(&mut self, now: Instant, id: ConnectionId, standing: Standing, bytes: &[u8]) {
        self.materializer.begin();
        if self.hear(now, id) {
            self.announced = standing.silence.map_or(0, millis);
            let mut signals = Signals::default();
            let result = self.materializer.join_into(now, standing.promised, bytes, &mut signals);
            self.took(now, signals, result);
        }
        self.arm(now);
    }
}
