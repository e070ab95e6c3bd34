//! One activation of a stream, from when it starts until it stops: no I/O, no clock, no task.

mod assembly;
mod backoff;
mod delivery;
mod settings;
mod writer;

pub use settings::Settings;

use crate::dispatch::Outcome;
use crate::error::Error;
use crate::event::{Batch, Event};
use crate::spec::ErrorHandling;
use crate::statistics::{DispatchStatus, Statistics};
use crate::timestamp::Timestamp;
use assembly::Assembly;
use backoff::Backoff;
use core::time::Duration;
use delivery::Delivery;
use std::collections::VecDeque;
use std::sync::Arc;
use writer::Writer;

/// Decides what a stream does next. It is told what happened with [`handle`](Self::handle), and asked
/// with [`poll`](Self::poll) what to do about it, until there is nothing, and with
/// [`wake_at`](Self::wake_at) when to come back in any case.
///
/// - **ES1**: events are delivered in the order of their source, each at least once over all
///   activations, whatever fails.
/// - **ES2**: a checkpoint is never past an event that is neither delivered, given up, nor passed over.
/// - **ES3**: one checkpoint is written at a time, and none that is older than one before it.
/// - **ES4**: one attempt is under way at a time; nothing is asked for after [`Effect::Stopped`].
/// - **ES5**: no more than a batch and a queue of the same length are taken from a source.
///
/// ```
/// use highwater_eventstreams::{Effect, Event, Input, Machine, Outcome, Settings, Timestamp};
/// let now = Timestamp::now();
/// let mut machine = Machine::new(Settings { batch_size: 1, ..Settings::default() }, now);
/// assert_eq!(machine.poll(), Some(Effect::Read));
/// machine.handle(now, Input::Read(Ok(None)));
/// assert!(matches!(machine.poll(), Some(Effect::Run { .. })));
///
/// let event = Event::new("orders/7", "000001", r#"{ "total": 3 }"#)?;
/// machine.handle(now, Input::Offered(vec![event]));
/// assert!(matches!(machine.poll(), Some(Effect::Attempt { number: 0, .. })));
/// assert_eq!(machine.poll(), Some(Effect::Accepted));
///
/// machine.handle(now, Input::Attempted(Outcome::Delivered));
/// assert_eq!(machine.poll(), Some(Effect::Store { position: "000001".into() }));
/// # Ok::<(), highwater_eventstreams::Error>(())
/// ```
#[derive(Debug)]
pub struct Machine {
    settings: Arc<Settings>,
    statistics: Statistics,
    phase: Phase,
    source: Source,
    assembly: Assembly,
    delivery: Option<Delivery>,
    writer: Writer,
    reading: Backoff,
    /// Where the source began, if that is not a position that was stored.
    since: Option<Timestamp>,
    effects: VecDeque<Effect>,
    cancelled: bool,
}

/// What a stream hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The checkpoint was read, or was not.
    Read(Result<Option<String>, Error>),
    /// The source has these, and waits for [`Effect::Accepted`].
    Offered(Vec<Event>),
    /// The source came to an end, without having been told to.
    SourceEnded,
    /// What came of the attempt.
    Attempted(Outcome),
    /// The position was stored, or was not.
    Stored(Result<(), Error>),
    /// The events are where skipped ones go, or are not.
    Parked(Result<(), Error>),
    /// It is the time that it wanted to be woken at.
    Wake,
    /// It is to stop. What is under way is cancelled, and its end told as always.
    Cancel,
}

/// What a stream wants to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read the checkpoint; [`Input::Read`] tells it.
    Read,
    /// Run the source.
    Run {
        /// What it comes after; from the beginning if this is empty.
        position: Arc<str>,
        /// Where the position is empty: from when on events count.
        since: Option<Timestamp>,
    },
    /// Let the source go on.
    Accepted,
    /// Try to deliver; [`Input::Attempted`] tells the end.
    Attempt {
        /// How often the batch was tried before.
        number: u64,
        /// What to deliver.
        batch: Batch,
    },
    /// Store a position as the checkpoint; [`Input::Stored`] tells the end.
    Store {
        /// The position.
        position: Arc<str>,
    },
    /// Put events where skipped ones go; [`Input::Parked`] tells the end.
    Park {
        /// The events.
        batch: Batch,
    },
    /// Nothing is under way any more, and nothing will be.
    Stopped,
}

/// What the stream is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The checkpoint is being read.
    Reading,
    /// It is read again, later.
    ReadingAgain(Timestamp),
    /// Events are collected.
    Assembling,
    /// An attempt is under way.
    Attempting,
    /// The next attempt comes later.
    Waiting(Timestamp),
    /// Events that are given up are being put away.
    Parking,
    /// That is tried again, later.
    ParkingAgain(Timestamp),
    /// The checkpoint has to be stored first.
    Storing,
    Stopped,
}

#[derive(Debug)]
enum Source {
    /// Not yet run.
    Idle,
    Running(Timestamp),
    /// It ended by itself.
    Ended(Timestamp),
}

