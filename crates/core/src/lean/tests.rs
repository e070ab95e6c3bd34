//! The lean fold beside the full one, told the same.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::error::Error;
use crate::fold::Fold as Full;
use crate::item::{Change, Gate};
use crate::lean::decode::decode;
use crate::lean::fold::Fold as Lean;
use crate::materializer::{MaterializerOptions, Signals};
use crate::message::{Event, Message, Transfer};
use crate::protocol::{Protocol, Put, promise};
use crate::receiver::Action;
use crate::time::Instant;

struct Both {
    full: Full<()>,
    lean: Lean<()>,
    random: u64,
}

type Items = BTreeMap<(String, String), (i64, Vec<u8>)>;

impl Both {
    fn new(seed: u64) -> Self {
        let options = MaterializerOptions::default();
        Self {
            full: Full::new(Gate::Cursor, (), options),
            lean: Lean::new((), options),
            random: seed,
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.random >> 33) % bound
    }

    /// Tells both, and says whether both took it to be next.
    fn tell(&mut self, message: Message<'_>, chunk: &[u8]) -> bool {
        let (mut one, mut other) = (Signals::default(), Signals::default());
        let now = Instant::default();
        let full = self.full.message(now, message, chunk, &mut one);
        let lean = told(&mut self.lean, message, chunk, &mut other);
        assert_eq!((full.is_ok(), one.committed), (lean.is_ok(), other.committed), "{message:?}");
        if full.is_err() {
            self.full.drop_transfer();
            self.lean.drop_transfer();
        }
        one.committed
    }

    /// One chunk of some changes, of which the last transaction may go on in the next.
    fn chunk(&mut self, index: &mut u64) {
        let mut texts = Vec::new();
        for _ in 0..self.below(12) {
            let (kind, key) = (self.below(3), self.below(40));
            let size = if self.below(30) == 0 { 9000 } else { self.below(60) };
            let value = format!("{:0>1$}", self.below(3), size as usize);
            texts.push((format!("k{kind}"), format!("a-rather-long-key-{key}"), value));
        }
        let chunk: String = texts.iter().flat_map(|(_, key, value)| [&**key, value]).collect();
        let mut at = 0;
        let mut next = |length: usize| {
            at += length;
            chunk.get(at - length..at).expect("it is made of these")
        };
        for (kind, key, value) in &texts {
            let (key, value) = (next(key.len()), next(value.len()));
            let version = self.below(3).cast_signed();
            if self.below(5) == 0 && !self.full.in_snapshot() {
                self.tell(Message::Delete { kind, key, version }, chunk.as_bytes());
            } else {
                let (kind, key, value) = (kind.as_bytes(), key.as_bytes(), value.as_bytes());
                let put = Put { kind, key, version, value };
                let full = self.full.promised_put(&put, chunk.as_bytes());
                assert_eq!(self.lean.promised_put(&put, chunk.as_bytes()), full);
            }
            if self.below(4) == 0 {
                let (last, gap) = (format!("e.{index}"), self.below(20) == 0);
                *index += self.below(3);
                let basis = if gap { "e.999999" } else { &last };
                let cursor = format!("e.{index}");
                let basis = Some(basis).filter(|_| !self.full.in_snapshot());
                let message =
                    Message::Commit { cursor: Some(&cursor), version: None, basis, ordered: true };
                self.tell(message, chunk.as_bytes());
            }
        }
        self.full.leave(chunk.as_bytes()).expect("any size will do");
        self.lean.leave(chunk.as_bytes()).expect("they are brief");
    }

