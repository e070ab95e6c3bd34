//! The stream of automatic configuration, kept up: when to connect, what came, when to give up.

use core::time::Duration;
use std::collections::VecDeque;

use highwater_core::{Event, Instant, SseDecoder, SseItem};

use super::io::{StreamFault, StreamInput, StreamOutput, StreamPhase};
use super::receiver::{ConfigReceiver, Strictness};
use super::retry::{Retry, Verdict, Waits};

/// The choices of a [`StreamManager`].
#[derive(Clone, Copy, Debug)]
pub struct StreamOptions {
    /// What is taken from the wire.
    pub strictness: Strictness,
    /// How to wait between attempts.
    pub retry: Retry,
    /// A stream on which nothing comes for so long, comments included, is given up. Default: 5 min.
    pub silence: Duration,
    /// An attempt must be answered within this. Default: 30 s.
    pub connect_timeout: Duration,
    /// The largest event.
    pub max_event_bytes: usize,
    /// Where chance comes from: give each manager another.
    pub seed: u64,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            strictness: Strictness::default(),
            retry: Retry::default(),
            silence: Duration::from_mins(5),
            connect_timeout: Duration::from_secs(30),
            max_event_bytes: 64 << 20,
            seed: 0x9e37_79b9_7f4a_7c15,
        }
    }
}

/// Follows the stream of automatic configuration.
///
/// It does no I/O and reads no clock: give it every [`StreamInput`] as it happens, with the time, and after
/// each do what [`poll`](Self::poll) returns until that is `None`.
///
/// R1: a connection that is let go of is not read any further, not even to the end of the chunk; what is
/// known outlives connections; the server is never asked again without a wait.
///
/// ```
/// use highwater_core::Instant;
/// use highwater_relay::{StreamInput, StreamOutput, StreamPhase, StreamManager, StreamOptions};
/// let mut manager = StreamManager::new(StreamOptions::default());
/// let now = Instant::from_millis(0);
/// manager.handle(now, StreamInput::Start);
/// assert_eq!(manager.poll(), Some(StreamOutput::Connect { last_event_id: None }));
/// manager.handle(now, StreamInput::Opened { status: 200, retry_after: None });
/// manager.handle(now, StreamInput::Bytes(b"event: patch\ndata: {\"path\":\"/filters/p.f\",\
///     \"data\":{\"projKey\":\"p\",\"key\":\"f\",\"version\":1}}\n\n"));
/// let heard = core::iter::from_fn(|| manager.poll()).find_map(|output| match output {
///     StreamOutput::Heard(heard) => Some(heard.messages.len()),
///     _ => None,
/// });
/// assert_eq!(heard, Some(1));
/// ```
pub struct StreamManager {
    receiver: ConfigReceiver,
    decoder: SseDecoder,
    options: StreamOptions,
    waits: Waits,
    link: Link,
    phase: StreamPhase,
    outputs: VecDeque<StreamOutput>,
}

#[derive(Clone, Copy)]
enum Link {
    /// Not started, or stopped.
    Idle,
    Waiting {
        until: Instant,
    },
    Connecting {
        since: Instant,
    },
    Open {
        since: Instant,
        heard: Instant,
    },
}

