//! Worlds whose messages carry versions of their own: they may come late, twice, out of order,
//! and from an older server. A plain reading of the rules, beside the client, says what is right.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use highwater_core::{ConnectionId, Failure, Input, Instant, Protocol};

use crate::client::Client;
use crate::mirror::Picture;
use crate::random::Random;

/// LaunchDarkly's `/all`: a put replaces everything.
pub(crate) fn relay(seed: u64, log: bool) -> Result<Vec<String>, (String, Vec<String>)> {
    World::new(seed, log, Dialect::Relay).finish()
}

/// Automatic configuration: an older put takes nothing back.
pub(crate) fn autoconfig(seed: u64, log: bool) -> Result<Vec<String>, (String, Vec<String>)> {
    World::new(seed, log, Dialect::AutoConfig).finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Relay,
    AutoConfig,
}

type Id = (&'static str, &'static str);

#[derive(Clone, Debug)]
enum Message {
    /// Everything: versions of what is there, and of what is known deleted.
    Put(BTreeMap<Id, i64>),
    Upsert(Id, i64),
    Delete(Id, i64),
}

struct World {
    dialect: Dialect,
    random: Random,
    now: Instant,
    /// What is there, and the version at which the rest was deleted.
    truth: BTreeMap<Id, (i64, bool)>,
    /// Everything ever said, to be said again.
    said: Vec<Message>,
    /// What a reader of the plain rules knows.
    known: BTreeMap<Id, (i64, bool)>,
    client: Client,
    link: Option<Link>,
    faults: bool,
    log: Option<Vec<String>>,
}

struct Link {
    id: ConnectionId,
    frames: VecDeque<(Vec<u8>, Message)>,
    /// Bytes of the first frame that have arrived.
    arrived: usize,
}

impl World {
    fn new(seed: u64, log: bool, dialect: Dialect) -> Self {
        let mut random = Random::new(seed);
        let now = Instant::from_millis(random.below(1_000_000) as u64);
        let protocol = match dialect {
            Dialect::Relay => Protocol::relay(),
            Dialect::AutoConfig => Protocol::autoconfig(),
        };
        Self {
            dialect,
            client: Client::new(protocol, random.next(), now),
            random,
            now,
            truth: BTreeMap::new(),
            said: Vec::new(),
            known: BTreeMap::new(),
            link: None,
            faults: true,
            log: log.then(Vec::new),
        }
    }

    fn finish(mut self) -> Result<Vec<String>, (String, Vec<String>)> {
        let result = self.run();
        let log = self.log.unwrap_or_default();
        result.map(|()| log.clone()).map_err(|error| (error, log))
    }

