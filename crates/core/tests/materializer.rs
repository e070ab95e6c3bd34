//! What a materializer keeps, and when it moves.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::time::Duration;

use highwater_core::{
    Action, Change, Error, Event, Instant, Item, JsonSpec, Judge, Known, Materializer,
    MaterializerOptions, Protocol, Refill, State, Step, Tombstones, View,
};

const NOW: Instant = Instant::from_millis(0);

fn event(kind: &str, data: &str) -> String {
    format!("event: {kind}\ndata: {data}\n\n")
}

fn push(materializer: &mut Materializer, stream: &str) -> Result<(), Error> {
    materializer.begin();
    materializer.push(NOW, stream.as_bytes()).map(drop)
}

/// `kind/key@version=value`, sorted.
fn items(materializer: &Materializer) -> Vec<String> {
    let show = |item: Item<'_>| {
        let value = item.json().unwrap();
        format!("{}/{}@{}={value}", item.kind, item.key, item.version)
    };
    let mut items: Vec<_> = materializer.state().iter().map(|(_, item)| show(item)).collect();
    items.sort();
    items
}

fn actions(materializer: &Materializer) -> Vec<String> {
    let name = |change: &Change| {
        let (kind, key) = materializer.state().name(change.slot).unwrap();
        format!("{} {kind}/{key}", change.action)
    };
    materializer.changes().iter().map(name).collect()
}