    fn check(&self) {
        let full: Items = self.full.state().iter().map(|(_, item)| entry(item)).collect();
        let lean: Items = self.lean.state().iter().map(|(_, item)| entry(item)).collect();
        assert_eq!(lean, full);
        assert_eq!(self.lean.state().len(), full.len());
        assert_eq!(self.lean.state().revision(), self.full.state().revision());
        assert_eq!(self.lean.cursor(), self.full.cursor());
        assert_eq!(self.lean.in_snapshot(), self.full.in_snapshot());
        let told = |changes: &[Change], name: &dyn Fn(&Change) -> Option<String>| {
            changes.iter().map(|change| (name(change), change.action, change.version)).collect()
        };
        let names = |change: &Change| self.full.state().name(change.slot).map(|n| format!("{n:?}"));
        let full: Vec<(_, Action, _)> = told(self.full.changes(), &names);
        let state = self.lean.state();
        let names = |change: &Change| {
            let (part, key) = state.place(change.slot)?;
            Some(format!("{:?}", (state.kinds().nth(part as usize)?, key)))
        };
        if !self.lean.in_snapshot() {
            assert_eq!(told(self.lean.changes(), &names), full);
        }
        let ends = |commits: &[crate::Commit]| commits.iter().map(|c| (c.end, c.removes)).collect();
        let (full, lean): (Vec<_>, Vec<_>) = (ends(self.full.commits()), ends(self.lean.commits()));
        assert_eq!(lean, full);
        for (slot, item) in state.iter() {
            assert_eq!(state.find(item.kind, item.key), Some(slot));
        }
    }
}

/// Tells the lean one what its events say.
fn told(
    lean: &mut Lean<()>,
    message: Message<'_>,
    chunk: &[u8],
    signals: &mut Signals,
) -> Result<(), Error> {
    match message {
        Message::Begin(transfer) => lean.open(transfer),
        Message::Delete { kind, key, version } => {
            lean.delete(kind.as_bytes(), key.as_bytes(), version, chunk).expect("it is a text")
        }
        Message::Commit { cursor, basis, ordered, .. } => {
            signals.committed = lean.commit(cursor, basis, ordered, chunk)?;
            Ok(())
        }
        other => panic!("{other:?}"),
    }
}

fn entry(item: crate::Item<'_>) -> ((String, String), (i64, Vec<u8>)) {
    ((item.kind.to_string(), item.key.to_string()), (item.version, item.value.to_vec()))
}

#[test]
fn it_does_what_the_full_one_does() {
    for seed in 0..60 {
        let mut both = Both::new(seed);
        let mut index = 0;
        // A snapshot that is cut at times, and begun anew.
        while both.full.cursor().is_none() {
            both.tell(Message::Begin(Transfer::Snapshot), &[]);
            for _ in 0..both.below(5) {
                both.begin();
                both.chunk(&mut index);
                both.check();
                if both.full.cursor().is_some() {
                    break;
                }
            }
            if both.full.cursor().is_none() {
                both.full.drop_transfer();
                both.lean.drop_transfer();
            }
        }
        for _ in 0..100 {
            both.begin();
            if both.below(8) == 0 || !both.is_under_way() {
                both.tell(Message::Begin(Transfer::Changes), &[]);
            }
            both.chunk(&mut index);
            both.check();
        }
    }
}

impl Both {
    fn begin(&mut self) {
        self.full.begin();
        self.lean.begin();
    }

    /// Whether changes are taken in: not after a fault.
    fn is_under_way(&mut self) -> bool {
        let put = Put { kind: b"k0", key: b"probe", version: 1, value: b"1" };
        let lean = self.lean.promised_put(&put, b"1");
        assert_eq!(self.full.promised_put(&put, b"1"), lean);
        lean
    }
}

#[test]
fn a_second_snapshot_and_what_is_large_are_for_the_other() {
    let mut both = Both::new(1);
    let cursor = Some("e.1");
    both.tell(Message::Begin(Transfer::Snapshot), &[]);
    let value = alloc::vec![b'1'; 2 << 20];
    let put = Put { kind: b"k", key: b"large", version: 1, value: &value };
    assert!(both.lean.promised_put(&put, &value) && both.full.promised_put(&put, &value));
    both.tell(Message::Commit { cursor, version: None, basis: None, ordered: true }, &[]);
    both.check();
    assert!(!both.lean.promised_put(&put, &value));
    for key in [&b"one"[..], b"two"] {
        let put = Put { kind: b"k", key, version: 1, value: &value[..600 << 10] };
        assert!(both.lean.promised_put(&put, &value));
    }
    assert!(both.lean.leave(&value).is_err());
    assert!(both.lean.open(Transfer::Snapshot).is_err());
    assert_eq!(both.lean.state().len(), 1);
}

