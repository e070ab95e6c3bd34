//! The state against a plain map, through every gate, with transfers that fail half-way.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use highwater_core::{
    Action, Change, Instant, Known, Materializer, MaterializerOptions, Protocol, State, View,
};

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// What is known of each key, and the value where it is there.
type Plain = BTreeMap<String, (Known, String)>;

/// A view that keeps what it was told, and sees to it that it is told in order.
#[derive(Default)]
struct Told(BTreeMap<String, (i64, String)>);

impl View for Told {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        for change in changes {
            let (_, key) = state.name(change.slot).unwrap();
            // Of an item that moves twice in one transaction, only the end can be seen.
            match state.item(change.slot) {
                Some(item) => {
                    let value = String::from_utf8(item.value.to_vec()).unwrap();
                    self.0.insert(key.into(), (item.version, value));
                }
                None => drop(self.0.remove(key)),
            }
            assert_ne!(change.action, Action::Noop);
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.0.clear();
    }
}

/// The rules, as one would write them down.
struct Model {
    plain: Plain,
    gated: bool,
    remembers: bool,
}

impl Model {
    fn upsert(&mut self, key: &str, version: i64, value: &str) {
        let known = self.plain.get(key).map_or(Known::Unknown, |(known, _)| *known);
        if !self.gated || known.version().is_none_or(|known| version > known) {
            self.plain.insert(key.into(), (Known::Live(version), value.into()));
        }
    }

    fn delete(&mut self, key: &str, version: i64) {
        let known = self.plain.get(key).map_or(Known::Unknown, |(known, _)| *known);
        if !self.remembers {
            self.plain.remove(key);
        } else if !self.gated || known.version().is_none_or(|known| version > known) {
            self.plain.insert(key.into(), (Known::Tombstone(version), String::new()));
        }
    }
}

fn event(kind: &str, data: &str) -> String {
    format!("event: {kind}\ndata: {data}\n\n")
}

/// A value of up to 20 kB, so that some have a segment of their own.
fn value(random: &mut Random) -> String {
    let size = [3, 30, 300, 20_000][3usize.saturating_sub(random.below(40) as usize)];
    format!("\"{}\"", "x".repeat(random.below(size) as usize))
}

fn check(
    store: &Materializer<Told>,
    plain: &Plain,
    epochs: &mut BTreeMap<String, (u32, String)>,
) -> usize {
    let state = store.state();
    let known: BTreeMap<&str, Known> =
        state.iter_known().map(|(_, key, known)| (key, known)).collect();
    let wanted: BTreeMap<&str, Known> =
        plain.iter().map(|(key, (known, _))| (&**key, *known)).collect();
    assert_eq!(known, wanted);
    let live = plain.iter().filter(|(_, (known, _))| known.is_live());
    assert_eq!(state.len(), live.clone().count());
    assert_eq!(store.view().0.len(), state.len());
    let (mut seen, mut moved) = (BTreeMap::new(), 0);
    for (key, (known, value)) in live {
        let item = state.get("flags", key).unwrap();
        assert_eq!((item.key, item.value), (&**key, value.as_bytes()));
        assert_eq!(store.view().0[key], (known.version().unwrap(), value.clone()));
        // What did not change did not move.
        let epoch = state.epochs()[state.find("flags", key).unwrap().index()];
        let content = format!("{known:?}{value}");
        if let Some((before, same)) = epochs.get(key) {
            // (It did if it went there and back within one transaction.)
            assert!(*before != epoch || *same == content, "{key}");
            moved += usize::from(*before != epoch && *same == content);
        }
        seen.insert(key.clone(), (epoch, content));
    }
    *epochs = seen;
    moved
}

