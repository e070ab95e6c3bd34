//! Sessions that come into a connection which another one reads: at any moment, with nothing lost,
//! and nothing told twice.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use highwater_core::{
    Action, Change, ConnectionId, Effect, Input, Instant, Protocol, Session, SessionOptions,
};

const NOW: Instant = Instant::from_millis(1_800_000_000_000);

/// A session whose connection has just been opened.
fn opened(protocol: &str, content_type: &str) -> (Session, ConnectionId) {
    let protocol = Protocol::named(protocol).unwrap();
    let options = SessionOptions::of(&protocol);
    let mut session = Session::new(protocol, (), options);
    session.handle(NOW, Input::Start);
    let connection = open(&mut session, content_type);
    (session, connection)
}

fn open(session: &mut Session, content_type: &str) -> ConnectionId {
    let connection = loop {
        if let Effect::Connect(request) = session.poll().unwrap() {
            break request.connection;
        }
    };
    let content_type = Some(content_type);
    session.handle(NOW, Input::Opened { connection, status: 200, content_type, retry_after: None });
    connection
}

/// What is left to say of a session after the moment that it joined at.
type Heard = Vec<(Action, String, String)>;

fn hear(session: &Session, heard: &mut Heard) {
    heard.extend(session.materializer().changes().iter().map(|Change { action, slot, .. }| {
        let (kind, key) = session.state().name(*slot).unwrap();
        (*action, kind.to_owned(), key.to_owned())
    }));
}

fn items(session: &Session) -> Vec<(String, String, i64, Vec<u8>)> {
    let mut items: Vec<_> = session
        .state()
        .iter()
        .map(|(_, item)| (item.kind.into(), item.key.into(), item.version, item.value.into()))
        .collect();
    items.sort();
    items
}

/// Reads the stream byte by byte. Wherever that is possible another session joins, once without and
/// once with a state of its own, and reads the rest: each hears what the first one does, and no more.
fn check(protocol: &str, content_type: &str, stream: &[u8], least: usize) {
    let mut joins = 0;
    let (mut first, connection) = opened(protocol, content_type);
    for at in 0..stream.len() {
        first.handle(NOW, Input::Bytes { connection, bytes: &stream[at..=at] });
        assert!(first.status().error.is_none(), "{:?}", first.status().error);
        let Some(standing) = first.standing() else { continue };
        joins += 1;
        let rest = &stream[at + 1..];
        let checkpoint = first.materializer().checkpoint();
        let (mut second, id) = opened(protocol, content_type);
        second.join(NOW, id, standing, &checkpoint);
        assert_eq!(items(&second), items(&first), "at {at}");
        assert_eq!(second.status().cursor, first.status().cursor, "at {at}");
        assert_eq!(second.status().phase.as_str(), "live");
        assert_eq!(second.standing(), Some(standing));

        // One with the same state needs none, and is told of nothing.
        second.handle(NOW, Input::Reconnect);
        let again = open(&mut second, content_type);
        second.join(NOW, again, standing, b"");
        assert!(second.materializer().commits().is_empty());
        let mut told = Vec::new();
        second.handle(NOW, Input::Bytes { connection: again, bytes: rest });
        hear(&second, &mut told);

        // The first one, from here on.
        let (mut same, id) = opened(protocol, content_type);
        same.handle(NOW, Input::Bytes { connection: id, bytes: &stream[..=at] });
        let mut expected = Vec::new();
        same.handle(NOW, Input::Bytes { connection: id, bytes: rest });
        hear(&same, &mut expected);
        assert_eq!(told, expected, "at {at}");
        assert_eq!(items(&second), items(&same), "at {at}");
        assert_eq!(second.status().cursor, same.status().cursor, "at {at}");
        assert_eq!(second.status().phase, same.status().phase, "at {at}");
    }
    assert!(joins >= least, "{joins} moments to join at");
}

#[test]
fn fdv2_with_promises() {
    check("fdv2", "text/event-stream", OURS, 4);
}

