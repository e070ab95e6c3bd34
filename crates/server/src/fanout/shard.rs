//! A part of the streams, and the task that serves them.

use super::Stream;
use super::lane::{self, Key, Lane};
use super::member::{Member, Next, Source};
use super::signals::{Mark, Signals};
use super::source::Source as From;
use super::wire::Sent;
use crate::app::App;
use crate::leave::Leave;
use bytes::Bytes;
use core::future::poll_fn;
use core::time::Duration;
use highwater_publisher::{Options, Reader, SubscriptionError};
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

pub(super) struct Shard {
    arrivals: mpsc::UnboundedReceiver<Stream>,
    draining: watch::Receiver<bool>,
    options: Options,
    stall: Duration,
    /// Held, so that somebody can still say that it drains.
    _app: App,
    signals: Arc<Signals>,
    streams: Slab<Member>,
    lanes: Slab<Lane>,
    by_key: HashMap<Key, usize>,
    /// The lanes that have news for somebody.
    busy: VecDeque<usize>,
    /// The streams on their own that can go on.
    own: VecDeque<usize>,
    /// Not later than the first lane has to hear something.
    due: Instant,
    /// When to look next for streams that have lasted long enough, or take nothing.
    check: Instant,
    between_checks: Duration,
}

impl Shard {
    pub(super) fn new(app: &App, arrivals: mpsc::UnboundedReceiver<Stream>) -> Self {
        let limits = &app.settings().limits;
        let least = limits.age.map_or(limits.stall, |age| age.min(limits.stall));
        let between_checks = (least / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
        Self {
            arrivals,
            draining: app.draining(),
            options: app.settings().topic,
            stall: limits.stall,
            _app: app.clone(),
            signals: Arc::default(),
            streams: Slab::new(),
            lanes: Slab::new(),
            by_key: HashMap::new(),
            busy: VecDeque::new(),
            own: VecDeque::new(),
            due: Instant::now() + LONGEST_SLEEP,
            check: Instant::now() + between_checks,
            between_checks,
        }
    }

    /// Serves until there are no streams, and can be none any more.
    pub(super) async fn run(mut self) {
        let (mut raised, mut draining, mut closed) = (Vec::new(), false, false);
        while !(closed && self.streams.is_empty()) {
            if self.busy.is_empty() && self.own.is_empty() {
                let wake = self.wakes_at();
                tokio::select! {
                    arrived = self.arrivals.recv(), if !closed => match arrived {
                        Some(stream) => self.arrive(stream, draining),
                        None => closed = true,
                    },
                    () = poll_fn(|context| self.signals.poll(context)) => {}
                    _ = self.draining.changed(), if !draining => {}
                    () = sleep_until(wake) => {}
                }
            } else {
                // To the end of the queue, and past a look at the sockets.
                tokio::task::yield_now().await;
            }
            while let Ok(stream) = self.arrivals.try_recv() {
                self.arrive(stream, draining);
            }
            self.signals.take(&mut raised);
            raised.drain(..).for_each(|mark| self.look(mark));
            self.beat();
            self.check();
            if !draining && *self.draining.borrow_and_update() {
                draining = true;
                self.say_goodbye();
            }
            self.serve();
        }
    }

    fn wakes_at(&self) -> Instant {
        if self.streams.is_empty() { self.due } else { self.due.min(self.check) }
    }

    /// Takes in a stream.
    fn arrive(&mut self, stream: Stream, draining: bool) {
        let entry = self.streams.vacant_entry();
        let id = entry.key();
        let mut member = Member::new(stream, self.signals.waker(Mark::Stream(id)));
        let Member { source: Source::Own(own), closing, .. } = &mut member else { return };
        if draining {
            own.end(Leave::Draining, closing);
        }
        if member.wire.is_there() {
            entry.insert(member);
            self.own.push_back(id);
        }
    }

    /// Sees to somebody whose signal was raised.
    fn look(&mut self, mark: Mark) {
        match mark {
            Mark::Lane(id) => self.read(id),
            Mark::Stream(id) => {
                let Some(member) = self.streams.get_mut(id) else { return };
                if !member.wire.is_there() {
                    return self.remove(id);
                }
                member.wire.unblock();
                match member.source {
                    Source::Own(_) => self.own.push_back(id),
                    Source::Lane { lane, .. } => {
                        if self.visit(lane, id) {
                            self.has_news(lane);
                        }
                    }
                }
            }
        }
    }

    /// Has a lane read what was published.
    fn read(&mut self, id: usize) {
        let Some(lane) = self.lanes.get_mut(id) else { return };
        match lane.read(&self.options) {
            Ok(true) => self.has_news(id),
            Ok(false) => {}
            Err(SubscriptionError::AclChanged) => self.end_lane(id, Leave::Revoked),
            Err(error) => self.scatter(id, &error),
        }
    }

    fn has_news(&mut self, id: usize) {
        if self.lanes[id].has_news() {
            self.busy.push_back(id);
        }
    }

    /// Has lanes heard that were quiet for long.
    fn beat(&mut self) {
        let now = Instant::now();
        if now < self.due {
            return;
        }
        self.due = now + LONGEST_SLEEP;
        for (id, lane) in &mut self.lanes {
            if lane.due <= now && lane.ending.is_none() {
                lane.beat(&self.options);
                if lane.has_news() {
                    self.busy.push_back(id);
                }
            }
            self.due = self.due.min(lane.due);
        }
    }

    /// Looks for streams that have lasted long enough, and those that take nothing.
    fn check(&mut self) {
        let now = Instant::now();
        if now < self.check {
            return;
        }
        self.check = now + self.between_checks;
        let (mut stalled, mut aged) = (Vec::new(), Vec::new());
        for (id, Member { wire, source, until, .. }) in &self.streams {
            if wire.blocked.is_some_and(|since| now.duration_since(since) >= self.stall) {
                stalled.push(id);
            } else if let Source::Lane { lane, .. } = *source
                && until.is_some_and(|until| until <= now)
            {
                aged.push((id, Arc::clone(&self.lanes[lane].source)));
            }
        }
        for id in stalled {
            self.streams[id].closing.stalled();
            self.remove(id);
        }
        for (id, source) in aged {
            self.leave_lane(id);
            self.streams[id].leave(source, Leave::Aged);
            self.own.push_back(id);
        }
    }

    /// Ends every stream once it has what was published so far.
    fn say_goodbye(&mut self) {
        let lanes: Vec<_> = self.lanes.iter().map(|(id, _)| id).collect();
        for id in lanes {
            self.end_lane(id, Leave::Draining);
        }
        for (id, Member { source, closing, .. }) in &mut self.streams {
            if let Source::Own(own) = source {
                own.end(Leave::Draining, closing);
                self.own.push_back(id);
            }
        }
    }

    /// Ends the streams of a lane once they have what it has read.
    fn end_lane(&mut self, id: usize, why: Leave) {
        self.by_key.retain(|_, known| *known != id);
        let lane = &mut self.lanes[id];
        if lane.ending.is_some() {
            return;
        }
        lane.end(why, &self.options);
        for &member in &lane.members {
            self.streams[member].closing.ends(why);
        }
        self.has_news(id);
    }

    /// A few writes, for everyone who is due in turn.
    fn serve(&mut self) {
        let mut turns = TURNS;
        while turns > 0 {
            let Some(&id) = self.busy.front() else { break };
            match self.lanes.get_mut(id).map(|lane| (lane.next(), lane)) {
                Some((Some(member), _)) => {
                    turns -= 1;
                    self.visit(id, member);
                }
                Some((None, lane)) => {
                    lane.queued = false;
                    self.busy.pop_front();
                }
                None => drop(self.busy.pop_front()),
            }
        }
        if let Some(id) = self.busy.pop_front() {
            self.busy.push_back(id);
        }
        for _ in 0..self.own.len().min(TURNS) {
            let Some(id) = self.own.pop_front() else { break };
            if self.go_on(id) {
                self.own.push_back(id);
            }
        }
    }

    /// Sends a member of a lane what it lacks; says whether it lacks more.
    fn visit(&mut self, lane_id: usize, id: usize) -> bool {
        let (lane, member) = (&mut self.lanes[lane_id], &mut self.streams[id]);
        let wire = &mut member.wire;
        let has_lapsed = wire.progress.has_lapsed(&lane.window);
        if wire.blocked.is_some() {
            // One that has lapsed holds nothing up.
            lane.saw(if has_lapsed { u64::MAX } else { wire.progress.next() }, false);
            return false;
        }
        if has_lapsed {
            self.fall_behind(id);
            return false;
        }
        match wire.send(&lane.window) {
            Sent::Gone => {
                self.remove(id);
                false
            }
            Sent::All if lane.ending.is_some() => {
                self.end(id);
                false
            }
            sent => {
                let more = sent == Sent::Part;
                lane.saw(wire.progress.next(), more);
                more
            }
        }
    }

    /// Brings a stream on that is on its own; says whether it can go on at once.
    fn go_on(&mut self, id: usize) -> bool {
        let Some(Member { wire, source: Source::Own(own), closing, .. }) = self.streams.get_mut(id)
        else {
            return false;
        };
        if wire.blocked.is_some() {
            return false;
        }
        match wire.send(&own.window) {
            Sent::Gone => {
                self.remove(id);
                return false;
            }
            Sent::Blocked => return false,
            Sent::Part => return true,
            Sent::All => own.window.forget(own.window.end()),
        }
        match own.read(closing, wire) {
            Next::GoOn => return true,
            Next::Wait => {}
            Next::Settle => self.settle(id),
            Next::End => self.end(id),
        }
        false
    }

    /// Brings a stream that has read all there is to those who have, too.
    fn settle(&mut self, id: usize) {
        let Source::Own(own) = &mut self.streams[id].source else { return };
        let Some(reader) = own.reader.take() else { return };
        let (source, index) = (Arc::clone(&own.from), reader.index());
        let key = lane::key(&source, &reader);
        // What the lane has not read yet the stream may have, and the other way round: once both
        // have read all of it, the index says where the stream is.
        if let Some(&known) = self.by_key.get(&key) {
            self.read(known);
        }
        let known = self.by_key.get(&key).copied();
        let lane_id = known.unwrap_or_else(|| {
            let entry = self.lanes.vacant_entry();
            let waker = self.signals.waker(Mark::Lane(entry.key()));
            self.by_key.insert(key, entry.key());
            let lane = Lane::new(source, reader, waker);
            self.due = self.due.min(lane.due);
            let id = entry.key();
            entry.insert(lane);
            id
        });
        let lane = &mut self.lanes[lane_id];
        let member = &mut self.streams[id];
        member.source = Source::Lane { lane: lane_id, seat: lane.members.len() };
        lane.members.push(id);
        member.wire.progress.go_on_at(lane.window.after(index));
        if known.is_none() {
            self.read(lane_id); // for the first time, so that it hears of more
        } else if !member.wire.progress.is_at_end(&lane.window) {
            self.has_news(lane_id);
        }
    }

    /// Ends a lane whose reader cannot read on.
    fn scatter(&mut self, id: usize, error: &SubscriptionError) {
        let lane = self.lanes.remove(id);
        self.by_key.retain(|_, known| *known != id);
        for id in lane.members {
            let again = lane.source.rejoin(&lane.reader, error);
            self.go_alone(id, Arc::clone(&lane.source), again);
        }
    }

    /// Takes a stream out of its lane, which its socket could not follow.
    fn fall_behind(&mut self, id: usize) {
        let Source::Lane { lane, .. } = self.streams[id].source else { return };
        let lane = &self.lanes[lane];
        let source = Arc::clone(&lane.source);
        if let Some(why) = lane.ending {
            self.leave_lane(id);
            self.streams[id].leave(source, why);
            self.own.push_back(id);
        } else {
            let again = source.rejoin(&lane.reader, &SubscriptionError::TooSlow);
            self.leave_lane(id);
            self.go_alone(id, source, again);
        }
    }

    /// Has a stream begin again by itself, or end if there is nothing to read any more.
    fn go_alone(&mut self, id: usize, source: Arc<dyn From>, again: Option<(Vec<Bytes>, Reader)>) {
        match again {
            Some((frames, reader)) => self.streams[id].go_alone(source, frames, reader),
            None => self.streams[id].leave(source, Leave::Revoked),
        }
        self.own.push_back(id);
    }

    /// Takes a stream out of its lane, if it is in one.
    fn leave_lane(&mut self, id: usize) {
        let Source::Lane { lane: lane_id, seat } = self.streams[id].source else { return };
        let lane = &mut self.lanes[lane_id];
        if let Some(moved) = lane.remove(seat) {
            self.streams[moved].source = Source::Lane { lane: lane_id, seat };
        } else if lane.members.is_empty() {
            self.by_key.retain(|_, known| *known != lane_id);
            self.lanes.remove(lane_id);
        }
    }

    fn remove(&mut self, id: usize) {
        self.leave_lane(id);
        self.streams.remove(id);
    }

    fn end(&mut self, id: usize) {
        self.leave_lane(id);
        self.streams.remove(id).wire.shut();
    }
}

/// How many visits there are between two looks at the rest of the world.
const TURNS: usize = 64;

/// How long a shard sleeps at most that has no lane.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
