//! A topic's promises, by behaviour.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use highwater_publisher::{
    CommitError, Epoch, Expect, Id, Object, Operation, Options, Refusal, Replacement,
    SubscriptionError, Topic, Verdict,
};

fn topic(options: Options) -> Topic {
    Topic::new("t", Epoch::new("e1").unwrap(), options)
}

fn id(key: &str) -> Id {
    let (kind, key) = key.split_once('/').unwrap_or(("k", key));
    Id::new(kind, key).unwrap()
}

fn put(key: &str, n: i64) -> Operation {
    Operation::put(id(key), Object::parse(&format!("{{\"n\": {n}}}")).unwrap())
}

fn delete(key: &str) -> Operation {
    Operation::delete(id(key))
}

fn state(topic: &Topic) -> Vec<(String, i64, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    topic
        .items(None)
        .map(|i| (format!("{}/{}", i.kind, i.key), i.version, text(i.object)))
        .collect()
}

/// Commits, and the state afterwards is as it was if it is refused.
fn refused(topic: &mut Topic, operations: Vec<Operation>) -> CommitError {
    let before = (topic.index(), state(topic));
    let error = topic.commit(operations.into_iter().collect()).unwrap_err();
    assert_eq!((topic.index(), state(topic)), before, "P3");
    error
}

fn refusal(operation: usize, refusal: Refusal) -> CommitError {
    CommitError::Refused { operation, refusal }
}

fn text(frames: &[bytes::Bytes]) -> String {
    frames.iter().map(|frame| core::str::from_utf8(frame).unwrap()).collect()
}

#[test]
fn a_transaction_is_encoded_exactly() {
    let mut topic = topic(Options::default());
    let mut reader = topic.subscribe(None, None).reader;
    topic.commit([put("b/1", 1), put("a/x\"\n", 2), put("b/2", 3).at(70)].into()).unwrap();
    topic.commit([delete("b/1")].into()).unwrap();
    assert_eq!(
        text(&topic.read(&mut reader, usize::MAX).frames),
        concat!(
            "event: put-object\ndata: {\"kind\":\"a\",\"key\":\"x\\\"\\n\",\"version\":1,\"object\":{\"n\":2}}\n\n",
            "event: put-object\ndata: {\"kind\":\"b\",\"key\":\"1\",\"version\":1,\"object\":{\"n\":1}}\n\n",
            "event: put-object\ndata: {\"kind\":\"b\",\"key\":\"2\",\"version\":70,\"object\":{\"n\":3}}\n\n",
            "event: payload-transferred\nid: e1.1\ndata: {\"state\":\"e1.1\",\"version\":1,\"basis\":\"e1.0\"}\n\n",
            "event: delete-object\ndata: {\"kind\":\"b\",\"key\":\"1\",\"version\":2}\n\n",
            "event: payload-transferred\nid: e1.2\ndata: {\"state\":\"e1.2\",\"version\":2,\"basis\":\"e1.1\"}\n\n",
        )
    );
    assert_eq!(topic.read(&mut reader, usize::MAX).frames.len(), 0);
}

#[test]
fn a_new_reader_gets_everything() {
    let mut topic = topic(Options::default());
    topic.commit([put("b/1", 1), put("a/1", 2)].into()).unwrap();
    let all = topic.subscribe(None, None);
    assert_eq!(all.verdict, Verdict::Full);
    assert_eq!(
        text(&all.frames),
        concat!(
            "event: server-intent\ndata: {\"payloads\":[{\"id\":\"t\",\"target\":1,\"intentCode\":\"xfer-full\",",
            "\"reason\":\"payload-missing\"}],\"highwater\":{\"version\":1,\"resumed\":false,\"heartbeat\":15000}}\n\n",
            "event: put-object\ndata: {\"kind\":\"a\",\"key\":\"1\",\"version\":1,\"object\":{\"n\":2}}\n\n",
            "event: put-object\ndata: {\"kind\":\"b\",\"key\":\"1\",\"version\":1,\"object\":{\"n\":1}}\n\n",
            "event: payload-transferred\nid: e1.1\ndata: {\"state\":\"e1.1\",\"version\":1}\n\n",
        )
    );
    let one = text(&topic.subscribe(None, Some("b")).frames);
    assert!(one.contains("\"kind\":\"b\"") && !one.contains("\"kind\":\"a\""), "{one}");
}