/// What our server writes, and what it does not, in turns that make sense and in others.
fn event(both: &mut Both, index: &mut u64) -> (&'static str, String) {
    let text =
        |both: &mut Both, texts: &[&'static str]| texts[both.below(texts.len() as u64) as usize];
    let number = |both: &mut Both| {
        text(both, &["0", "7", "-3", "01", "1e2", "999999999999999999", "9223372036854775808"])
    };
    let kind = text(both, &["k", "k", "k", "é", "é", ""]);
    let key = text(both, &["one", "two", "a-key-of-more-than-fourteen", "ключ"]);
    let version = if both.below(20) == 0 { number(both) } else { "5" };
    let end = if both.below(60) == 0 { text(both, &["} ", "},", "", ",\"more\":1}"]) } else { "}" };
    match both.below(20) {
        0 => {
            let code =
                text(both, &["xfer-changes", "xfer-changes", "none", "xfer-full", "xfer-odd"]);
            let (target, heartbeat) = (number(both), number(both));
            let resumed = text(both, &["true", "false"]);
            (
                "server-intent",
                format!(
                    "{{\"payloads\":[{{\"id\":\"t\",\"target\":{target},\"intentCode\":\"{code}\",\
                     \"reason\":\"r\"}}],\"highwater\":{{\"version\":1,\"resumed\":{resumed},\
                     \"heartbeat\":{heartbeat}}}{end}"
                ),
            )
        }
        1..8 => (
            "put-object",
            format!(
                "{{\"kind\":\"{kind}\",\"key\":\"{key}\",\"version\":{version},\"object\":[{index}]{end}"
            ),
        ),
        8..12 if !both.full.in_snapshot() || both.below(20) == 0 => (
            "delete-object",
            format!("{{\"kind\":\"{kind}\",\"key\":\"{key}\",\"version\":{version}{end}"),
        ),
        12..18 => {
            let last = format!(",\"basis\":\"e.{index}\"");
            *index += both.below(3);
            let basis = if both.full.in_snapshot() { "" } else { &last };
            (
                "payload-transferred",
                format!("{{\"state\":\"e.{index}\",\"version\":{version}{basis}{end}"),
            )
        }
        18 => ("goodbye", "{}".into()),
        _ => (text(both, &["heart-beat", "heart-beat", "heart-beat", "error"]), "{}".into()),
    }
}

#[test]
fn it_takes_events_for_what_the_full_one_takes_them_for() {
    let (mut taken, mut foreign) = (0, 0);
    for seed in 0..3000 {
        let mut both = Both::new(seed);
        let (mut promised, mut protocol, mut index) = (false, Protocol::fdv2(), 1);
        let intent = "{\"payloads\":[{\"id\":\"t\",\"target\":1,\"intentCode\":\"xfer-full\",\
                      \"reason\":\"r\"}],\"highwater\":{\"version\":1,\"resumed\":false,\
                      \"heartbeat\":9}}";
        let mut next = ("server-intent", String::from(intent));
        for _ in 0..40 {
            let (kind, data) = (next.0, next.1.as_bytes());
            both.begin();
            let put = promise::put(data).filter(|_| promised && kind == "put-object");
            let told = put.is_some_and(|put| {
                let full = both.full.promised_put(&put, data);
                assert_eq!(both.lean.promised_put(&put, data), full);
                full
            });
            if !told {
                let (mut one, mut other) = (Signals::default(), Signals::default());
                let lean =
                    decode(&mut promised, &mut both.lean, kind.as_bytes(), data, data, &mut other);
                if let Err(Error::Foreign { .. }) = lean {
                    foreign += 1;
                    break;
                }
                let event = Event { kind, data, id: "" };
                let full = &mut both.full;
                let full = protocol.tell(&event, false, &mut |message| {
                    full.message(Instant::default(), message, data, &mut one)
                });
                assert_eq!(lean, full, "{next:?}");
                assert_eq!(other, one, "{next:?}");
                assert_eq!(promised, protocol.is_promised(), "{next:?}");
                if full.is_err() {
                    both.full.drop_transfer();
                }
            }
            taken += 1;
            both.full.leave(data).expect("any size will do");
            both.lean.leave(data).expect("they are brief");
            both.check();
            // Nothing is read of the connection after that.
            if kind == "goodbye" {
                break;
            }
            next = event(&mut both, &mut index);
        }
    }
    assert!(taken > 10_000 && foreign > 1000, "{taken} were taken in, {foreign} not");
}