impl Machine {
    /// Begins with reading the checkpoint.
    pub fn new(settings: impl Into<Arc<Settings>>, now: Timestamp) -> Self {
        let settings = settings.into();
        Self {
            statistics: Statistics { start_time: now, ..Statistics::default() },
            phase: Phase::Reading,
            source: Source::Idle,
            assembly: Assembly::default(),
            delivery: None,
            writer: Writer::new(Backoff::new(&settings.retry)),
            reading: Backoff::new(&settings.retry),
            since: None,
            effects: VecDeque::from([Effect::Read]),
            cancelled: false,
            settings,
        }
    }

    /// Takes in what happened. The time never goes back.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Read(read) => self.read(now, read),
            Input::Offered(events) => self.assembly.offer(events),
            Input::SourceEnded => self.source_ended(now),
            Input::Attempted(outcome) => self.attempted(now, outcome),
            Input::Stored(stored) => self.stored(now, &stored),
            Input::Parked(parked) => self.parked(now, parked),
            Input::Wake => {}
            Input::Cancel => self.cancelled = true,
        }
        self.advance(now);
    }

    /// The next thing to do, if there is one.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Input::Wake`] is due, if nothing else happens before.
    pub fn wake_at(&self) -> Option<Timestamp> {
        if self.cancelled {
            return None;
        }
        let phase = match self.phase {
            Phase::ReadingAgain(at) | Phase::Waiting(at) | Phase::ParkingAgain(at) => Some(at),
            Phase::Assembling => self.assembly.due(),
            _ => None,
        };
        let source = match self.source {
            Source::Ended(again) if self.phase == Phase::Assembling => Some(again),
            _ => None,
        };
        [phase, source, self.writer.wake_at()].into_iter().flatten().min()
    }

    /// What it has done so far.
    pub fn statistics(&self) -> Statistics {
        let delivering = self.delivery.as_ref().map_or(0, |delivery| delivery.batch.events().len());
        let pending = (self.assembly.len() + delivering) as u64;
        Statistics { pending, ..self.statistics.clone() }
    }

    /// The newest position up to which everything is dealt with, whether it is stored already or not.
    pub fn position(&self) -> Option<&Arc<str>> {
        self.writer.newest()
    }

    fn read(&mut self, now: Timestamp, read: Result<Option<String>, Error>) {
        match read {
            Ok(stored) => {
                let stored = stored.filter(|stored| !stored.is_empty()).map(Arc::from);
                let begin = stored.or_else(|| self.settings.initial_position.clone());
                self.since = self.settings.initial_time;
                self.writer.begin(begin);
                self.phase = Phase::Assembling;
                self.run(now);
            }
            Err(_) => self.phase = Phase::ReadingAgain(now.after(self.reading.pause())),
        }
    }

    fn run(&mut self, now: Timestamp) {
        let position = self.writer.newest().cloned().unwrap_or_default();
        let since = self.since.filter(|_| position.is_empty());
        self.assembly.begin(self.writer.newest().cloned());
        self.source = Source::Running(now);
        self.effects.push_back(Effect::Run { position, since });
    }

    /// What it handed over since the checkpoint will come again.
    fn source_ended(&mut self, now: Timestamp) {
        let Source::Running(since) = self.source else { return };
        if now.since(since) > self.settings.retry.maximum_delay.wait() {
            self.assembly.restarts = None; // it ran well
        }
        let retry = &self.settings.retry;
        let pause = self.assembly.restarts.get_or_insert_with(|| Backoff::new(retry)).pause();
        self.source = Source::Ended(now.after(pause));
        self.assembly.discard();
    }

    fn advance(&mut self, now: Timestamp) {
        while !self.cancelled && self.step(now) {}
        if !self.cancelled {
            if let Source::Ended(again) = self.source
                && again <= now
                && self.phase == Phase::Assembling
            {
                self.run(now);
            }
            if self.assembly.accept(self.settings.batch_size) {
                self.effects.push_back(Effect::Accepted);
            }
            self.write(now);
            return;
        }
        let busy = matches!(self.phase, Phase::Reading | Phase::Attempting | Phase::Parking);
        if !busy && !self.writer.is_writing() && self.phase != Phase::Stopped {
            self.phase = Phase::Stopped;
            self.effects.push_back(Effect::Stopped);
        }
    }

    /// One thing that can be done now; false if there is none.
    fn step(&mut self, now: Timestamp) -> bool {
        self.write(now);
        match self.phase {
            Phase::ReadingAgain(at) if at <= now => {
                self.phase = Phase::Reading;
                self.effects.push_back(Effect::Read);
            }
            Phase::Assembling => return self.assemble(now),
            Phase::Waiting(at) if at <= now => self.attempt(),
            Phase::ParkingAgain(at) if at <= now => self.park(),
            Phase::Storing if self.writer.is_idle() => self.phase = Phase::Assembling,
            _ => return false,
        }
        true
    }

    fn write(&mut self, now: Timestamp) {
        if let Some(position) = self.writer.write(now) {
            self.effects.push_back(Effect::Store { position });
        }
    }

    /// Takes an event from the queue, or sends off what has waited long enough.
    fn assemble(&mut self, now: Timestamp) -> bool {
        if self.assembly.due().is_some_and(|due| due <= now) {
            self.deliver(now);
            return true;
        }
        let Some(detected) = self.assembly.take(now, &self.settings) else { return false };
        self.statistics.highest_detected = detected;
        if self.assembly.is_full(&self.settings) {
            self.deliver(now);
        } else if let Some(position) = self.assembly.overdue(&self.settings)
            && self.writer.newest() != Some(&position)
        {
            self.checkpoint(position);
        }
        true
    }

    fn checkpoint(&mut self, position: Arc<str>) {
        self.assembly.unmatched = 0;
        self.writer.want(position);
        if !self.settings.asynchronous {
            self.phase = Phase::Storing;
        }
    }

    fn deliver(&mut self, now: Timestamp) {
        let batch = Batch::new(self.assembly.batch());
        if let Some(last) = batch.events().last() {
            self.statistics.highest_dispatched = Arc::clone(last.sequence_id());
        }
        let end = self.assembly.seen();
        self.begin(now, batch, end);
    }

    fn begin(&mut self, now: Timestamp, batch: Batch, end: Option<Arc<str>>) {
        self.statistics.last_dispatch_time = Some(now);
        self.statistics.last_dispatch_attempts = 0;
        self.statistics.last_dispatch_failure = Arc::default();
        self.statistics.last_dispatch_status = DispatchStatus::Dispatching;
        self.delivery = Some(Delivery::new(now, batch, end, Backoff::new(&self.settings.retry)));
        self.attempt();
    }

    fn attempt(&mut self) {
        if let Some(delivery) = &self.delivery {
            let (number, batch) = (delivery.failures, delivery.batch.clone());
            self.phase = Phase::Attempting;
            self.effects.push_back(Effect::Attempt { number, batch });
        }
    }

    fn attempted(&mut self, now: Timestamp, outcome: Outcome) {
        let (Phase::Attempting, Some(delivery)) = (self.phase, &mut self.delivery) else { return };
        let Outcome::Failed(failure) = outcome else {
            self.statistics.last_dispatch_status = DispatchStatus::Complete;
            self.done();
            return;
        };
        if let Some(taken) = delivery.fail(now, failure.event) {
            self.writer.want(taken);
        }
        self.statistics.last_dispatch_attempts = delivery.failures;
        self.statistics.last_dispatch_failure = failure.error.to_string().into();
        self.statistics.last_dispatch_status = DispatchStatus::Retrying;
        let asked = failure.retry_after.map(|wait| wait.min(LONGEST_ASKED));
        if now.since(delivery.began) < self.settings.retry_timeout.wait() {
            let pause = delivery.backoff.pause();
            self.phase = Phase::Waiting(now.after(asked.unwrap_or(pause)));
            return;
        }
        self.statistics.last_dispatch_status = DispatchStatus::Blocked;
        let pause = asked.unwrap_or(self.settings.blocked_retry_delay.wait());
        self.phase = Phase::Waiting(now.after(pause));
        // A stream that is stopping gives nothing up: the batch comes again.
        if self.settings.error_handling == ErrorHandling::Skip && !self.cancelled {
            if self.settings.park { self.park() } else { self.give_up(now) }
        }
    }

    fn park(&mut self) {
        if let Some(delivery) = &self.delivery {
            self.phase = Phase::Parking;
            self.effects.push_back(Effect::Park { batch: delivery.hopeless() });
        }
    }

    fn parked(&mut self, now: Timestamp, parked: Result<(), Error>) {
        let (Phase::Parking, Some(delivery)) = (self.phase, &mut self.delivery) else { return };
        match parked {
            Ok(()) => self.give_up(now),
            Err(error) => {
                self.statistics.last_dispatch_failure = error.to_string().into();
                self.phase = Phase::ParkingAgain(now.after(delivery.backoff.pause()));
            }
        }
    }

    fn give_up(&mut self, now: Timestamp) {
        let Some(delivery) = &self.delivery else { return };
        self.statistics.last_dispatch_status = DispatchStatus::Skipped;
        let hopeless = delivery.hopeless();
        let rest = delivery.batch.after(hopeless.events().len());
        match hopeless.events().last() {
            Some(last) if !rest.events().is_empty() => {
                let last = Arc::clone(last.sequence_id());
                let end = delivery.end.clone();
                self.writer.want(last);
                self.begin(now, rest, end);
            }
            _ => self.done(),
        }
    }

    /// The batch is dealt with, and everything that was seen before it was sent.
    fn done(&mut self) {
        self.phase = Phase::Assembling;
        if let Some(end) = self.delivery.take().and_then(|delivery| delivery.end) {
            self.checkpoint(end);
        }
        // Also when it is stopping: a storage that can still do it may.
        if let Some(position) = self.writer.write_at_once() {
            self.effects.push_back(Effect::Store { position });
        }
    }

    fn stored(&mut self, now: Timestamp, stored: &Result<(), Error>) {
        if let Some(position) = self.writer.wrote(now, stored.is_ok()) {
            self.statistics.checkpoint = position;
        }
    }
}

/// A receiver that asks for a longer pause gets this one.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests;