#[test]
fn versions_come_from_the_index_and_never_go_back() {
    let mut topic = topic(Options::default());
    assert_eq!(topic.commit([put("a", 1), put("a", 2)].into()).unwrap().versions, [1, 2]);
    assert_eq!(
        topic.commit([put("a", 3)].into()).unwrap().versions,
        [3],
        "one more than the last, not the index 2"
    );
    assert_eq!(topic.commit([put("a", 3).at(100)].into()).unwrap().versions, [100]);
    assert_eq!(topic.commit([delete("a")].into()).unwrap().versions, [101]);
    assert_eq!(
        refused(&mut topic, vec![put("b", 1), put("a", 4).at(101)]),
        refusal(1, Refusal::Stale { last: 101, current: None })
    );
    assert_eq!(topic.commit([put("a", 4)].into()).unwrap().versions, [102]);
    assert_eq!(refused(&mut topic, vec![put("c", 4).at(0)]), refusal(0, Refusal::NotPositive));
    topic.commit([put("a", 5).at(i64::MAX)].into()).unwrap();
    assert_eq!(refused(&mut topic, vec![put("a", 6)]), refusal(0, Refusal::Exhausted));
}

#[test]
fn conditions_compare_before_they_set() {
    let mut topic = topic(Options::default());
    assert_eq!(refused(&mut topic, vec![]), CommitError::Empty);
    assert_eq!(refused(&mut topic, vec![delete("a")]), refusal(0, Refusal::NotFound));
    let conflict = |current| refusal(0, Refusal::Conflict { current });
    assert_eq!(refused(&mut topic, vec![put("a", 1).when(Expect::Version(1))]), conflict(None));
    assert_eq!(refused(&mut topic, vec![put("a", 1).when(Expect::Present)]), conflict(None));
    topic.commit([put("a", 1).when(Expect::version(0))].into()).unwrap();
    assert_eq!(refused(&mut topic, vec![put("a", 2).when(Expect::Absent)]), conflict(Some(1)));
    assert_eq!(refused(&mut topic, vec![delete("a").when(Expect::Version(2))]), conflict(Some(1)));
    // An operation sees what the one before it did.
    topic
        .commit([delete("a").when(Expect::version(1)), put("a", 3).when(Expect::Absent)].into())
        .unwrap();
    assert_eq!(state(&topic), [("k/a".into(), 3, "{\"n\":3}".into())]);
}

#[test]
fn replace_all_sends_only_what_differs() {
    let mut topic = topic(Options::default());
    topic.commit([put("a", 1), put("b", 1), put("z/c", 1)].into()).unwrap();
    let item = |key, n, version| Replacement {
        id: id(key),
        object: Object::parse(&format!("{{\"n\":{n}}}")).unwrap(),
        version,
    };
    let mut reader = topic.subscribe(None, None).reader;
    let done = topic
        .replace_all(vec![item("a", 1, None), item("b", 2, None), item("d", 1, Some(9))])
        .unwrap();
    assert_eq!(done.unwrap().index, 2);
    let frames = text(&topic.read(&mut reader, usize::MAX).frames);
    assert_eq!(frames.matches("event:").count(), 4, "put b, put d, delete z/c, end: {frames}");
    let same = topic
        .replace_all(vec![item("a", 1, Some(1)), item("b", 2, None), item("d", 1, Some(9))])
        .unwrap();
    assert_eq!((same, topic.index()), (None, 2));
    let stale = topic.replace_all(vec![item("b", 2, None), item("d", 7, Some(9))]).unwrap_err();
    assert_eq!(stale, refusal(1, Refusal::Stale { last: 9, current: Some(9) }));
    let twice = topic.replace_all(vec![item("b", 2, None), item("b", 3, None)]).unwrap_err();
    assert_eq!(twice, refusal(1, Refusal::Repeated));
    topic.replace_all(vec![]).unwrap();
    assert_eq!(topic.items(None).count(), 0);
}