impl StreamManager {
    /// A manager that has not started.
    pub fn new(options: StreamOptions) -> Self {
        Self {
            receiver: ConfigReceiver::new(options.strictness),
            decoder: SseDecoder::with_limit(options.max_event_bytes),
            waits: Waits::new(options.retry, options.seed),
            link: Link::Idle,
            phase: StreamPhase::Initializing,
            outputs: VecDeque::new(),
            options,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Instant, input: StreamInput<'_>) {
        if self.phase == StreamPhase::Off {
            return;
        }
        match (input, self.link) {
            (StreamInput::Start, Link::Idle) => self.connect(now),
            (StreamInput::Restore(put), _) => self.restore(put),
            (StreamInput::Opened { status, retry_after }, Link::Connecting { .. }) => {
                self.opened(now, status, retry_after);
            }
            (StreamInput::Bytes(bytes), Link::Open { since, .. }) => {
                self.link = Link::Open { since, heard: now };
                self.read(now, bytes);
            }
            (StreamInput::Ended, Link::Open { .. }) => self.fail(now, StreamFault::Closed),
            (StreamInput::Failed(what), Link::Connecting { .. } | Link::Open { .. }) => {
                self.fail(now, StreamFault::Network(what.into()));
            }
            (StreamInput::Wake, _) => self.wake(now),
            (StreamInput::Stop, _) => self.stop(),
            _ => {}
        }
        if let Some(deadline) = self.deadline() {
            self.outputs.push_back(StreamOutput::WakeAt(deadline));
        }
    }

    /// The next thing to do, or to hear.
    pub fn poll(&mut self) -> Option<StreamOutput> {
        self.outputs.pop_front()
    }

    /// Where the stream stands.
    pub const fn phase(&self) -> StreamPhase {
        self.phase
    }

    /// What is known.
    pub const fn receiver(&self) -> &ConfigReceiver {
        &self.receiver
    }

    fn connect(&mut self, now: Instant) {
        self.link = Link::Connecting { since: now };
        let id = self.decoder.last_event_id();
        let last_event_id = (!id.is_empty()).then(|| id.to_owned());
        self.outputs.push_back(StreamOutput::Connect { last_event_id });
    }

    fn restore(&mut self, put: &[u8]) {
        self.outputs.push_back(
            match self.receiver.hear(&Event { kind: "put", data: put, id: "" }) {
                Ok(heard) => StreamOutput::Heard(heard),
                Err(error) => StreamOutput::Fault { fault: StreamFault::Kept(error), wait: None },
            },
        );
    }

    fn opened(&mut self, now: Instant, status: u16, retry_after: Option<Duration>) {
        if status == 200 {
            self.link = Link::Open { since: now, heard: now };
            return self.enter(StreamPhase::Valid);
        }
        let fault = match status {
            401 | 403 => StreamFault::InvalidKey { status },
            _ => StreamFault::Status { status },
        };
        match self.waits.refused(status) {
            Verdict::Wait(wait) => {
                self.wait(now, fault, wait.max(retry_after.unwrap_or_default()));
            }
            Verdict::GiveUp => {
                self.outputs.push_back(StreamOutput::Fault { fault, wait: None });
                self.stop();
            }
        }
    }

    fn read(&mut self, now: Instant, mut bytes: &[u8]) {
        while let Some(item) = self.decoder.next(&mut bytes) {
            let heard = match item {
                SseItem::Event(event) => {
                    let kind = event.kind_text();
                    let event = Event { kind: &kind, data: event.data, id: event.id };
                    self.receiver.hear(&event)
                }
                SseItem::Retry(millis) => {
                    self.waits.asked(Duration::from_millis(millis));
                    continue;
                }
                SseItem::TooLarge { limit, offset } => {
                    Err(highwater_core::Error::TooLarge { limit, at: offset })
                }
                _ => continue,
            };
            match heard {
                Err(error) => return self.fail(now, StreamFault::Malformed(error)),
                Ok(heard) => {
                    let reconnect = heard.reconnect;
                    if !heard.messages.is_empty() {
                        self.waits.useful();
                    }
                    self.outputs.push_back(StreamOutput::Heard(heard));
                    if reconnect {
                        return self.fail(now, StreamFault::Asked);
                    }
                }
            }
        }
    }

    fn wake(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.link {
            Link::Waiting { .. } => self.connect(now),
            Link::Connecting { .. } => {
                self.fail(now, StreamFault::ConnectTimeout(self.options.connect_timeout));
            }
            Link::Open { .. } => self.fail(now, StreamFault::Silent(self.options.silence)),
            Link::Idle => {}
        }
    }

    /// When something is to be done though nothing happens.
    fn deadline(&self) -> Option<Instant> {
        match self.link {
            Link::Idle => None,
            Link::Waiting { until } => Some(until),
            Link::Connecting { since } => Some(since + self.options.connect_timeout),
            Link::Open { heard, .. } => Some(heard + self.options.silence),
        }
    }

    /// The connection is of no more use.
    fn fail(&mut self, now: Instant, fault: StreamFault) {
        let since = if let Link::Open { since, .. } = self.link { Some(since) } else { None };
        let wait = self.waits.failed(since, now);
        self.wait(now, fault, wait);
    }

    fn wait(&mut self, now: Instant, fault: StreamFault, wait: Duration) {
        self.disconnect();
        self.link = Link::Waiting { until: now + wait };
        self.outputs.push_back(StreamOutput::Fault { fault, wait: Some(wait) });
        if self.phase == StreamPhase::Valid {
            self.enter(StreamPhase::Interrupted);
        }
    }

    fn stop(&mut self) {
        self.disconnect();
        self.link = Link::Idle;
        self.enter(StreamPhase::Off);
    }

    fn disconnect(&mut self) {
        if matches!(self.link, Link::Connecting { .. } | Link::Open { .. }) {
            self.outputs.push_back(StreamOutput::Disconnect);
        }
        self.decoder.finish();
    }

    fn enter(&mut self, phase: StreamPhase) {
        if self.phase != phase {
            self.phase = phase;
            self.outputs.push_back(StreamOutput::Phase(phase));
        }
    }
}
