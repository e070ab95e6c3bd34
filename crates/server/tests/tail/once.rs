//! `--once`.

use crate::common::{Answer, Script, Server, put, recorded, snapshot, tail};
use serde_json::{Value, json};

fn line(text: &str) -> Value {
    let line = text.strip_suffix('\n').unwrap();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_whole_state_is_one_line() {
    let server = Server::start(&["serve"]);
    server.put("/v1/topics/t/flag/dark", r#"{"on":true}"#);
    server.put("/v1/topics/t/user/1", r#"{"n":7}"#);
    let ran = tail(&["--once", &server.url("/v1/topics/t/stream")]);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    let told = line(&ran.out);
    let topic = server.send("GET", "/v1/topics/t", "");
    assert_eq!(told["cursor"], topic["cursor"]);
    assert_eq!(
        told["changes"],
        json!([
            { "action": "insert", "kind": "flag", "key": "dark", "version": 1, "value": { "on": true } },
            { "action": "insert", "kind": "user", "key": "1", "version": 2, "value": { "n": 7 } },
        ])
    );
    assert_eq!((&told["snapshot"], &told["version"]), (&json!(true), &json!(1)));
    let ran = tail(&["--once", "--kind", "user", &server.url("/v1/topics/t/stream")]);
    assert_eq!(line(&ran.out)["changes"].as_array().unwrap().len(), 1);
}

#[test]
fn another_protocol_and_the_headers_that_it_wants() {
    let body = recorded("all-08-segments.conn1.txt");
    let server = Script::start(vec![Answer::Hold(body)]);
    let ran = tail(&[
        "--once",
        "--protocol",
        "relay",
        "--header",
        "Authorization: sdk-key: 1",
        "--header",
        "x-two:2",
        &server.url,
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(line(&ran.out)["changes"][0]["key"], "x");
    let head = server.head();
    assert!(head.contains("authorization: sdk-key: 1\r\nx-two: 2\r\n"), "{head}");
}

#[test]
fn a_ping_is_followed_by_a_fetch() {
    let flags = Script::start(vec![Answer::Json(r#"{"dark":{"version":3,"value":true}}"#.into())]);
    let server = Script::start(vec![Answer::Hold("event: ping\ndata:\n\n".into())]);
    let ran = tail(&["--once", "--protocol", "ping", "--poll", &flags.url, &server.url]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let changes = &line(&ran.out)["changes"];
    assert_eq!((&changes[0]["key"], &changes[0]["version"]), (&json!("dark"), &json!(3)));
}

#[test]
fn a_refusal_is_the_end() {
    let server = Script::start(vec![Answer::Status("401 Unauthorized")]);
    for mode in [&["--once"][..], &[]] {
        let ran = tail(&[mode, &[&server.url]].concat());
        assert_eq!((ran.code, &*ran.out), (Some(1), ""));
        let last = ran.err.lines().last().unwrap();
        assert!(last.starts_with("highwater: the stream is over for good: "), "{last}");
        assert!(last.contains("401"), "{last}");
    }
}

#[test]
fn what_does_not_come_in_time_is_given_up() {
    let whole = snapshot(&put("x", 1, "1"), "e.1");
    let half = &whole[..whole.find("event: payload").unwrap()];
    let server = Script::start(vec![Answer::Hold(half.into())]);
    for mode in [&["--once"][..], &[]] {
        let ran = tail(&[mode, &["--timeout", "300ms", &server.url]].concat());
        assert_eq!((ran.code, &*ran.out), (Some(1), ""));
        let last = ran.err.lines().last().unwrap();
        assert!(last.starts_with("highwater: no whole state within 300ms: "), "{last}");
    }
}
