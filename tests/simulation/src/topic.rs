//! A world of one publisher and one client, on Highwater's own wire.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use highwater_core::{Failure, Input, Instant, Position, Protocol};
use highwater_publisher::{Epoch, Id, Object, Operation, Options, Reader, Topic, Transaction};

use crate::client::Client;
use crate::mirror::Picture;
use crate::random::Random;

/// The topic, the client, and what lies between them.
struct World {
    random: Random,
    now: Instant,
    topic: Topic,
    lives: u64,
    /// What was there at every cursor that ever was.
    history: HashMap<String, Picture>,
    client: Client,
    link: Option<Link>,
    /// Bytes of connections that the client has left, which arrive all the same.
    strays: Vec<(highwater_core::ConnectionId, Vec<u8>)>,
    cursor: Option<String>,
    faults: bool,
    log: Option<Vec<String>>,
}

/// The server's end of a connection, and the bytes under way.
struct Link {
    id: highwater_core::ConnectionId,
    reader: Reader,
    bytes: VecDeque<u8>,
    /// A transaction that the network holds back, to deliver it after the next.
    held: Option<Vec<u8>>,
    stalled_until: Instant,
    last_sent: Instant,
    /// The server is gone without a word.
    dead: bool,
}

/// Runs the world of one seed. The error says which promise was broken, and when.
pub(crate) fn run(seed: u64, log: bool) -> Result<Vec<String>, (String, Vec<String>)> {
    let mut world = World::new(seed, log);
    let result = world.run();
    let log = world.log.unwrap_or_default();
    result.map(|()| log.clone()).map_err(|error| (error, log))
}

impl World {
    fn new(seed: u64, log: bool) -> Self {
        let mut random = Random::new(seed);
        let now = Instant::from_millis(random.below(1_000_000) as u64);
        let client = Client::new(Protocol::fdv2(), random.next(), now);
        let topic = Topic::new("t", epoch(0), options(&mut random));
        let mut world = Self {
            random,
            now,
            topic,
            lives: 0,
            history: HashMap::new(),
            client,
            link: None,
            strays: Vec::new(),
            cursor: None,
            faults: true,
            log: log.then(Vec::new),
        };
        world.remember();
        world
    }