#[test]
fn the_verdict_follows_the_basis() {
    let mut topic = topic(Options { log_transactions: 3, ..Options::default() });
    for n in 1..=5 {
        topic.commit([put("a", n)].into()).unwrap();
    }
    topic.commit([put("other/a", 6)].into()).unwrap();
    let mut check = |basis: &str, kind: Option<&str>, verdict: Verdict, reason: &str| {
        let subscription = topic.subscribe(Some(basis), kind);
        let intent = text(&subscription.frames[..1]);
        assert_eq!(subscription.verdict, verdict, "{basis}");
        assert!(intent.contains(&format!("\"reason\":\"{reason}\"")), "{basis}: {intent}");
        let resumed = verdict != Verdict::Full;
        assert!(intent.contains(&format!("\"resumed\":{resumed}")), "{basis}: {intent}");
        assert_eq!(
            intent.contains("\nid: e1.6\n"),
            verdict == Verdict::UpToDate,
            "{basis}: {intent}"
        );
    };
    check("", None, Verdict::Full, "payload-missing");
    check("e1.6", None, Verdict::UpToDate, "up-to-date");
    check("e1.5", None, Verdict::Changes, "stale");
    check("e1.3", None, Verdict::Changes, "stale");
    check("e1.2", None, Verdict::Full, "cant-catchup");
    for unknown in ["e1.7", "e2.6", "e1", "e1.06", "e1.-1", "nonsense", "(p:e1:6)", "\u{0}"] {
        check(unknown, None, Verdict::Full, "cant-catchup");
    }
    check("e1.5", Some("k"), Verdict::UpToDate, "up-to-date");
    check("e1.4", Some("k"), Verdict::Changes, "stale");
    check("e1.1", Some("other"), Verdict::Full, "cant-catchup");
    check("e1.4", Some("never"), Verdict::UpToDate, "up-to-date");
}

#[test]
fn a_reader_of_one_kind_is_told_an_unbroken_chain() {
    let mut topic = topic(Options::default());
    topic.commit([put("a/1", 1), put("b/1", 1)].into()).unwrap();
    let mut reader = topic.subscribe(None, Some("b")).reader;
    topic.commit([put("a/1", 2)].into()).unwrap();
    topic.commit([put("a/1", 3), put("b/1", 3)].into()).unwrap();
    topic.commit([put("b/1", 4)].into()).unwrap();
    let frames = topic.read(&mut reader, usize::MAX).frames;
    assert_eq!(frames.len(), 2);
    assert!(!text(&frames).contains("\"kind\":\"a\""));
    assert!(
        text(&frames[..1]).ends_with("{\"state\":\"e1.3\",\"version\":3,\"basis\":\"e1.1\"}\n\n")
    );
    assert!(
        text(&frames[1..]).ends_with("{\"state\":\"e1.4\",\"version\":4,\"basis\":\"e1.3\"}\n\n")
    );
}

#[test]
fn frames_are_encoded_once_and_shared() {
    let mut topic = topic(Options::default());
    let (mut one, mut two) =
        (topic.subscribe(None, None).reader, topic.subscribe(None, None).reader);
    let (mut three, mut four) =
        (topic.subscribe(None, Some("b")).reader, topic.subscribe(None, Some("b")).reader);
    topic.commit([put("a/1", 1), put("b/1", 1)].into()).unwrap();
    for (left, right) in [(&mut one, &mut two), (&mut three, &mut four)] {
        let (left, right) =
            (topic.read(left, usize::MAX).frames, topic.read(right, usize::MAX).frames);
        assert_eq!(left[0].as_ptr(), right[0].as_ptr());
    }
    let (left, right) =
        (topic.subscribe(None, None).frames, topic.subscribe(Some("x"), None).frames);
    assert_eq!(left[1].as_ptr(), right[1].as_ptr(), "one snapshot for a herd");
}

#[test]
fn a_slow_reader_is_cut_over_to_a_snapshot() {
    let mut topic = topic(Options { log_transactions: 2, ..Options::default() });
    let mut reader = topic.subscribe(None, None).reader;
    let mut of_a_quiet_kind = topic.subscribe(None, Some("quiet")).reader;
    for n in 1..=3 {
        topic.commit([put("a", n)].into()).unwrap();
    }
    let batch = topic.read(&mut reader, usize::MAX);
    assert!(batch.whole);
    let frames = text(&batch.frames);
    assert!(
        frames.starts_with("event: server-intent\n") && frames.contains("too-slow"),
        "{frames}"
    );
    assert!(frames.ends_with("data: {\"state\":\"e1.3\",\"version\":3}\n\n"), "{frames}");
    assert!(topic.read(&mut reader, usize::MAX).frames.is_empty());
    // The others' transactions do not push out who reads a kind that nothing happened to.
    assert!(topic.read(&mut of_a_quiet_kind, usize::MAX).frames.is_empty());
    topic.commit([put("quiet/a", 1)].into()).unwrap();
    assert_eq!(topic.read(&mut of_a_quiet_kind, usize::MAX).frames.len(), 1);
    // But one who was gone cannot be told that it missed nothing: nothing is known of that kind.
    let gone = topic.subscribe(Some("e1.0"), Some("other"));
    assert_eq!(gone.verdict, Verdict::Full);
}