#[test]
fn fdv2_without() {
    let text = core::str::from_utf8(OURS).unwrap();
    let text = text.replace(r#","highwater":{"version":1,"resumed":false,"heartbeat":15000}"#, "");
    check("fdv2", "text/event-stream", text.as_bytes(), 4);
}

#[test]
fn relay() {
    let stream = b"event: put\ndata: {\"path\":\"/\",\"data\":{\"flags\":{\"a\":{\"version\":1},\"b\":{\"version\":1}}}}\n\n\
        : a comment\n\n\
        event: patch\ndata: {\"path\":\"/flags/a\",\"data\":{\"version\":3}}\n\n\
        event: patch\ndata: {\"path\":\"/flags/a\",\"data\":{\"version\":2}}\n\n\
        event: delete\ndata: {\"path\":\"/flags/b\",\"version\":2}\n\n\
        event: patch\ndata: {\"path\":\"/flags/b\",\"data\":{\"version\":1}}\n\n";
    check("relay", "text/event-stream", stream, 6);
}

#[test]
fn consul() {
    let stream = b"{\"Index\":5,\"ServiceHealth\":{\"Op\":0,\"CheckServiceNode\":{\"Node\":{\"Node\":\"n\"},\"Service\":{\"ID\":\"a\"}}}}\n\
        {\"Index\":5,\"EndOfSnapshot\":true}\n\
        {\"Index\":6,\"ServiceHealth\":{\"Op\":0,\"CheckServiceNode\":{\"Node\":{\"Node\":\"n\"},\"Service\":{\"ID\":\"b\"}}}}\n\
        {\"Index\":7,\"ServiceHealth\":{\"Op\":1,\"CheckServiceNode\":{\"Node\":{\"Node\":\"n\"},\"Service\":{\"ID\":\"a\"}}}}\n";
    check("consul", "application/x-ndjson", stream, 3);
}

#[test]
fn nobody_joins_what_is_under_way() {
    let (mut session, connection) = opened("fdv2", "text/event-stream");
    assert_eq!(session.standing(), None, "before the first state");
    let whole = OURS.windows(2).position(|two| two == b"\n\n").unwrap();
    session.handle(NOW, Input::Bytes { connection, bytes: &OURS[..whole] });
    assert_eq!(session.standing(), None, "in the snapshot");
    session.handle(NOW, Input::Bytes { connection, bytes: &OURS[whole..] });
    assert!(session.standing().is_some());
    session.handle(NOW, Input::Bytes { connection, bytes: b": x" });
    assert_eq!(session.standing(), None, "in an event");
    session.handle(NOW, Input::Ended { connection });
    assert_eq!(session.standing(), None, "after the end");
}

#[test]
fn a_bad_checkpoint_is_a_fault_and_changes_nothing() {
    let (mut session, connection) = opened("fdv2", "text/event-stream");
    session.handle(NOW, Input::Bytes { connection, bytes: OURS });
    let standing = session.standing().unwrap();
    let before = items(&session);
    session.handle(NOW, Input::Reconnect);
    let again = open(&mut session, "text/event-stream");
    session.join(NOW, again, standing, b"no checkpoint");
    assert_eq!(items(&session), before);
    assert!(session.status().error.is_some());
    assert_eq!(session.status().phase.as_str(), "stale");
}

#[test]
fn an_older_checkpoint_takes_nothing_back() {
    let (mut ahead, connection) = opened("fdv2", "text/event-stream");
    let end = OURS.windows(9).rposition(|nine| nine == b"event: pu").unwrap();
    let (mut behind, id) = opened("fdv2", "text/event-stream");
    behind.handle(NOW, Input::Bytes { connection: id, bytes: &OURS[..end] });
    ahead.handle(NOW, Input::Bytes { connection, bytes: OURS });
    let (state, revision) = (items(&ahead), ahead.status().version);
    let standing = behind.standing().unwrap();
    ahead.handle(NOW, Input::Reconnect);
    let again = open(&mut ahead, "text/event-stream");
    ahead.join(NOW, again, standing, &behind.materializer().checkpoint());
    ahead.handle(NOW, Input::Bytes { connection: again, bytes: &OURS[end..] });
    assert_eq!((items(&ahead), ahead.status().version), (state, revision));
    assert_eq!(ahead.status().phase.as_str(), "live");
}

const OURS: &[u8] = b"event: server-intent\n\
data: {\"payloads\":[{\"id\":\"t\",\"target\":2,\"intentCode\":\"xfer-full\"}],\"highwater\":{\"version\":1,\"resumed\":false,\"heartbeat\":15000}}\n\n\
event: put-object\ndata: {\"kind\":\"k\",\"key\":\"a\",\"version\":1,\"object\":{\"x\":1}}\n\n\
event: put-object\ndata: {\"kind\":\"k\",\"key\":\"b\",\"version\":2,\"object\":{\"x\":2}}\n\n\
event: payload-transferred\nid: e.2\ndata: {\"state\":\"e.2\",\"version\":2}\n\n\
event: heart-beat\ndata: {}\n\n\
event: put-object\ndata: {\"kind\":\"k\",\"key\":\"a\",\"version\":3,\"object\":{\"x\":3}}\n\n\
event: delete-object\ndata: {\"kind\":\"k\",\"key\":\"b\",\"version\":4}\n\n\
event: payload-transferred\nid: e.3\ndata: {\"state\":\"e.3\",\"version\":3,\"basis\":\"e.2\"}\n\n\
event: put-object\ndata: {\"kind\":\"k\",\"key\":\"c\",\"version\":5,\"object\":{\"x\":5}}\n\n\
event: payload-transferred\nid: e.4\ndata: {\"state\":\"e.4\",\"version\":4,\"basis\":\"e.3\"}\n\n";
