//! Checkpoints: what they keep, what a restored stream goes on with, and bad ones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::Random;
use highwater_core::{
    Action, Effect, Error, Event, Input, Instant, JsonSpec, Known, Materializer, Phase, Protocol,
    Session, SessionOptions,
};

const NOW: Instant = Instant::from_millis(1_800_000_000_000);

fn tell(store: &mut Materializer, kind: &str, data: &str, id: &str) {
    store.event(NOW, &Event { kind, data: data.as_bytes(), id }).unwrap();
}

/// Everything that a state knows.
fn known(store: &Materializer) -> Vec<(String, String, Known, Option<Vec<u8>>)> {
    let entries = store.state().iter_known().map(|(kind, key, known)| {
        let value = store.state().get(kind, key).map(|item| item.value.to_vec());
        (kind.to_owned(), key.to_owned(), known, value)
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    entries
}

/// A stream of ours with two items and a position.
fn fdv2() -> Materializer {
    let mut store = Materializer::new(Protocol::fdv2());
    tell(&mut store, "server-intent", r#"{"payloads":[{"intentCode":"xfer-full"}]}"#, "");
    tell(&mut store, "put-object", r#"{"kind":"k","key":"a","version":1,"object":{"x":1}}"#, "");
    tell(&mut store, "put-object", r#"{"kind":"l","key":"a","version":-2,"object":"é"}"#, "");
    tell(&mut store, "payload-transferred", r#"{"state":"e.7","version":7}"#, "e.7");
    store
}

#[test]
fn a_checkpoint_keeps_all_that_is_known() {
    let mut random = Random(1);
    let (mut items, mut tombstones) = (0, 0);
    for round in 0..300 {
        let mut store = Materializer::new(Protocol::autoconfig());
        let names = ["a", "b", "é", "", "long-long-long-long-long-long-name", "c\\u0000"];
        for _ in 0..random.below(40) {
            let (name, kind) = (*random.pick(&names), *random.pick(&["environments", "filters"]));
            let version = *random.pick(&[0, 1, -1, 63, 64, -64, -65, 1 << 40, i64::MAX, i64::MIN]);
            let event = if random.one_in(3) {
                ("delete", format!(r#"{{"path":"/{kind}/{name}","version":{version}}}"#))
            } else {
                let pad = "x".repeat(random.below(300));
                let rest = format!(r#""version":{version},"envID":"{name}","pad":"{pad}""#);
                ("patch", format!(r#"{{"path":"/{kind}/{name}","data":{{{rest}}}}}"#))
            };
            let event = Event { kind: event.0, data: event.1.as_bytes(), id: "" };
            drop(store.event(NOW, &event)); // some are refused, for their names
        }
        let bytes = store.checkpoint();
        let mut other = Materializer::new(Protocol::autoconfig());
        other.restore_checkpoint(NOW, &bytes).unwrap();
        assert_eq!(known(&other), known(&store), "round {round}");
        assert_eq!(other.checkpoint(), bytes, "the same again");
        items += store.state().len();
        tombstones += known(&store).len() - store.state().len();
    }
    assert!(items > 500 && tombstones > 500, "{items} items, {tombstones} tombstones");
}

#[test]
fn what_differs_is_told_once() {
    let store = fdv2();
    let mut other = Materializer::new(Protocol::fdv2());
    other.restore_checkpoint(NOW, &store.checkpoint()).unwrap();
    let actions: Vec<_> = other.changes().iter().map(|change| change.action).collect();
    assert_eq!(actions, [Action::Insert, Action::Insert]);
    assert_eq!((other.commits().len(), other.cursor()), (1, Some("e.7")));
    assert_eq!(other.last_event_id(), "e.7");
    other.begin();
    other.restore_checkpoint(NOW, &store.checkpoint()).unwrap();
    assert_eq!(other.changes().len(), 0);
}

#[test]
fn a_deletion_is_remembered_and_ages_from_the_restoration() {
    let mut store = Materializer::new(Protocol::relay());
    tell(&mut store, "put", r#"{"data":{"flags":{"a":{"version":1}}}}"#, "");
    tell(&mut store, "delete", r#"{"path":"/flags/a","version":5}"#, "");
    let mut other = Materializer::new(Protocol::relay());
    other.restore_checkpoint(NOW, &store.checkpoint()).unwrap();
    tell(&mut other, "patch", r#"{"path":"/flags/a","data":{"version":4}}"#, "");
    assert_eq!(other.state().known("flags", "a"), Known::Tombstone(5));
    assert_eq!(other.state().tombstones_forgotten(), 0);
}

#[test]
fn a_session_resumes_from_the_restored_position() {
    let protocol = Protocol::fdv2();
    let options = SessionOptions::of(&protocol);
    let mut session = Session::new(protocol, (), options);
    session.restore_checkpoint(NOW, &fdv2().checkpoint()).unwrap();
    assert_eq!((session.status().phase, session.status().version), (Phase::Stale, 1));
    session.handle(NOW, Input::Start);
    let Some(Effect::Connect(request)) = session.poll() else { panic!("connects") };
    assert_eq!(request.query, [("basis", "e.7".to_owned())]);
    assert_eq!(request.last_event_id.as_deref(), Some("e.7"));
    let refused = session.restore_checkpoint(NOW, &fdv2().checkpoint()).unwrap_err();
    assert_eq!(refused.code(), "bad-checkpoint");
    assert!(refused.to_string().contains("a connection is open"), "{refused}");
}

#[test]
fn a_stream_that_brought_nothing_leaves_no_state_to_show() {
    let protocol = Protocol::fdv2();
    let options = SessionOptions::of(&protocol);
    let mut session = Session::new(protocol, (), options);
    let bytes = Materializer::new(Protocol::fdv2()).checkpoint();
    session.restore_checkpoint(NOW, &bytes).unwrap();
    assert_eq!(session.status().phase, Phase::Connecting);
}

#[test]
fn half_a_transfer_is_in_no_checkpoint() {
    let mut store = fdv2();
    let whole = store.checkpoint();
    let put = r#"{"kind":"k","key":"a","version":9,"object":9}"#;
    tell(&mut store, "put-object", put, "an id of its own");
    let mut other = Materializer::new(Protocol::fdv2());
    other.restore_checkpoint(NOW, &store.checkpoint()).unwrap();
    // Nor is an id that would have the server skip the event: the cursor resumes.
    assert_eq!((other.cursor(), other.last_event_id()), (Some("e.7"), ""));
    other.restore_checkpoint(NOW, &whole).unwrap();
    assert_eq!(known(&other), known(&fdv2()));
}

#[test]
fn an_older_position_takes_nothing_back() {
    let old = fdv2().checkpoint();
    let mut store = fdv2();
    tell(&mut store, "delete-object", r#"{"kind":"k","key":"a","version":2}"#, "");
    tell(&mut store, "payload-transferred", r#"{"state":"e.8","version":8}"#, "e.8");
    store.begin();
    store.restore_checkpoint(NOW, &old).unwrap();
    assert_eq!((store.changes().len(), store.cursor()), (0, Some("e.8")));
    assert_eq!(store.last_event_id(), "e.8");
}

#[test]
fn counted_versions_go_on_from_where_they_were() {
    let json = || Materializer::new(Protocol::json(JsonSpec::default()));
    let mut store = json();
    for id in ["1", "2", "3"] {
        tell(&mut store, "message", r#"{"key":"a"}"#, id);
    }
    let mut other = json();
    other.restore_checkpoint(NOW, &store.checkpoint()).unwrap();
    assert_eq!(other.last_event_id(), "3");
    tell(&mut other, "message", r#"{"key":"b"}"#, "4");
    assert_eq!(other.state().get("item", "b").unwrap().version, 4);
}

#[test]
fn bad_bytes_are_named_and_change_nothing() {
    let good = fdv2().checkpoint();
    let mut store = fdv2();
    tell(&mut store, "delete-object", r#"{"kind":"k","key":"a","version":2}"#, "");
    tell(&mut store, "payload-transferred", r#"{"state":"other.1","version":1}"#, "x");
    let before = known(&store);
    let refused = |bytes: &[u8], wanted: &str| {
        let mut store = fdv2();
        let error = store.restore_checkpoint(NOW, bytes).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}, not {wanted}");
        assert_eq!((known(&store), store.state().revision()), (known(&fdv2()), 1));
    };
    refused(b"", "ends early, at byte 0");
    refused(b"{\"json\":true}", "no checkpoint");
    refused(&Materializer::new(Protocol::relay()).checkpoint(), "another protocol");
    let mut newer = good.clone();
    newer[4] = 2;
    refused(&newer, "another format version");
    refused(&[&*good, b"!"].concat(), "more follows it");
    for end in 0..good.len() {
        assert!(store.restore_checkpoint(NOW, &good[..end]).is_err(), "cut at {end}");
    }
    assert_eq!(known(&store), before);

    let mut random = Random(2);
    let (mut taken, mut bad) = (0, 0);
    for _ in 0..20_000 {
        // The length is made to fit, so that what follows it is looked into.
        let body = random.spoil(&good[13..], &[0, 1, 2, 3, 4, 0x7f, 0x80, 0xff, b'a']);
        let length = (body.len() as u64).to_le_bytes();
        let bytes = [&good[..5], &length, &*body].concat();
        let mut store = Materializer::new(Protocol::fdv2());
        match store.restore_checkpoint(NOW, &bytes) {
            Ok(()) => taken += 1,
            Err(Error::Checkpoint { at, .. }) => {
                bad += 1;
                assert!(at <= bytes.len());
                assert_eq!((store.state().len(), store.cursor()), (0, None));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(taken > 100 && bad > 1_000, "{taken} taken, {bad} bad");
}