#[test]
fn a_reader_of_another_life_is_cut_over() {
    let mut old = topic(Options::default());
    old.commit([put("a", 1)].into()).unwrap();
    let mut reader = old.subscribe(None, None).reader;
    let mut new = Topic::new("t", Epoch::new("e2").unwrap(), Options::default());
    new.commit([put("a", 1)].into()).unwrap();
    let frames = text(&new.read(&mut reader, usize::MAX).frames);
    assert!(frames.contains("cant-catchup") && frames.contains("\"state\":\"e2.1\""), "{frames}");
}

#[test]
fn the_log_is_bounded_by_bytes_but_keeps_the_newest() {
    let mut topic = topic(Options { log_bytes: 1000, ..Options::default() });
    let mut reader = topic.subscribe(None, None).reader;
    let large = Object::parse(&format!("{{\"a\":\"{}\"}}", "x".repeat(5000))).unwrap();
    topic.commit([Operation::put(id("large"), large)].into()).unwrap();
    assert_eq!(topic.read(&mut reader, usize::MAX).frames.len(), 1);
    for n in 0..20 {
        topic.commit([put("a", n)].into()).unwrap();
    }
    let kept = topic.recent(&reader, usize::MAX);
    assert!(kept.len() > 2 && kept.iter().map(bytes::Bytes::len).sum::<usize>() <= 1000);
    assert_eq!(topic.recent(&reader, 2), kept[kept.len() - 2..]);
}

#[test]
fn reading_goes_in_portions() {
    let mut topic = topic(Options::default());
    let mut reader = topic.subscribe(None, None).reader;
    for n in 0..10 {
        topic.commit([put("a", n)].into()).unwrap();
    }
    let first = topic.read(&mut reader, 1).frames;
    assert_eq!((first.len(), reader.index()), (1, 1), "at least one, however small the limit");
    assert_eq!(topic.read(&mut reader, first[0].len() * 2).frames.len(), 2);
    assert_eq!(topic.read(&mut reader, usize::MAX).frames.len(), 7);
}

#[test]
fn a_close_ends_the_readers_of_its_token_in_its_place() {
    let mut topic = topic(Options::default());
    let join = |topic: &mut Topic, token: &str| {
        let mut reader = topic.join_as(token.into(), None, None).finish().reader;
        assert!(reader.take(usize::MAX).unwrap().whole);
        reader
    };
    let (mut ended, mut other) = (join(&mut topic, "one"), join(&mut topic, "two"));
    topic.commit([put("a", 1)].into()).unwrap();
    topic.close("one".into());
    topic.commit([put("a", 2)].into()).unwrap();
    assert_eq!(ended.take(usize::MAX).unwrap().frames.len(), 1, "what was before it");
    assert!(matches!(ended.take(usize::MAX), Err(SubscriptionError::AclChanged)));
    assert_eq!(other.take(usize::MAX).unwrap().frames.len(), 2);
}

#[test]
fn items_are_lines_of_json_and_are_counted() {
    let mut topic = topic(Options::default());
    topic.commit([put("b/1", 1), put("a/\n", 2), put("a/2", 3)].into()).unwrap();
    topic.commit([put("b/1", 10), delete("a/2")].into()).unwrap();
    let expect = [
        "{\"kind\":\"a\",\"key\":\"\\n\",\"version\":1,\"object\":{\"n\":2}}\n",
        "{\"kind\":\"b\",\"key\":\"1\",\"version\":2,\"object\":{\"n\":10}}\n",
    ];
    assert_eq!(topic.lines(None), expect);
    assert_eq!(topic.lines(Some("b")), expect[1..]);
    let events = topic.subscribe(None, None).frames;
    let snapshot: String =
        text(&events).split_inclusive("\n\n").filter(|e| e.contains("put")).collect();
    assert_eq!(topic.bytes(), snapshot.len());
}

#[test]
fn names_have_limits() {
    assert!(Id::new("", "k").is_err() && Id::new("k", "").is_err());
    assert!(Id::new("k", &"x".repeat(Id::MAX_LENGTH)).is_ok());
    assert!(Id::new("k", &"x".repeat(Id::MAX_LENGTH + 1)).is_err());
    for bad in ["", "a.b", "ä", &"x".repeat(65)] {
        assert!(Epoch::new(bad).is_err(), "{bad}");
    }
}
