//! P4 for any history: whoever resumes anywhere ends where a full reader ends.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use bytes::Bytes;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use highwater_publisher::engine::{
    Append, Engine as _, Memory, MemoryOptions, Place, Read, Retention,
};
use highwater_publisher::{
    Epoch, Id, Joined, Object, Operation, Options, Topic, Transaction, Verdict,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

type State = BTreeMap<(String, String), (i64, String)>;

/// A reader on the other side of the wire, as plain as can be.
#[derive(Clone, Default)]
struct Client {
    state: State,
    cursor: String,
    pending: Vec<serde_json::Value>,
    full: bool,
}

impl Client {
    fn take(&mut self, frames: &[Bytes]) {
        let text: String =
            frames.iter().map(|frame| core::str::from_utf8(frame).unwrap()).collect();
        for event in text.split_terminator("\n\n") {
            let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
            let data: serde_json::Value = serde_json::from_str(field("data: ").unwrap()).unwrap();
            match field("event: ").unwrap() {
                "server-intent" => {
                    self.pending.clear();
                    self.full = data["payloads"][0]["intentCode"] == "xfer-full";
                    self.cursor = field("id: ").map_or(self.cursor.clone(), str::to_owned);
                }
                "payload-transferred" => self.end(&data),
                _ => self.pending.push(data),
            }
        }
    }

    fn end(&mut self, data: &serde_json::Value) {
        if core::mem::take(&mut self.full) {
            self.state.clear();
        } else {
            let index = |cursor: &str| cursor.rsplit_once('.').unwrap().1.parse::<u64>().unwrap();
            assert!(
                index(data["basis"].as_str().unwrap()) <= index(&self.cursor),
                "the chain is broken"
            );
        }
        for item in self.pending.drain(..) {
            let id = (item["kind"].as_str().unwrap().into(), item["key"].as_str().unwrap().into());
            match item.get("object") {
                Some(object) => {
                    self.state.insert(id, (item["version"].as_i64().unwrap(), object.to_string()))
                }
                None => self.state.remove(&id),
            };
        }
        self.cursor = data["state"].as_str().unwrap().into();
    }

    fn connect(&mut self, topic: &mut Topic, kind: Option<&str>, limit: usize) {
        let Joined { frames, mut reader, .. } = topic.subscribe(Some(&self.cursor), kind);
        self.take(&frames);
        loop {
            let frames = topic.read(&mut reader, limit).frames;
            if frames.is_empty() {
                break;
            }
            self.take(&frames);
        }
    }
}

fn truth(topic: &Topic, kind: Option<&str>) -> State {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    topic
        .items(kind)
        .map(|i| ((i.kind.into(), i.key.into()), (i.version, text(i.object))))
        .collect()
}

fn whole(step: i64, operations: &[(u8, u8, bool, u8)]) -> Transaction {
    let operation = |&(kind, key, delete, jump): &(u8, u8, bool, u8)| {
        let id = Id::new(&format!("k{kind}"), &format!("{key}")).unwrap();
        let object = Object::parse(&format!("{{\"step\":{step}}}")).unwrap();
        let operation = if delete { Operation::delete(id) } else { Operation::put(id, object) };
        if jump == 3 { operation.at(step * 2 + 1) } else { operation }
    };
    operations.iter().map(operation).collect()
}

/// The answer of an engine that never waits.
fn now<T>(answer: impl Future<Output = T>) -> T {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

fn transaction() -> impl Strategy<Value = Vec<(u8, u8, bool, u8)>> {
    prop::collection::vec((0..3u8, 0..4u8, any::<bool>(), 0..4u8), 1..5)
}

proptest! {
    #[test]
    fn every_cursor_leads_to_the_same_state(
        history in prop::collection::vec(transaction(), 1..40),
        log_transactions in 1..12usize,
        limit in 1..400usize,
    ) {
        let epoch = Epoch::new("e").unwrap();
        let mut topic = Topic::new("t", epoch, Options { log_transactions, ..Options::default() });
        let filters = [None, Some("k0"), Some("k1"), Some("k2"), Some("none")];
        // Clients that were there from the start and left at some index, a row for each filter.
        let mut left = vec![filters.map(|_| Client::default())];
        let mut live = filters.map(|kind| {
            let mut client = Client::default();
            let Joined { frames, reader, .. } = topic.subscribe(None, kind);
            client.take(&frames);
            (client, reader)
        });
        for (step, operations) in (0..).zip(&history) {
            if topic.commit(whole(step, operations)).is_err() {
                continue; // for example a deletion of nothing; P3 is tested elsewhere
            }
            for (client, reader) in &mut live {
                client.take(&topic.read(reader, usize::MAX).frames);
            }
            // One that comes only now, perhaps with a snapshot that was there, and the rest after it.
            let kind = filters[topic.index() as usize % filters.len()];
            let mut new = Client::default();
            new.connect(&mut topic, kind, limit);
            prop_assert_eq!(&new.state, &truth(&topic, kind));
            left.push(live.each_ref().map(|(client, _)| client.clone()));
        }
        for clients in left {
            for (mut client, kind) in clients.into_iter().zip(filters) {
                client.connect(&mut topic, kind, limit);
                prop_assert_eq!(&client.state, &truth(&topic, kind));
            }
        }
    }

    /// Three topics that follow one log: from its beginning, in leaps, and restored at the end.
    #[test]
    fn every_follower_of_a_log_is_the_same_to_every_cursor(
        history in prop::collection::vec(transaction(), 1..40),
        log_transactions in 1..12usize,
        base in 0..12u64,
        leap in 1..8usize,
    ) {
        let retention = Retention { transactions: log_transactions as u64, ..Retention::default() };
        let engine = Memory::new(MemoryOptions { retention, ..MemoryOptions::default() });
        let options = Options { log_transactions, ..Options::default() };
        let filters = [None, Some("k0"), Some("k1"), Some("k2"), Some("none")];
        let follow = |topic: &mut Topic| {
            match now(engine.read("t", &topic.place(), usize::MAX)).unwrap() {
                Read::Records(records) => topic.follow_log(&records),
                Read::Gone => false,
            }
        };
        let restore = |base: u64| {
            let snapshot = now(engine.snapshot("t")).unwrap().unwrap();
            let at = Place { index: snapshot.place.index.saturating_sub(base), ..snapshot.place.clone() };
            match now(engine.read("t", &at, usize::MAX)).unwrap() {
                Read::Records(records) => Topic::restore("t", snapshot, at.index, &records, options),
                Read::Gone => {
                    let base = snapshot.place.index;
                    Topic::restore("t", snapshot, base, &[], options)
                }
            }
        };
        let mut topics: Option<[Topic; 2]> = None;
        let mut left = vec![filters.map(|_| Client::default())];
        for (step, operations) in (0..).zip(&history) {
            if now(engine.append("t", Append::new(whole(step, operations)))).is_err() {
                continue;
            }
            let [close, leaping] = topics.get_or_insert_with(|| [restore(0), restore(0)]);
            prop_assert!(follow(close));
            if left.len() % leap == 0 && !follow(leaping) {
                *leaping = restore(0);
            }
            left.push(filters.map(|kind| {
                let mut client = Client::default();
                client.connect(close, kind, usize::MAX);
                client
            }));
        }
        let Some([close, mut leaping]) = topics else { return Ok(()) };
        if !follow(&mut leaping) {
            leaping = restore(0);
        }
        let mut restored = restore(base);
        let mut fresh = restore(0);
        let resumed = restored.subscribe(Some(&format!("{}.{}", close.epoch().as_str(), close.index() - 1)), None);
        let within = (1..=log_transactions as u64).contains(&base.min(close.index()));
        prop_assert_eq!(resumed.verdict == Verdict::Changes, within);
        for topic in [&mut leaping, &mut restored, &mut fresh] {
            prop_assert_eq!((topic.index(), topic.epoch()), (close.index(), close.epoch()));
            for clients in &left {
                for (mut client, kind) in clients.iter().cloned().zip(filters) {
                    prop_assert_eq!(&truth(topic, kind), &truth(&close, kind));
                    client.connect(topic, kind, usize::MAX);
                    prop_assert_eq!(&client.state, &truth(&close, kind));
                }
            }
        }
    }
}