fn intent(code: &str) -> String {
    event(
        "server-intent",
        &format!(r#"{{"payloads":[{{"id":"t","target":9,"intentCode":"{code}"}}]}}"#),
    )
}

fn ours(code: &str) -> String {
    let payloads = format!(r#"[{{"id":"t","target":9,"intentCode":"{code}"}}]"#);
    event(
        "server-intent",
        &format!(r#"{{"payloads":{payloads},"highwater":{{"version":1,"heartbeat":15000}}}}"#),
    )
}

fn put(key: &str, version: i64, value: &str) -> String {
    let data = format!(r#"{{"kind":"k","key":"{key}","version":{version},"object":{value}}}"#);
    event("put-object", &data)
}

fn done(state: &str) -> String {
    event("payload-transferred", &format!(r#"{{"state":"{state}","version":1}}"#))
}

fn done_after(state: &str, basis: &str) -> String {
    event("payload-transferred", &format!(r#"{{"state":"{state}","version":1,"basis":"{basis}"}}"#))
}

#[test]
fn a_snapshot_appears_whole_or_not_at_all() {
    let mut store = Materializer::new(Protocol::fdv2());
    push(&mut store, &(intent("xfer-full") + &put("a", 1, "1") + &put("b", 1, "2"))).unwrap();
    assert!(store.state().is_empty());
    assert_eq!((store.staged(), store.in_snapshot()), (2, true));
    push(&mut store, &done("s1")).unwrap();
    assert_eq!(items(&store), ["k/a@1=1", "k/b@1=2"]);
    assert_eq!(actions(&store), ["insert k/a", "insert k/b"]);
    assert_eq!(store.cursor(), Some("s1"));
}

#[test]
fn a_new_snapshot_changes_only_what_differs_and_stays_aside_until_it_is_whole() {
    let mut store = Materializer::new(Protocol::fdv2());
    let first = intent("xfer-full") + &put("a", 1, "1") + &put("b", 1, "2") + &put("c", 1, "3");
    push(&mut store, &(first + &done("s1"))).unwrap();
    let epochs = store.state().epochs().to_vec();

    push(&mut store, &(intent("xfer-full") + &put("a", 1, "1") + &put("b", 2, "2"))).unwrap();
    assert_eq!(items(&store), ["k/a@1=1", "k/b@1=2", "k/c@1=3"], "still the old state");
    push(&mut store, &(put("d", 1, "4") + &done("s2"))).unwrap();
    assert_eq!(items(&store), ["k/a@1=1", "k/b@2=2", "k/d@1=4"]);
    assert_eq!(actions(&store), ["updated k/b", "insert k/d", "delete k/c"]);
    let a = store.state().find("k", "a").unwrap().index();
    assert_eq!(store.state().epochs()[a], epochs[a], "what did not change did not move");
}

#[test]
fn emptying_first_is_there_for_comparison() {
    let options = {
        let mut options = MaterializerOptions::default();
        options.refill = Refill::EmptyFirst;
        options
    };
    let mut store = Materializer::with_view(Protocol::fdv2(), (), options);
    push(&mut store, &(intent("xfer-full") + &put("a", 1, "1") + &done("s1"))).unwrap();
    push(&mut store, &intent("xfer-full")).unwrap();
    assert!(store.state().is_empty());
    assert_eq!(actions(&store), ["delete k/a"]);
}

#[test]
fn bad_data_is_named_and_changes_nothing() {
    let start = event("put", r#"{"path":"/","data":{"flags":{"a":{"version":5}},"segments":{}}}"#);
    for (kind, data, at, what) in [
        ("put", "{\"oh no", 7, "the string has no end"),
        ("put", r#"{"path":"/"}"#, 12, "a put without data"),
        ("put", r#"{"data":{"segments":{}}}"#, 24, "a put without flags"),
        ("put", r#"{"data":{"flags":{}}}"#, 21, "a put without segments"),
        ("put", r#"{"data":{"flags":{"b":{"version":1},"c":9}}}"#, 40, "expected an object"),
        ("patch", r#"{"path":"/flags/b","data":{"version":"1"}}"#, 37, "expected an integer"),
        ("patch", r#"{"path":"/flags/b","data":{"version":1.5}}"#, 37, "expected an integer"),
        ("patch", r#"{"path":9,"data":{}}"#, 8, "expected a string"),
        ("patch", r#"{"path":"/flags/b"}"#, 19, "a patch without data"),
        ("delete", r#"{"path":"/flags/a"}"#, 19, "a delete without version"),
        ("delete", r#"{"path":"/flags/a","version":9} x"#, 32, "bytes after the value"),
        ("patch", "{\"path\":\"/flags/\u{fffd}\",\"data\":null}", 28, "expected an object"),
    ] {
        let mut flags = Materializer::new(Protocol::relay_strict());
        push(&mut flags, &start).unwrap();
        let Err(Error::Data { event: found, cause }) = push(&mut flags, &event(kind, data)) else {
            panic!("{data} was taken");
        };
        assert_eq!((&*found, cause.at, cause.what), (kind, at, what), "{data}");
        assert_eq!(items(&flags), [r#"flags/a@5={"version":5}"#]);
        assert!(flags.changes().is_empty());
    }
}

#[test]
fn invalid_utf8_in_a_key_is_named() {
    let mut flags = Materializer::new(Protocol::relay());
    let bytes = b"event: delete\ndata: {\"path\":\"/flags/\xff\",\"version\":1}\n\n";
    let error = flags.push(NOW, bytes).unwrap_err();
    assert_eq!(error.to_string(), "the data of event 'delete': invalid UTF-8 at byte 16");
}

#[test]
fn a_value_is_judged_when_it_is_read() {
    let mut store = Materializer::new(Protocol::fdv2());
    push(&mut store, &(ours("xfer-full") + &put("a", 1, "{broken") + &done("e.1"))).unwrap();
    let item = store.state().get("k", "a").unwrap();
    assert_eq!(item.version, 1, "the version counts");
    assert_eq!(item.json().unwrap_err().what, "expected a member's name");
}

#[test]
fn a_value_may_be_judged_on_arrival_and_then_the_item_keeps_what_it_had() {
    let mut options = MaterializerOptions::default();
    options.judge = Judge::OnArrival;
    let mut store = Materializer::with_view(Protocol::fdv2(), (), options);
    push(&mut store, &(ours("xfer-full") + &put("a", 1, "1") + &done("e.1"))).unwrap();
    let change = put("a", 2, "{broken") + &put("b", 2, "2") + &done_after("e.2", "e.1");
    let signals = store.push(NOW, change.as_bytes()).unwrap();
    assert_eq!(items(&store), ["k/a@1=1", "k/b@2=2"]);
    let fault = signals.fault.unwrap();
    assert_eq!((fault.code(), fault.place(), fault.key()), ("bad-value", "k", Some("a")));
}

#[test]
fn an_event_too_large_is_an_error_and_the_next_connection_goes_on() {
    let mut options = MaterializerOptions::default();
    options.max_event_bytes = 100;
    let mut flags = Materializer::with_view(Protocol::relay(), (), options);
    let large = event("put", &"x".repeat(200));
    let error = push(&mut flags, &large).unwrap_err();
    assert_eq!(error.to_string(), "an event larger than 100 bytes, at byte 0 of the stream");
    flags.connected();
    push(&mut flags, &event("put", r#"{"data":{"flags":{"a":{"version":1}}}}"#)).unwrap();
    assert_eq!(flags.state().len(), 1);
}

#[test]
fn a_transaction_that_was_seen_is_dropped_and_one_too_far_ahead_is_a_gap() {
    let mut store = Materializer::new(Protocol::fdv2());
    push(&mut store, &(ours("xfer-full") + &put("a", 1, "1") + &done("e.5"))).unwrap();
    let sixth = put("a", 6, "6") + &done_after("e.6", "e.5");
    push(&mut store, &sixth).unwrap();
    push(&mut store, &sixth).unwrap();
    assert!(store.changes().is_empty(), "a repetition changes nothing");
    let eighth = put("a", 8, "8") + &done_after("e.8", "e.7");
    assert_eq!(push(&mut store, &eighth).unwrap_err(), Error::Gap { basis: "e.7".into() });
    assert_eq!((items(&store), store.cursor()), (vec!["k/a@6=6".into()], Some("e.6")));
}

#[test]
fn a_transaction_that_strays_into_a_snapshot_does_not_end_it() {
    let mut store = Materializer::new(Protocol::fdv2());
    push(&mut store, &(ours("xfer-full") + &put("a", 1, "1") + &done("e.5"))).unwrap();
    push(&mut store, &(ours("xfer-full") + &put("a", 1, "1"))).unwrap();
    let stray = put("b", 6, "6") + &done_after("e.6", "e.5");
    assert!(matches!(push(&mut store, &stray), Err(Error::Gap { .. })));
    assert_eq!(items(&store), ["k/a@1=1"]);
}

#[test]
fn other_servers_cursors_are_taken_as_they_come() {
    let mut store = Materializer::new(Protocol::fdv2());
    push(&mut store, &(intent("xfer-full") + &put("a", 9, "9") + &done("(p:7)"))).unwrap();
    push(&mut store, &(put("a", 1, "1") + &done("(p:3)"))).unwrap();
    assert_eq!((items(&store), store.cursor()), (vec!["k/a@1=1".into()], Some("(p:3)")));
}

#[test]
fn deletions_are_remembered_within_bounds() {
    let patch = |key: &str, version: i64| {
        event("patch", &format!(r#"{{"path":"/flags/{key}","data":{{"version":{version}}}}}"#))
    };
    let delete = |key: &str, version: i64| {
        event("delete", &format!(r#"{{"path":"/flags/{key}","version":{version}}}"#))
    };
    let mut options = MaterializerOptions::default();
    options.tombstones = Tombstones { count: 2, age: Duration::from_mins(1) };
    let mut flags = Materializer::with_view(Protocol::relay(), (), options);
    push(&mut flags, &(delete("a", 5) + &delete("b", 5) + &delete("c", 5))).unwrap();
    assert_eq!(flags.state().known("flags", "a"), Known::Unknown, "the oldest made room");
    assert_eq!(flags.state().known("flags", "c"), Known::Tombstone(5));
    assert_eq!(flags.state().tombstones_forgotten(), 1);
    push(&mut flags, &(patch("b", 5) + &patch("c", 4))).unwrap();
    assert!(flags.state().is_empty());

    flags.begin();
    let later = Instant::from_millis(61_000);
    flags.push(later, patch("d", 1).as_bytes()).unwrap();
    assert_eq!(flags.state().known("flags", "c"), Known::Unknown, "too old");
    assert_eq!(flags.state().tombstones_forgotten(), 3);
}

#[test]
fn slots_of_forgotten_items_are_used_again_without_confusion() {
    let mut store = Materializer::new(Protocol::fdv2());
    push(&mut store, &(intent("xfer-full") + &put("a", 1, "1") + &done("s1"))).unwrap();
    let slot = store.state().find("k", "a").unwrap();
    let epoch = store.state().epochs()[slot.index()];
    let gone = event("delete-object", r#"{"kind":"k","key":"a","version":2}"#);
    push(&mut store, &(gone + &done("s2") + &put("b", 1, "2") + &done("s3"))).unwrap();
    assert_eq!(actions(&store), ["delete k/a", "insert k/b"], "names are still right");
    push(&mut store, &(put("c", 1, "3") + &done("s4"))).unwrap();
    assert_eq!(store.state().name(slot), Some(("k", "c")), "now the slot is used again");
    assert!(store.state().epochs()[slot.index()] > epoch, "and its epoch moved on");
}

#[test]
fn a_ping_asks_for_the_state_and_a_fetch_replaces_it() {
    let mut flags = Materializer::new(Protocol::ping());
    let signals = flags.push(NOW, b"event: ping\ndata:  \n\n").unwrap();
    assert!(signals.invalidated);
    flags.fetched(NOW, br#"{"a":{"version":2,"value":true},"b":{"version":1}}"#).unwrap();
    flags.fetched(NOW, br#"{"a":{"version":1,"value":false}}"#).unwrap();
    assert_eq!(items(&flags), [r#"flags/a@1={"version":1,"value":false}"#]);
    assert!(flags.fetched(NOW, b"<html>").is_err());
    assert_eq!(flags.state().len(), 1);
}

#[test]
fn any_json_stream_is_read_as_the_application_describes_it() {
    let spec = JsonSpec {
        snapshot: vec!["all".into()],
        upsert: vec!["price".into()],
        delete: vec!["gone".into()],
        items: "/rows".into(),
        key: "/id".into(),
        kind: Some("/type".into()),
        version: Some("/meta/v".into()),
        value: "/data".into(),
        deleted: Some("/meta/gone".into()),
        value_last: false,
    };
    let mut prices = Materializer::new(Protocol::json(spec));
    let row = |id: u32, v: i64, data: i64| {
        format!(r#"{{"id":{id},"type":"p","meta":{{"v":{v}}},"data":{data}}}"#)
    };
    let all = format!("{{\"rows\":[{},{}]}}", row(1, 5, 10), row(2, 5, 20));
    push(&mut prices, &event("all", &all)).unwrap();
    push(&mut prices, &(event("price", &row(1, 4, 99)) + &event("price", &row(2, 6, 21)))).unwrap();
    assert_eq!(items(&prices), ["p/1@5=10", "p/2@6=21"]);
    push(&mut prices, &event("gone", &row(1, 6, 0))).unwrap();
    push(&mut prices, &event("price", r#"{"id":2,"type":"p","meta":{"v":7,"gone":true}}"#))
        .unwrap();
    assert!(prices.state().is_empty());
    push(&mut prices, &event("price", &row(2, 7, 1))).unwrap();
    assert!(prices.state().is_empty(), "deleted at that version");
    let error = push(&mut prices, &event("price", r#"{"id":2,"meta":{}}"#)).unwrap_err();
    assert_eq!(error.what(), "no version where it should be");
}

#[test]
fn an_event_source_of_the_platform_may_take_events_out_of_their_frames() {
    let mut flags = Materializer::new(Protocol::relay());
    let data = br#"{"path":"/flags/a","data":{"version":1}}"#;
    flags.event(NOW, &Event { kind: "patch", data, id: "7" }).unwrap();
    assert_eq!((flags.state().len(), flags.last_event_id()), (1, "7"));
}

#[test]
fn a_trace_tells_what_each_event_did_and_why_not() {
    let mut flags = Materializer::new(Protocol::relay());
    flags.set_tracing(true);
    let patch =
        |v: i64| event("patch", &format!(r#"{{"path":"/flags/a","data":{{"version":{v}}}}}"#));
    push(&mut flags, &(patch(2) + &patch(1) + &event("hello", "{}"))).unwrap();
    let told: Vec<String> = flags
        .take_trace()
        .into_iter()
        .flat_map(|event| event.steps)
        .filter_map(|step| match step {
            Step::Changed { key, action, noop, .. } => {
                Some(format!("{action} {key} {}", noop.map_or("", highwater_core::Noop::as_str)))
            }
            Step::Ignored(why) => Some(why.into()),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["insert a ", "noop a stale", "unknown event"]);
    assert!(flags.take_trace().is_empty());
}

/// A view that refuses what it is told to refuse.
#[derive(Default)]
struct Picky {
    refuse: bool,
    seen: Vec<String>,
}

impl View for Picky {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        for change in changes {
            let (_, key) = state.name(change.slot).ok_or("no name")?;
            if key == "bad" && self.refuse {
                return Err("no bad ones".into());
            }
            assert_ne!(change.action, Action::Noop);
            self.seen.push(key.into());
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.seen.clear();
        self.refuse = false;
    }
}

/// A view that notes what it is told around each transaction.
#[derive(Default)]
struct Around(Vec<(bool, Option<String>, usize)>, bool, Option<String>);

impl View for Around {
    fn begins(&mut self, snapshot: bool) {
        self.1 = snapshot;
    }

    fn moves_to(&mut self, cursor: Option<&str>) {
        self.2 = cursor.map(Into::into);
    }

    fn update(&mut self, changes: &[Change], _: &State) -> Result<(), Box<str>> {
        self.0.push((self.1, self.2.take(), changes.len()));
        Ok(())
    }

    fn reset(&mut self) {}
}

#[test]
fn a_view_is_told_what_each_transaction_is_though_they_arrive_together() {
    let options = MaterializerOptions::default();
    let mut store = Materializer::with_view(Protocol::fdv2(), Around::default(), options);
    let both = intent("xfer-full") + &put("a", 1, "1") + &done("s1");
    store.push(NOW, (both + &put("a", 2, "2") + &done("s2")).as_bytes()).unwrap();
    let wanted = [(true, Some("s1".into()), 1), (false, Some("s2".into()), 1)];
    assert_eq!(store.view().0, wanted);
}

#[test]
fn a_view_that_refuses_is_reset_and_then_given_everything() {
    let view = Picky { refuse: true, seen: Vec::new() };
    let mut store = Materializer::with_view(Protocol::fdv2(), view, MaterializerOptions::default());
    let first = intent("xfer-full") + &put("a", 1, "1") + &done("s1");
    store.push(NOW, first.as_bytes()).unwrap();
    let bad = put("bad", 1, "1") + &done("s2");
    let error = store.push(NOW, bad.as_bytes()).unwrap_err();
    assert_eq!(error, Error::View { what: "no bad ones".into() });
    store.reset();
    assert!(store.view().seen.is_empty());
    assert_eq!(store.cursor(), None);
    store.connected();
    let again = intent("xfer-full") + &put("a", 1, "1") + &put("bad", 1, "1") + &done("s3");
    store.push(NOW, again.as_bytes()).unwrap();
    assert_eq!(store.view().seen, ["a", "bad"]);
}

fn batch(store: &mut Materializer, events: &str) -> Result<(), Error> {
    let data =
        format!(r#"{{"batchNumber":1,"stream":"s","type":"event_batch","events":[{events}]}}"#);
    store.begin();
    store.event(NOW, &Event { kind: "message", data: data.as_bytes(), id: "" }).map(drop)
}

fn put_at(sequence: &str, key: &str, value: &str) -> String {
    format!(
        r#"{{"key":"{key}","kind":"k","object":{value},"sequenceId":"{sequence}","topic":"k/{key}","version":7}}"#
    )
}

fn gone_at(sequence: &str, key: &str) -> String {
    format!(
        r#"{{"deleted":true,"key":"{key}","kind":"k","sequenceId":"{sequence}","topic":"k/{key}"}}"#
    )
}

#[test]
fn batches_that_come_again_change_nothing_and_a_checkpoint_remembers_which() {
    let mut store = Materializer::new(Protocol::eventstream());
    let first = [put_at("01", "a", "1"), put_at("02", "b", "2"), gone_at("03", "a")].join(",");
    batch(&mut store, &first).unwrap();
    assert_eq!(items(&store), ["k/b@7=2"]);
    assert_eq!((store.cursor(), store.commits().len()), (Some("03"), 1));

    let mut later = Materializer::new(Protocol::eventstream());
    later.restore_checkpoint(NOW, &store.checkpoint()).unwrap();
    for store in [&mut store, &mut later] {
        batch(store, &first).unwrap();
        assert!(store.changes().is_empty() && store.commits().is_empty(), "all of it is known");
        // Known events at the head of a longer batch: only what is new takes effect.
        batch(store, &format!("{first},{}", put_at("04", "a", "4"))).unwrap();
        assert_eq!(actions(store), ["insert k/a"]);
        assert_eq!(
            (items(store), store.cursor()),
            (vec!["k/a@7=4".into(), "k/b@7=2".into()], Some("04"))
        );
    }
}

#[test]
fn a_batch_that_is_at_fault_can_come_again() {
    let mut options = MaterializerOptions::default();
    options.judge = Judge::OnArrival;
    let mut store = Materializer::with_view(Protocol::eventstream(), (), options);
    let bad = format!("{},{}", put_at("01", "a", "1"), r#"{"topic":"k/b"}"#);
    assert!(matches!(batch(&mut store, &bad), Err(Error::Data { .. })));
    assert_eq!((items(&store), store.cursor()), (vec![], None));
    batch(&mut store, &put_at("01", "a", "1")).unwrap();
    assert_eq!(items(&store), ["k/a@7=1"]);
}

#[test]
fn events_that_know_nothing_of_items_are_the_newest_of_their_topic() {
    let mut store = Materializer::new(Protocol::eventstream());
    let event = |sequence: u8, topic: &str| {
        format!(r#"{{"n":{sequence},"sequenceId":"{sequence}","topic":"{topic}"}}"#)
    };
    batch(&mut store, &[event(1, "a/b/c"), event(2, "plain"), event(3, "a/b/c")].join(","))
        .unwrap();
    let expect = [
        r#"a/b/c@0={"n":3,"sequenceId":"3","topic":"a/b/c"}"#,
        r#"event/plain@0={"n":2,"sequenceId":"2","topic":"plain"}"#,
    ];
    assert_eq!(items(&store), expect);
}
