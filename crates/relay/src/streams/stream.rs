//! One open stream: what it is sent, and when.

use bytes::Bytes;
use core::task::{Context, Poll};
use core::time::Duration;
use highwater_core::Instant;
use highwater_publisher::{Reader, SubscriptionError};

/// When streams hear something although nothing happens, and when they end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// After so much silence there is a heartbeat.
    pub heartbeat: Option<Duration>,
    /// A stream lasts no longer than this.
    pub longest: Option<Duration>,
}

/// A stream, from its first event on. Time is an argument.
///
/// ```
/// # use highwater_relay::{Credential, EnvStreams, EnvironmentId, Next, Pace, Store, Stream, StreamProvider};
/// # use highwater_core::Instant;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let mut streams = EnvStreams::new(Store::new("e", Default::default()), Default::default());
/// let page = Credential::Environment(EnvironmentId::new("e"));
/// streams.add_credential(page.clone());
/// let joined = streams.join(StreamProvider::JsPing, &page).unwrap();
/// let now = Instant::from_millis(0);
/// let mut stream = Stream::new(joined.initial.bytes().await, joined.reader, Pace::default(), now);
/// assert!(matches!(stream.next(now), Next::Wait(None)));
/// streams.invalidate();
/// assert!(matches!(stream.next(now), Next::Send(ping) if ping == "event: ping\ndata:  \n\n"));
/// # });
/// ```
pub struct Stream {
    first: Option<Bytes>,
    reader: Reader,
    heartbeat: Option<Duration>,
    /// When it has been quiet for so long that it hears something.
    due: Option<Instant>,
    until: Option<Instant>,
}

/// What a stream does next.
#[derive(Debug)]
pub enum Next {
    /// It is sent this.
    Send(Bytes),
    /// It waits for an event, and not longer than until then.
    Wait(Option<Instant>),
    /// It is too far behind, and has to [begin again](Stream::restart).
    Behind,
    /// It is over.
    End,
}

impl Stream {
    /// One that begins now.
    pub fn new(first: Option<Bytes>, reader: Reader, pace: Pace, now: Instant) -> Self {
        let Pace { heartbeat, longest } = pace;
        let after = |time: Duration| now + time;
        let (due, until) = (heartbeat.map(after), longest.map(after));
        Self { first, reader, heartbeat, due, until }
    }

    /// Has it begin again, with everything there is.
    pub fn restart(&mut self, first: Option<Bytes>, reader: Reader) {
        (self.first, self.reader) = (first, reader);
    }

    /// What is to be done now.
    pub fn next(&mut self, now: Instant) -> Next {
        let next = match self.first.take() {
            Some(first) => Next::Send(first),
            None => match self.reader.next_frame() {
                Ok(Some(frame)) => Next::Send(frame),
                Ok(None) if self.until.is_some_and(|until| until <= now) => Next::End,
                Ok(None) if self.due.is_some_and(|due| due <= now) => {
                    Next::Send(Bytes::from_static(HEARTBEAT))
                }
                Ok(None) => Next::Wait(self.due.into_iter().chain(self.until).min()),
                Err(SubscriptionError::TooSlow) => Next::Behind,
                Err(_) => Next::End,
            },
        };
        if matches!(next, Next::Send(_)) {
            self.due = self.heartbeat.map(|time| now + time);
        }
        next
    }

    /// Waits for an event, for who polls.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.reader.poll_ready(context)
    }

    /// What it is sent first, and what after that, for who does the waiting otherwise.
    pub fn into_parts(self) -> (Option<Bytes>, Reader) {
        (self.first, self.reader)
    }
}

/// A comment, without a blank line after it.
pub(super) const HEARTBEAT: &[u8] = b":\n";
