//! Transactions that take effect out of the chunks that they came in, against those that are collected
//! first: as long as a trace is kept, all are.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use core::fmt::Write as _;
use std::collections::BTreeMap;

use common::Random;
use highwater_core::{Action, Instant, Materializer, MaterializerOptions, Protocol};

/// A server's stream, which repeats transactions, gives some up, and sends whole states in between.
struct Server {
    random: Random,
    text: String,
    index: u64,
    /// Those that may come again, late.
    sent: Vec<String>,
}

impl Server {
    fn event(&mut self, kind: &str, data: &str) {
        write!(self.text, "event: {kind}\ndata: {data}\n\n").unwrap();
    }

    fn intent(&mut self, code: &str) {
        let data = format!(
            "{{\"payloads\":[{{\"id\":\"p\",\"target\":1,\"intentCode\":\"{code}\",\"reason\":\"r\"}}],\
             \"highwater\":{{\"version\":1,\"resumed\":false,\"heartbeat\":15000}}}}"
        );
        self.event("server-intent", &data);
    }

    /// Some items, most of them small; now and then too many or too large to wait for their end.
    fn items(&mut self) {
        let many = if self.random.one_in(12) { 400 } else { 12 };
        for _ in 0..self.random.below(many) {
            let key = match self.random.below(40) {
                39 => "é",
                38 => "a key of more than fourteen bytes",
                _ => "k",
            };
            let name = format!("\"kind\":\"item\",\"key\":\"{key}{}\"", self.random.below(30));
            let version = self.random.below(3);
            match self.random.below(10) {
                0 => self.event("delete-object", &format!("{{{name},\"version\":{version}}}")),
                // In another order than was promised: not for reading at a glance.
                1 => self.event(
                    "put-object",
                    &format!("{{\"version\":{version},{name},\"object\":[1]}}"),
                ),
                2 => self.event("heart-beat", "{}"),
                _ => {
                    let size = if self.random.one_in(300) { 90_000 } else { 400 };
                    let value = "v".repeat(self.random.below(size));
                    let put = format!("{{{name},\"version\":{version},\"object\":\"{value}\"}}");
                    self.event("put-object", &put);
                }
            }
        }
    }

    fn transfer(&mut self, builds: bool) {
        let last = self.index;
        self.index += 1;
        let basis = if builds { format!(",\"basis\":\"e.{last}\"") } else { String::new() };
        let index = self.index;
        let data = format!("{{\"state\":\"e.{index}\",\"version\":{index}{basis}}}");
        self.event("payload-transferred", &data);
    }

    fn stream(seed: u64) -> String {
        let (random, text) = (Random(seed), String::new());
        let mut server = Self { random, text, index: 0, sent: Vec::new() };
        server.intent("xfer-full");
        server.items();
        server.transfer(false);
        for _ in 0..60 {
            let start = server.text.len();
            match server.random.below(20) {
                0 => {
                    // Given up half-way.
                    server.items();
                    server.event("error", "{\"payload_id\":\"p\",\"reason\":\"no\"}");
                }
                1 => {
                    server.items();
                    server.intent("xfer-full");
                    server.items();
                    server.transfer(false);
                }
                2..6 if !server.sent.is_empty() => {
                    let late = server.random.pick(&server.sent).clone();
                    server.text += &late;
                }
                _ => {
                    server.items();
                    server.transfer(true);
                    let sent = server.text.split_off(start);
                    server.text += &sent;
                    server.sent.push(sent);
                }
            }
        }
        server.text
    }
}

/// Which key, how, and at which version.
type Changed = (String, Action, i64);

/// What became of a stream, step by step and in the end.
#[derive(Debug, PartialEq, Eq)]
struct Story {
    /// Whether each was a snapshot, whether it removed items, and by key what it changed. (What a
    /// snapshot removes it lists by slots, and these depend on what else was named.)
    commits: Vec<(bool, bool, Vec<Changed>)>,
    items: BTreeMap<String, (i64, Vec<u8>)>,
    cursor: Option<String>,
    revision: u64,
}

fn read<'c>(chunks: impl Iterator<Item = &'c [u8]>, trace: bool) -> Story {
    let mut options = MaterializerOptions::default();
    options.trace = trace;
    let mut materializer = Materializer::with_view(Protocol::fdv2(), (), options);
    let mut commits = Vec::new();
    let mut before: BTreeMap<String, (u32, Vec<u8>)> = BTreeMap::new();
    for chunk in chunks {
        materializer.begin();
        materializer.push(Instant::default(), chunk).unwrap();
        let state = materializer.state();
        let mut from = 0;
        for commit in materializer.commits() {
            let mut changes: Vec<_> = materializer.changes()[from..commit.end]
                .iter()
                .map(|change| {
                    let (_, key) = state.name(change.slot).unwrap();
                    (key.to_owned(), change.action, change.version)
                })
                .collect();
            changes.sort_by(|(one, ..), (other, ..)| one.cmp(other));
            commits.push((commit.snapshot, commit.removes, changes));
            from = commit.end;
        }
        materializer.take_trace();
        let state = materializer.state();
        if materializer.commits().is_empty() {
            continue;
        }
        // A value that is another has another epoch.
        let now: BTreeMap<_, _> = state
            .iter()
            .map(|(slot, item)| {
                (item.key.to_owned(), (state.epochs()[slot.index()], item.value.to_owned()))
            })
            .collect();
        for (key, (epoch, value)) in &now {
            if let Some((last, other)) = before.get(key) {
                assert!(value == other || epoch != last, "{key}");
            }
        }
        before = now;
    }
    let state = materializer.state();
    assert_eq!(state.len(), state.iter().count());
    Story {
        commits,
        items: state
            .iter()
            .map(|(_, item)| (item.key.to_owned(), (item.version, item.value.to_owned())))
            .collect(),
        cursor: materializer.cursor().map(str::to_owned),
        revision: state.revision(),
    }
}

#[test]
fn it_is_the_same_whether_a_transaction_is_collected_or_not() {
    for seed in 0..8 {
        let text = Server::stream(seed);
        let collected = read(text.as_bytes().chunks(1000), true);
        assert!(collected.commits.len() > 30 && !collected.items.is_empty());
        for size in [64, 1000, 16 << 10, text.len()] {
            let told = read(text.as_bytes().chunks(size), false);
            let mut both = told.commits.iter().zip(&collected.commits);
            if let Some((one, other)) = both.find(|(one, other)| one != other) {
                panic!("seed {seed}, chunks of {size}: {one:?} is not {other:?}");
            }
            assert!(told == collected, "seed {seed}, chunks of {size}");
        }
    }
}