    fn run(&mut self) -> Result<(), String> {
        for step in 0..300 {
            self.step().map_err(|error| format!("step {step}: {error}"))?;
        }
        // At quiet: a new connection brings a put of all that is true.
        self.faults = false;
        self.client.input(self.now, Input::Reconnect)?;
        self.link = None;
        for _ in 0..100 {
            self.connect()?;
            while self.link.as_ref().is_some_and(|link| !link.frames.is_empty()) {
                self.deliver()?;
            }
            self.advance(Duration::from_secs(1))?;
        }
        let truth = self.picture(&self.truth);
        let has = self.client.picture();
        if self.client.session.status().phase.as_str() != "live" || has != truth {
            let status = self.client.session.status();
            return Err(format!("at quiet: has {has:?}, true is {truth:?}, {status:?}"));
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        match self.random.below(100) {
            0..30 => self.change(),
            30..40 => self.say_again(),
            40..80 => self.deliver()?,
            80..87 => {
                let by = Duration::from_millis(self.random.below(40_000) as u64);
                self.advance(by)?;
            }
            87..91 => self.cut()?,
            91..93 => self.put(),
            _ => self.connect()?,
        }
        let (has, wanted) = (self.client.picture(), self.picture(&self.known));
        if has != wanted {
            return Err(format!("has {has:?}, by the rules it should have {wanted:?}"));
        }
        Ok(())
    }

    fn change(&mut self) {
        let kinds = if self.dialect == Dialect::Relay { RELAY } else { AUTOCONFIG };
        let id = (kinds[self.random.below(2)], KEYS[self.random.below(KEYS.len())]);
        let (version, there) = self.truth.get(&id).copied().unwrap_or((0, false));
        let version = version + 1 + i64::from(self.random.percent(50));
        let there = !(there && self.random.percent(40));
        self.truth.insert(id, (version, there));
        let message =
            if there { Message::Upsert(id, version) } else { Message::Delete(id, version) };
        self.said.push(message.clone());
        // Some are lost, some overtake the one before.
        match if self.faults { self.random.below(10) } else { 9 } {
            0 => {}
            1 | 2 => self.write(message, true),
            _ => self.write(message, false),
        }
    }

    fn say_again(&mut self) {
        if !self.said.is_empty() {
            let message = self.said[self.random.below(self.said.len())].clone();
            self.write(message, false);
        }
    }

    fn put(&mut self) {
        let all = self.truth.iter().filter(|(_, (_, there))| *there);
        let message = Message::Put(all.map(|(&id, &(version, _))| (id, version)).collect());
        self.said.push(message.clone());
        self.write(message, false);
    }

    fn write(&mut self, message: Message, overtake: bool) {
        let frame = self.frame(&message);
        let Some(link) = &mut self.link else { return };
        // The first may have arrived in part; no other can come before it.
        let at = link.frames.len().saturating_sub(usize::from(overtake && link.frames.len() > 1));
        link.frames.insert(at, (frame, message));
    }

    fn deliver(&mut self) -> Result<(), String> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let waiting: Vec<u8> = link.frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let waiting = &waiting[link.arrived..];
        if waiting.is_empty() {
            return Ok(());
        }
        let count = self.random.below(waiting.len()) + 1;
        let count = if self.random.percent(30) { count.min(5) } else { count };
        link.arrived += count;
        let mut messages = Vec::new();
        while link.frames.front().is_some_and(|(bytes, _)| bytes.len() <= link.arrived) {
            let (bytes, message) = link.frames.pop_front().expect("just seen");
            link.arrived -= bytes.len();
            messages.push(message);
        }
        let connection = link.id;
        self.client.input(self.now, Input::Bytes { connection, bytes: &waiting[..count] })?;
        for message in messages {
            if let Some(log) = &mut self.log {
                log.push(format!("{:>9} arrived {message:?}", self.now.as_millis()));
            }
            self.learn(&message);
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<(), String> {
        let Some(link) = self.link.take() else { return Ok(()) };
        let failure = Failure::Network { what: "reset", temporary: None };
        self.client.input(self.now, Input::Failed { connection: link.id, failure })
    }

    fn connect(&mut self) -> Result<(), String> {
        let Some(request) = self.client.asked.pop() else { return Ok(()) };
        if self.client.current != Some(request.connection) {
            return Ok(());
        }
        let connection = request.connection;
        self.client.input(
            self.now,
            Input::Opened {
                connection,
                status: 200,
                content_type: Some("text/event-stream"),
                retry_after: None,
            },
        )?;
        self.link = Some(Link { id: connection, frames: VecDeque::new(), arrived: 0 });
        // An older server answers with an older put.
        let puts: Vec<_> = self.said.iter().filter(|m| matches!(m, Message::Put(_))).collect();
        if self.faults && !puts.is_empty() && self.random.percent(40) {
            let old = puts[self.random.below(puts.len())].clone();
            self.write(old, false);
        } else {
            self.put();
        }
        Ok(())
    }

    fn advance(&mut self, by: Duration) -> Result<(), String> {
        let end = self.now + by;
        while let Some(wake) = self.client.wake().filter(|&wake| wake <= end) {
            self.now = self.now.max(wake);
            self.client.tick(self.now)?;
            if self.link.as_ref().is_some_and(|link| self.client.current != Some(link.id)) {
                self.link = None;
            }
        }
        self.now = end;
        Ok(())
    }

    /// The rules, plainly.
    fn learn(&mut self, message: &Message) {
        let newer = |known: &BTreeMap<Id, (i64, bool)>, id: &Id, version: i64| {
            known.get(id).is_none_or(|&(before, _)| version > before)
        };
        match message {
            Message::Put(all) => {
                if self.dialect == Dialect::Relay {
                    self.known.clear();
                }
                for (&id, &version) in all {
                    if newer(&self.known, &id, version) {
                        self.known.insert(id, (version, true));
                    }
                }
                self.known.retain(|id, _| all.contains_key(id));
            }
            &Message::Upsert(id, version) => {
                if newer(&self.known, &id, version) {
                    self.known.insert(id, (version, true));
                }
            }
            &Message::Delete(id, version) => {
                if newer(&self.known, &id, version) {
                    self.known.insert(id, (version, false));
                }
            }
        }
    }

    fn picture(&self, known: &BTreeMap<Id, (i64, bool)>) -> Picture {
        let there = known.iter().filter(|(_, (_, there))| *there);
        let entry = |(id, &(version, _)): (&Id, &(i64, bool))| {
            ((id.0.to_owned(), id.1.to_owned()), (version, self.value(*id, version)))
        };
        there.map(entry).collect()
    }

    fn value(&self, id: Id, version: i64) -> String {
        let name = if self.dialect == Dialect::Relay { "key" } else { "envID" };
        format!("{{\"{name}\":\"{}\",\"version\":{version}}}", id.1)
    }

    fn frame(&self, message: &Message) -> Vec<u8> {
        let (event, data) = match message {
            Message::Put(all) => {
                let kinds = if self.dialect == Dialect::Relay { RELAY } else { AUTOCONFIG };
                let lists = kinds.map(|kind| {
                    let items = all
                        .iter()
                        .filter(|(id, _)| id.0 == kind)
                        .map(|(&id, &version)| format!("\"{}\":{}", id.1, self.value(id, version)));
                    format!("\"{kind}\":{{{}}}", items.collect::<Vec<_>>().join(","))
                });
                ("put", format!("{{\"path\":\"/\",\"data\":{{{}}}}}", lists.join(",")))
            }
            &Message::Upsert(id, version) => (
                "patch",
                format!("{{\"path\":\"/{}/{}\",\"data\":{}}}", id.0, id.1, self.value(id, version)),
            ),
            Message::Delete((kind, key), version) => {
                ("delete", format!("{{\"path\":\"/{kind}/{key}\",\"version\":{version}}}"))
            }
        };
        format!("event: {event}\ndata: {data}\n\n").into_bytes()
    }
}

const RELAY: [&str; 2] = ["flags", "segments"];
const AUTOCONFIG: [&str; 2] = ["environments", "filters"];
const KEYS: [&str; 4] = ["a", "b", "c", "é"];
