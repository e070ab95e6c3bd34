//! Sessions that the devtools recorded: several connections in one file, the state that one begins with,
//! and the protocol that it says. `tests/node/devtools.test.mjs` replays what they really write.

use crate::common::replay_of;
use serde_json::{Value, json};

fn told(stream: &str, arguments: &[&str]) -> (Value, Option<i32>, String) {
    let mut all = vec!["--json"];
    all.extend(arguments);
    all.push("-");
    let ran = replay_of(stream, &all);
    (serde_json::from_str(&ran.out).unwrap_or_default(), ran.code, ran.err)
}

const HEAD: &str =
    "event: highwater-session\ndata: {\"version\":1,\"protocol\":\"relay\",\"url\":\"x\"}\n\n";
const CONNECTION: &str = "event: highwater-connection\ndata: {\"at\":1}\n\n";
const PUT: &str = "event: put\ndata: {\"data\":{\"flags\":{\"a\":{\"version\":5}}}}\n\n";

#[test]
fn connections_in_one_file_are_one_after_the_other() {
    let broken = "event: patch\ndata: {\"path\":\"/flags/a\",\"data\":[}\n\n";
    let status = "event: highwater-status\ndata: {\"at\":1,\"phase\":\"stale\"}\n\n";
    let patch = ": at 7\nevent: patch\ndata: {\"path\":\"/flags/b\",\"data\":{\"version\":1}}\n\n";
    let stream = [HEAD, CONNECTION, PUT, broken, patch, status, CONNECTION, PUT, patch].concat();
    let (document, code, err) = told(&stream, &[]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(document["protocol"], "relay");
    let events = document["events"].as_array().unwrap();
    assert_eq!(events.iter().filter(|event| event["connection"].is_u64()).count(), 2);
    // What came behind the fault was not for the session any more.
    assert_eq!(document["items"]["flags"]["b"], json!({ "version": 1, "value": { "version": 1 } }));
    assert_eq!(document["status"]["items"], 2);
}

#[test]
fn a_protocol_on_the_command_line_goes_before() {
    let stream = [HEAD, CONNECTION, PUT].concat();
    assert_eq!(told(&stream, &["--protocol", "flags"]).0["protocol"], "flags");
}

#[test]
fn what_cannot_be_read_of_a_session_is_said() {
    let head = |data: &str| format!("event: highwater-session\ndata: {data}\n\n");
    let connection = |data: &str| format!("{HEAD}event: highwater-connection\ndata: {data}\n\n");
    for (stream, words) in [
        (head("{\"version\":2,\"protocol\":\"fdv2\"}"), "version 2"),
        (head("soap"), "says nothing"),
        (head("{\"version\":1,\"protocol\":\"soap\"}"), "the session's protocol: known are: fdv2"),
        (
            head("{\"version\":1,\"protocol\":{\"name\":\"json\",\"keys\":1}}"),
            "unknown field `keys`",
        ),
        (connection("{"), "the data of 'highwater-connection' cannot be read"),
        (connection("{\"at\":1,\"state\":\"%\"}"), "not base64"),
        (connection("{\"at\":1,\"state\":\"aGk=\"}"), "checkpoint"),
        (connection("{\"at\":1,\"state\":\"aGk=\",\"standing\":1}"), "checkpoint"),
    ] {
        let (_, code, err) = told(&stream, &[]);
        assert_eq!(code, Some(1), "{stream}");
        assert!(err.contains(words), "{stream}: {err}");
    }
}
