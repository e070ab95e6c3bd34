//! One measurement: messages are published, and every delivery is counted and timed.

use crate::Result;
use crate::histogram::Histogram;
use crate::mark::Mark;
use crate::publisher::Publisher;
use crate::servers::{Kind, Programs, Server};
use crate::subscribers::{self, Subscriber};
use core::time::Duration;
use mio::{Events, Poll, Token};
use std::collections::VecDeque;
use std::time::Instant;

/// How fast is published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// So many messages a second, whatever becomes of them: late ones count from when they were due.
    Paced(f64),
    /// The next as soon as the slowest subscriber lacks fewer than so many.
    Max(usize),
}

/// A server with its subscribers.
pub(crate) struct Stand {
    kind: Kind,
    pub(crate) server: Server,
    poll: Poll,
    publisher: Publisher,
    subscribers: Vec<Subscriber>,
    stalled: usize,
    /// How many messages were published.
    published: u64,
    zero: Instant,
    /// What a subscriber that waits costs, in KiB of the server.
    pub(crate) idle: f64,
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) delivered: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu: Duration,
    /// Of the one who measures: near the time that passed, it was the limit.
    pub(crate) own: Duration,
    pub(crate) times: Histogram,
    pub(crate) missed: u64,
    pub(crate) duplicated: u64,
}

impl Stand {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    pub(crate) fn set_up(
        kind: Kind,
        programs: &Programs,
        count: usize,
        stalled: usize,
    ) -> Result<Self> {
        let server = Server::start(kind, programs, 0)?;
        let mut poll = Poll::new()?;
        let first = kind.publish(&format!("{{\"text\":\"{}\"}}", "x".repeat(200)));
        let mut publisher = Publisher::connect(server.address, &first)?;
        let before = server.process.memory()?;
        let subscribers =
            subscribers::connect(&mut poll, server.address, &kind.subscribe(), count, stalled)?;
        let idle = (server.process.memory()? - before) / count as f64;
        publisher.register(poll.registry(), Token(count))?;
        let zero = Instant::now();
        Ok(Self { kind, server, poll, publisher, subscribers, stalled, published: 0, zero, idle })
    }

    pub(crate) fn measure(
        &mut self,
        pace: Pace,
        bytes: usize,
        length: Duration,
    ) -> Result<Measured> {
        let mut counted = Counted {
            live: self.subscribers.len() - self.stalled,
            base: self.published + 1,
            lacking: VecDeque::new(),
            delivered: 0,
            missed: 0,
            duplicated: 0,
            times: Histogram::default(),
        };
        let first = self.published + 1;
        let (begun, cpu, own) = (Instant::now(), self.server.process.cpu()?, cpu_of_this_thread()?);
        let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 256 << 10]);
        let (mut last, mut last_delivered) = (begun, 0);
        loop {
            let publishing = begun.elapsed() < length;
            let mut wait = Duration::from_millis(100);
            while publishing && self.publisher.is_free() {
                let due = match pace {
                    Pace::Paced(rate) => {
                        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
                        let due = begun
                            + Duration::from_secs_f64((self.published + 1 - first) as f64 / rate);
                        let left = due.saturating_duration_since(Instant::now());
                        if !left.is_zero() {
                            // The last part of a millisecond is spent looking, not sleeping.
                            wait = Duration::from_millis(left.as_millis() as u64);
                            break;
                        }
                        due
                    }
                    Pace::Max(window) if counted.lacking.len() < window => Instant::now(),
                    Pace::Max(_) => break,
                };
                self.published += 1;
                counted.lacking.push_back(counted.live);
                let due = due.saturating_duration_since(self.zero).as_nanos() as u64;
                let mark = Mark { number: self.published, due };
                self.publisher.send(&self.kind.publish(&mark.payload(bytes)))?;
            }
            let answered = self.publisher.unanswered == 0;
            let all_there = counted.lacking.is_empty() && answered;
            if !publishing && (all_there || last.elapsed() > PATIENCE) {
                break;
            }
            if let Err(error) = self.poll.poll(&mut events, Some(wait))
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                return Err(error.into());
            }
            for event in &events {
                match self.subscribers.get_mut(event.token().0) {
                    Some(subscriber) if event.is_readable() => {
                        let now = self.zero.elapsed().as_nanos() as u64;
                        subscriber
                            .read(&mut buffer, |mark, last| counted.count(mark, last, now))?;
                    }
                    Some(_) => {}
                    None => {
                        self.publisher.read()?;
                        self.publisher.write()?;
                    }
                }
            }
            if counted.delivered != last_delivered {
                (last, last_delivered) = (Instant::now(), counted.delivered);
            }
        }
        for subscriber in self.subscribers.iter_mut().skip(self.stalled) {
            counted.missed += self.published - subscriber.last;
            subscriber.last = self.published;
        }
        Ok(Measured {
            delivered: counted.delivered,
            seconds: last.duration_since(begun).as_secs_f64(),
            cpu: self.server.process.cpu()?.saturating_sub(cpu),
            own: cpu_of_this_thread()?.saturating_sub(own),
            times: counted.times,
            missed: counted.missed,
            duplicated: counted.duplicated,
        })
    }
}

struct Counted {
    live: usize,
    /// The oldest message that somebody lacks.
    base: u64,
    /// How many lack it, and those after it.
    lacking: VecDeque<usize>,
    delivered: u64,
    missed: u64,
    duplicated: u64,
    times: Histogram,
}

impl Counted {
    fn count(&mut self, Mark { number, due }: Mark, last: &mut u64, now: u64) {
        if number <= *last {
            self.duplicated += 1;
            return;
        }
        self.missed += number - *last - 1;
        for number in *last + 1..=number {
            if let Some(lack) =
                number.checked_sub(self.base).and_then(|at| self.lacking.get_mut(at as usize))
            {
                *lack -= 1;
            }
        }
        while self.lacking.front() == Some(&0) {
            self.lacking.pop_front();
            self.base += 1;
        }
        *last = number;
        self.delivered += 1;
        self.times.add(now.saturating_sub(due));
    }
}

fn cpu_of_this_thread() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(text.split(' ').next().unwrap_or_default().parse()?))
}

/// How long nothing may come while something is owed.
const PATIENCE: Duration = Duration::from_secs(10);