#[test]
fn versions_decide_between_snapshots() {
    // Protocol relay: a put replaces everything, patches and deletes count by version.
    for seed in 0..6 {
        let mut random = Random(seed);
        let keys = [3, 40, 400][seed as usize % 3];
        let options = MaterializerOptions::default();
        let mut store = Materializer::with_view(Protocol::relay(), Told::default(), options);
        let mut model = Model { plain: Plain::new(), gated: true, remembers: true };
        let mut epochs = BTreeMap::new();
        for round in 0..400 {
            let mut text = String::new();
            if round % 80 == 0 {
                model.plain.clear();
                for _ in 0..random.below(keys) {
                    let (key, version) = (random.below(keys), random.below(5).cast_signed());
                    let body = format!("{{\"version\":{version},\"v\":{}}}", value(&mut random));
                    model.plain.insert(format!("k{key}"), (Known::Live(version), body));
                }
                let list = model.plain.iter().map(|(key, (_, body))| format!("\"{key}\":{body}"));
                let list = list.collect::<Vec<_>>().join(",");
                text += &event("put", &format!("{{\"data\":{{\"flags\":{{{list}}}}}}}"));
            }
            for _ in 0..random.below(4) {
                let (key, version) =
                    (format!("k{}", random.below(keys)), random.below(round + 5).cast_signed());
                if random.below(4) == 0 {
                    model.delete(&key, version);
                    let data = format!("{{\"path\":\"/flags/{key}\",\"version\":{version}}}");
                    text += &event("delete", &data);
                } else {
                    let body = format!("{{\"version\":{version},\"v\":{}}}", value(&mut random));
                    model.upsert(&key, version, &body);
                    text +=
                        &event("patch", &format!("{{\"path\":\"/flags/{key}\",\"data\":{body}}}"));
                }
            }
            store.begin();
            store.push(Instant::default(), text.as_bytes()).unwrap();
            assert_eq!(check(&store, &model.plain, &mut epochs), 0, "what moved for nothing");
        }
    }
}

#[test]
fn transfers_take_effect_whole_or_not_at_all() {
    // Protocol fdv2: the order decides, several changes make one transaction, some are given up.
    for seed in 0..6 {
        let mut random = Random(seed);
        let keys = [3, 40, 6000][seed as usize % 3];
        let options = MaterializerOptions::default();
        let mut store = Materializer::with_view(Protocol::fdv2(), Told::default(), options);
        let mut plain = Plain::new();
        let mut epochs = BTreeMap::new();
        for round in 0..60 {
            let snapshot = round % 10 == 0;
            let code = if snapshot { "xfer-full" } else { "xfer-changes" };
            let mut text = event(
                "server-intent",
                &format!("{{\"payloads\":[{{\"target\":1,\"intentCode\":\"{code}\"}}]}}"),
            );
            let mut model = Model {
                plain: if snapshot { Plain::new() } else { plain.clone() },
                gated: false,
                remembers: false,
            };
            for _ in 0..random.below(if snapshot { keys * 2 } else { keys.min(100) }) {
                let (key, version) =
                    (format!("k{}", random.below(keys)), random.below(3).cast_signed());
                if random.below(5) == 0 {
                    model.delete(&key, version);
                    let name = format!("\"kind\":\"flags\",\"key\":\"{key}\"");
                    let data = format!("{{{name},\"version\":{version}}}");
                    text += &event("delete-object", &data);
                } else {
                    let value = value(&mut random);
                    model.upsert(&key, version, &value);
                    let name = format!("\"kind\":\"flags\",\"key\":\"{key}\"");
                    let data = format!("{{{name},\"version\":{version},\"object\":{value}}}");
                    text += &event("put-object", &data);
                }
            }
            let fails = random.below(4) == 0;
            if fails {
                text += &event("put-object", "{oops");
            } else {
                let state = format!("s{round}");
                text += &event(
                    "payload-transferred",
                    &format!("{{\"state\":\"{state}\",\"version\":1}}"),
                );
                plain = model.plain;
            }
            let mut failed = false;
            for chunk in text.as_bytes().chunks(1 + random.below(50_000) as usize) {
                store.begin();
                failed |= store.push(Instant::default(), chunk).is_err();
                if failed {
                    store.connected();
                    break;
                }
            }
            assert_eq!(failed, fails);
            let moved = check(&store, &plain, &mut epochs);
            assert!(!fails || moved == 0, "nothing was to change");
        }
    }
}