    fn run(&mut self) -> Result<(), String> {
        for step in 0..STEPS {
            self.step().map_err(|error| format!("step {step}: {error}"))?;
        }
        // At quiet: one more transaction, no more faults; everything must come right by itself.
        self.faults = false;
        self.publish();
        let deadline = self.now + QUIET;
        while self.client.session.status().phase.as_str() != "live"
            || self.client.session.status().cursor != Some(&*self.topic.cursor())
        {
            if self.now > deadline {
                let status = self.client.session.status();
                return Err(format!("not converged at quiet: {status:?}"));
            }
            self.settle()?;
        }
        if self.client.picture() != self.history[&self.topic.cursor()] {
            return Err("converged on something else".into());
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        match self.random.below(100) {
            0..25 => self.publish(),
            25..45 => self.send(),
            45..75 => self.deliver()?,
            75..83 => self.pass_time()?,
            83..86 => self.cut()?,
            86..88 => self.stall(),
            88..90 => self.restart()?,
            90..93 => self.stray()?,
            93..95 => self.vanish(),
            _ => self.connect()?,
        }
        self.check()
    }

    /// Time passes without faults, and whatever is due is done.
    fn settle(&mut self) -> Result<(), String> {
        self.connect()?;
        self.send();
        while self.link.as_ref().is_some_and(|link| !link.bytes.is_empty()) {
            self.deliver()?;
        }
        self.check()?;
        self.advance(Duration::from_millis(250))
    }

    fn publish(&mut self) {
        let mut transaction = Transaction::new();
        let mut touched = Vec::new();
        for _ in 0..=self.random.below(3) {
            let id = (KINDS[self.random.below(2)], KEYS[self.random.below(KEYS.len())]);
            if touched.contains(&id) {
                continue;
            }
            touched.push(id);
            let there = self.topic.item(id.0, id.1).is_some();
            let id = Id::new(id.0, id.1).expect("short names");
            if there && self.random.percent(40) {
                transaction.push(Operation::delete(id));
            } else {
                let value = format!("{{\"n\":{}}}", self.random.below(1000));
                let object = Object::parse(&value).expect("an object");
                transaction.push(Operation::put(id, object));
            }
        }
        if transaction.is_empty() || self.topic.commit(transaction).is_err() {
            return;
        }
        self.note(|world| format!("published {}", world.topic.cursor()));
        self.remember();
    }

    /// The server writes what is due; the network may lose, repeat or reorder transactions.
    fn send(&mut self) {
        let Self { link: Some(link), topic, random, now, faults, .. } = self else { return };
        if link.dead || *now < link.stalled_until {
            return;
        }
        let batch = topic.read(&mut link.reader, random.below(4000) + 1);
        if batch.frames.is_empty() && now.since(link.last_sent) >= HEARTBEAT {
            link.bytes.extend(b"event: heart-beat\ndata: {}\n\n");
            link.last_sent = *now;
        }
        for frame in batch.frames {
            link.last_sent = *now;
            let fault = if *faults && !batch.whole { random.below(100) } else { 99 };
            match fault {
                0..4 => {}
                4..9 => {
                    link.bytes.extend(&*frame);
                    link.bytes.extend(&*frame);
                }
                9..14 if link.held.is_none() => link.held = Some(frame.to_vec()),
                _ => {
                    link.bytes.extend(&*frame);
                    link.bytes.extend(link.held.take().into_iter().flatten());
                }
            }
        }
        if !*faults {
            link.bytes.extend(link.held.take().into_iter().flatten());
        }
    }

    /// Some bytes arrive, cut anywhere.
    fn deliver(&mut self) -> Result<(), String> {
        let Self { link: Some(link), random, client, now, .. } = self else { return Ok(()) };
        if link.bytes.is_empty() {
            return Ok(());
        }
        let count = random.below(link.bytes.len()) + 1;
        let count = if random.percent(30) { count.min(3) } else { count };
        let bytes: Vec<u8> = link.bytes.drain(..count).collect();
        let connection = link.id;
        client.input(*now, Input::Bytes { connection, bytes: &bytes })
    }

    fn pass_time(&mut self) -> Result<(), String> {
        let most = [50, 1_000, 20_000, 70_000][self.random.below(4)];
        let by = Duration::from_millis(self.random.below(most) as u64);
        self.advance(by)
    }

    fn advance(&mut self, by: Duration) -> Result<(), String> {
        let end = self.now + by;
        while let Some(wake) = self.client.wake().filter(|&wake| wake <= end) {
            self.now = self.now.max(wake);
            self.client.tick(self.now)?;
        }
        self.now = end;
        Ok(())
    }

    /// The connection breaks; what was under way is lost, or comes later.
    fn cut(&mut self) -> Result<(), String> {
        let Some(link) = self.link.take() else { return Ok(()) };
        self.note(|_| "cut".into());
        if self.random.percent(50) {
            self.strays.push((link.id, link.bytes.into()));
        }
        let connection = link.id;
        let input = if self.random.percent(50) {
            Input::Ended { connection }
        } else {
            let failure = Failure::Network { what: "reset", temporary: Some(true) };
            Input::Failed { connection, failure }
        };
        self.client.input(self.now, input)
    }

    fn stall(&mut self) {
        let until = self.now + Duration::from_millis(self.random.below(120_000) as u64);
        if let Some(link) = &mut self.link {
            link.stalled_until = until;
        }
    }

    /// The server's end is gone, and nobody says so.
    fn vanish(&mut self) {
        if let Some(link) = &mut self.link {
            link.dead = true;
        }
    }

    /// The publisher restarts: with what it had, or with nothing, under a new epoch.
    fn restart(&mut self) -> Result<(), String> {
        self.lives += 1;
        let mut topic = Topic::new("t", epoch(self.lives), options(&mut self.random));
        if self.random.percent(60) {
            let mut all = Transaction::new();
            for item in self.topic.items(None) {
                let text = String::from_utf8_lossy(item.object).into_owned();
                let id = Id::new(item.kind, item.key).expect("short names");
                let object = Object::parse(&text).expect("an object");
                all.push(Operation::put(id, object).at(item.version));
            }
            if !all.is_empty() {
                topic.commit(all).map_err(|error| format!("restoring: {error}"))?;
            }
        }
        self.topic = topic;
        self.note(|world| format!("restarted as {}", world.topic.cursor()));
        self.remember();
        if self.random.percent(70) {
            return self.cut();
        }
        self.vanish();
        Ok(())
    }

    /// Bytes of a connection that the client has left arrive.
    fn stray(&mut self) -> Result<(), String> {
        if self.strays.is_empty() {
            return Ok(());
        }
        let at = self.random.below(self.strays.len());
        let (connection, bytes) = self.strays.swap_remove(at);
        let before = self.client.picture();
        self.client.input(self.now, Input::Bytes { connection, bytes: &bytes })?;
        if self.client.picture() != before {
            return Err("bytes of an old connection were read".into());
        }
        Ok(())
    }

    /// The network deals with a connection that the client asked for.
    fn connect(&mut self) -> Result<(), String> {
        let Some(request) = self.client.asked.pop() else { return Ok(()) };
        self.client.asked.clear();
        let connection = request.connection;
        if self.client.current != Some(connection) {
            return Ok(());
        }
        let fault = if self.faults { self.random.below(100) } else { 99 };
        let opened = |status, retry_after| Input::Opened {
            connection,
            status,
            content_type: Some("text/event-stream; charset=utf-8"),
            retry_after,
        };
        match fault {
            0..10 => {
                let failure = Failure::Network { what: "refused", temporary: Some(true) };
                return self.client.input(self.now, Input::Failed { connection, failure });
            }
            10..15 => {
                let wait = Some(Duration::from_secs(self.random.below(20) as u64));
                return self.client.input(self.now, opened(503, wait));
            }
            15..18 => return Ok(()), // never answered
            _ => {}
        }
        let basis = request.query.iter().find(|(name, _)| *name == "basis");
        let basis = basis.map(|(_, cursor)| cursor.as_str());
        let subscription = self.topic.subscribe(basis, None);
        self.note(|_| format!("connected from {basis:?}: {:?}", subscription.verdict));
        self.link = Some(Link {
            id: connection,
            reader: subscription.reader,
            bytes: subscription.frames.iter().flat_map(|frame| frame.iter().copied()).collect(),
            held: None,
            stalled_until: self.now,
            last_sent: self.now,
            dead: false,
        });
        self.client.input(self.now, opened(200, None))
    }

    /// What must hold of a client of a topic, whatever happens.
    fn check(&mut self) -> Result<(), String> {
        if self.link.as_ref().is_some_and(|link| self.client.current != Some(link.id)) {
            let link = self.link.take().into_iter();
            self.strays.extend(link.map(|link| (link.id, link.bytes.into())));
        }
        let cursor = self.client.session.status().cursor.map(str::to_owned);
        if let Some(cursor) = &cursor {
            // A state that never was: half a transaction, something lost, something old.
            let was = self.history.get(cursor).ok_or("a cursor that never was")?;
            let is = self.client.picture();
            if is != *was {
                return Err(format!("at {cursor}: has {is:?}, should have {was:?}"));
            }
        } else if !self.client.session.state().is_empty() {
            return Err("items without a cursor".into());
        }
        if let (Some(last), Some(next)) = (&self.cursor, &cursor) {
            let (last, next) = (Position::parse(last), Position::parse(next));
            let (last, next) = last.zip(next).ok_or("a cursor of another shape")?;
            if last.epoch == next.epoch && next.index < last.index {
                return Err(format!("the cursor went back from {last} to {next}"));
            }
        }
        if cursor != self.cursor {
            self.note(|_| format!("client at {cursor:?}"));
        }
        self.cursor = cursor;
        Ok(())
    }

    fn remember(&mut self) {
        let entry = |item: highwater_publisher::Item<'_>| {
            let value = String::from_utf8_lossy(item.object).into_owned();
            ((item.kind.to_owned(), item.key.to_owned()), (item.version, value))
        };
        let picture = self.topic.items(None).map(entry).collect();
        self.history.insert(self.topic.cursor(), picture);
    }

    fn note(&mut self, what: impl FnOnce(&Self) -> String) {
        if let Some(mut log) = self.log.take() {
            log.push(format!("{:>9} {}", self.now.as_millis(), what(self)));
            self.log = Some(log);
        }
    }
}

fn epoch(life: u64) -> Epoch {
    Epoch::new(&format!("life{life}")).expect("letters and digits")
}

/// Logs short enough to be outrun now and then.
fn options(random: &mut Random) -> Options {
    Options {
        log_transactions: [2, 5, 50][random.below(3)],
        heartbeat: HEARTBEAT,
        ..Options::default()
    }
}

const STEPS: usize = 400;
const QUIET: Duration = Duration::from_mins(5);
const HEARTBEAT: Duration = Duration::from_secs(15);
const KINDS: [&str; 2] = ["a", "b"];
const KEYS: [&str; 5] = ["1", "2", "key/with \"quotes\"", "é", "5"];
