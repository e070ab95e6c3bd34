//! P4 for any history: whoever resumes anywhere ends where a full reader ends.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use bytes::Bytes;
use highwater_publisher::{Epoch, Id, Joined, Object, Operation, Options, Topic, Transaction};
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
            let operation = |&(kind, key, delete, jump): &(u8, u8, bool, u8)| {
                let id = Id::new(&format!("k{kind}"), &format!("{key}")).unwrap();
                let object = Object::parse(&format!("{{\"step\":{step}}}")).unwrap();
                let operation = if delete { Operation::delete(id) } else { Operation::put(id, object) };
                if jump == 3 { operation.at(step * 2 + 1) } else { operation }
            };
            let whole: Transaction = operations.iter().map(operation).collect();
            if topic.commit(whole).is_err() {
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
}
