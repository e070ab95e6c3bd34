//! Worlds of chance around one machine, in virtual time: whatever fails, every event is delivered at
//! least once and in order (ES1), and no checkpoint is past one that is not (ES2).

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use core::time::Duration;
use highwater_eventstreams::{
    Batch, Effect, Error, ErrorHandling, Event, Failure, Input, Machine, Outcome, Period, Settings,
    Timestamp, TopicFilter,
};

const EVENTS: usize = 120;

#[test]
fn every_event_is_delivered_and_no_checkpoint_overtakes_one() {
    for seed in 1..=1_500 {
        World::new(seed).live();
    }
}

struct World {
    seed: u64,
    chance: u64,
    now: Timestamp,
    events: Vec<Event>,
    settings: Settings,
    /// What outlives a crash.
    stored: Option<usize>,
    delivered: Vec<bool>,
    parked: Vec<bool>,
}

/// What is under way in one life of a machine.
#[derive(Default)]
struct UnderWay {
    reading: bool,
    attempt: Option<Batch>,
    storing: Option<usize>,
    parking: Option<Batch>,
    /// How far the source is, while it runs; and whether it waits.
    source: Option<usize>,
    waits: bool,
    stopped: bool,
    /// The newest event of this life that an attempt was about.
    newest: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            seed,
            chance: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            now: Timestamp::from_nanos(0),
            events: Vec::new(),
            settings: Settings::default(),
            stored: None,
            delivered: vec![false; EVENTS],
            parked: vec![false; EVENTS],
        };
        for at in 0..EVENTS {
            let topic = if world.one_in(3) { "other" } else { "mine" };
            world.events.push(Event::new(topic, &format!("{at:06}"), "{}").unwrap());
        }
        let skips = world.one_in(3);
        world.settings = Settings {
            filter: world.one_in(2).then(|| TopicFilter::new("mine").unwrap()),
            error_handling: if skips { ErrorHandling::Skip } else { ErrorHandling::Block },
            park: true, // so that what is given up is somewhere
            batch_size: 1 + world.up_to(6),
            retry_timeout: Period::from_millis(1_000),
            blocked_retry_delay: Period::from_millis(5_000),
            asynchronous: world.one_in(2),
            unmatched_event_threshold: world.up_to(4) as u64,
            ..Settings::default()
        };
        world
    }

    /// Some lives with faults, and a last one without.
    fn live(mut self) {
        for _ in 0..6 {
            let steps = self.up_to(120);
            self.life(Some(steps));
        }
        self.life(None);
        for (at, event) in self.events.iter().enumerate() {
            let mine = self.matches(event);
            let dealt_with = self.delivered[at] || self.parked[at];
            assert!(!mine || dealt_with, "seed {}: event {at} was lost", self.seed);
            assert!(mine || !dealt_with, "seed {}: event {at} was not asked for", self.seed);
        }
    }

    /// One life: until so many steps have been taken, or all is delivered and stored.
    fn life(&mut self, steps: Option<usize>) {
        let mut machine = Machine::new(self.settings.clone(), self.now);
        let mut way = UnderWay::default();
        let mut cancelled = false;
        for step in 0..50_000 {
            self.carry_out(&mut machine, &mut way);
            let at_rest = way.source == Some(EVENTS) && machine.statistics().pending == 0;
            let idle = way.attempt.is_none() && way.storing.is_none() && way.parking.is_none();
            match steps {
                None if at_rest && idle && machine.wake_at().is_none() => return,
                Some(_) if way.stopped => return,
                Some(most) if step >= most && !cancelled => {
                    if self.one_in(2) {
                        return; // a crash
                    }
                    cancelled = true;
                    self.cancel(&mut machine, &mut way);
                    continue;
                }
                _ => {}
            }
            self.step(&mut machine, &mut way, steps.is_some() && !cancelled);
        }
        panic!("seed {}: it came to no end", self.seed);
    }

    fn carry_out(&mut self, machine: &mut Machine, way: &mut UnderWay) {
        while let Some(effect) = machine.poll() {
            assert!(!way.stopped, "seed {}: {effect:?} after the end", self.seed);
            match effect {
                Effect::Read => way.reading = true,
                Effect::Run { position, since } => {
                    assert_eq!((since, way.source), (None, None), "seed {}", self.seed);
                    let after = position.parse::<usize>().map_or(0, |position| position + 1);
                    (way.source, way.waits) = (Some(after), false);
                    // What comes again may have been delivered before.
                    way.newest = way.newest.min(after);
                }
                Effect::Accepted => way.waits = false,
                Effect::Attempt { batch, .. } => {
                    assert!(way.attempt.is_none(), "seed {}: two attempts", self.seed);
                    let ids = indices(&batch);
                    assert!(ids.is_sorted() && !ids.is_empty(), "seed {}: {ids:?}", self.seed);
                    assert!(ids.len() <= self.settings.batch_size);
                    assert!(
                        ids[0] >= way.newest,
                        "seed {}: {ids:?} after {}",
                        self.seed,
                        way.newest
                    );
                    // Nothing that matches was left out between the last batch and this one.
                    let between = &self.events[way.newest..ids[0]];
                    for (offset, event) in between.iter().enumerate() {
                        let at = way.newest + offset;
                        let dealt_with = self.delivered[at] || self.parked[at];
                        assert!(
                            !self.matches(event) || dealt_with,
                            "seed {}: {at} left out",
                            self.seed
                        );
                    }
                    way.newest = ids[0];
                    way.attempt = Some(batch);
                }
                Effect::Store { position } => {
                    assert!(way.storing.is_none(), "seed {}: two writers", self.seed);
                    let position = position.parse().unwrap();
                    assert!(
                        Some(position) >= self.stored,
                        "seed {}: back to {position}",
                        self.seed
                    );
                    way.storing = Some(position);
                    for (at, event) in self.events[..=position].iter().enumerate() {
                        let dealt_with = self.delivered[at] || self.parked[at];
                        assert!(
                            !self.matches(event) || dealt_with,
                            "seed {}: checkpoint {position} is past {at}",
                            self.seed
                        );
                    }
                }
                Effect::Park { batch } => way.parking = Some(batch),
                Effect::Stopped => way.stopped = true,
            }
        }
        // A batch and a queue of the same length, and what was offered at once with them.
        let most = self.settings.batch_size * 3 + 8;
        assert!(machine.statistics().pending <= most as u64, "seed {}", self.seed);
    }

    /// Lets one thing happen that can.
    fn step(&mut self, machine: &mut Machine, way: &mut UnderWay, faults: bool) {
        let fault = |world: &mut Self| faults && world.one_in(4);
        match self.up_to(6) {
            0 if way.reading => {
                way.reading = false;
                let stored = self.stored.map(|stored| format!("{stored:06}"));
                let read = if fault(self) { Err(Error::Cancelled) } else { Ok(stored) };
                machine.handle(self.now, Input::Read(read));
            }
            1 => {
                if let Some(batch) = way.attempt.take() {
                    let outcome = self.outcome(&batch, faults);
                    machine.handle(self.now, Input::Attempted(outcome));
                }
            }
            2 => {
                if let Some(position) = way.storing.take() {
                    let failed = fault(self);
                    // One that fails may have been done all the same.
                    if !failed || self.one_in(2) {
                        self.stored = Some(position);
                    }
                    let stored = if failed { Err(Error::Cancelled) } else { Ok(()) };
                    machine.handle(self.now, Input::Stored(stored));
                }
            }
            3 => {
                if let Some(batch) = way.parking.take() {
                    let failed = fault(self);
                    if !failed {
                        for at in indices(&batch) {
                            self.parked[at] = true;
                        }
                    }
                    let parked = if failed { Err(Error::Cancelled) } else { Ok(()) };
                    machine.handle(self.now, Input::Parked(parked));
                }
            }
            4 => {
                let Some(at) = way.source.filter(|_| !way.waits) else { return };
                if faults && self.one_in(20) {
                    way.source = None;
                    machine.handle(self.now, Input::SourceEnded);
                    return;
                }
                let end = EVENTS.min(at + 1 + self.up_to(8));
                let events = self.events[at..end].to_vec();
                if !events.is_empty() {
                    (way.source, way.waits) = (Some(end), true);
                    machine.handle(self.now, Input::Offered(events));
                }
            }
            _ => {
                if let Some(wake) = machine.wake_at() {
                    self.now = self.now.max(wake);
                    machine.handle(self.now, Input::Wake);
                }
            }
        }
    }

    fn outcome(&mut self, batch: &Batch, faults: bool) -> Outcome {
        let ids = indices(batch);
        if !faults || !self.one_in(2) {
            for at in ids {
                self.delivered[at] = true;
            }
            return Outcome::Delivered;
        }
        self.now = self.now.after(Duration::from_millis(self.up_to(900) as u64));
        let event = self.one_in(2).then(|| self.up_to(ids.len() + 2));
        let taken = event.filter(|event| *event < ids.len()).unwrap_or(0);
        ids.into_iter().take(taken).for_each(|at| self.delivered[at] = true);
        let retry_after = self.one_in(4).then_some(Duration::from_millis(30));
        Outcome::Failed(Failure { error: Error::AckTimeout, retry_after, event })
    }

    /// What the task around a machine does: some of what is under way is given up at once.
    fn cancel(&mut self, machine: &mut Machine, way: &mut UnderWay) {
        way.source = None;
        if core::mem::take(&mut way.reading) {
            machine.handle(self.now, Input::Read(Err(Error::Cancelled)));
        }
        if way.storing.take().is_some() {
            machine.handle(self.now, Input::Stored(Err(Error::Cancelled)));
        }
        if way.parking.take().is_some() {
            machine.handle(self.now, Input::Parked(Err(Error::Cancelled)));
        }
        machine.handle(self.now, Input::Cancel);
    }

    fn matches(&self, event: &Event) -> bool {
        self.settings.filter.as_ref().is_none_or(|filter| filter.matches(event.topic()))
    }

    fn up_to(&mut self, end: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        usize::try_from(self.chance >> 33).unwrap() % end.max(1)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.up_to(count) == 0
    }
}

fn indices(batch: &Batch) -> Vec<usize> {
    batch.events().iter().map(|event| event.sequence_id().parse().unwrap()).collect()
}
