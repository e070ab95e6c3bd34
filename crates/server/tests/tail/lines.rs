//! A line for each transaction.

use crate::common::{
    Answer, Folded, Script, Server, Tail, change, fold, put, recorded, resumed, snapshot,
};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};

#[test]
fn changes_are_told_as_they_are_made() {
    let server = Server::start(&["serve"]);
    server.put("/v1/topics/t/a/x", "{}");
    let tail = Tail::start(&["--json", &server.url("/v1/topics/t/stream")]);
    let first = tail.line();
    assert_eq!(first["snapshot"], true);
    server.put("/v1/topics/t/a/x", r#"{"n":2}"#);
    let second = tail.line();
    assert_eq!(
        second["changes"],
        json!([{ "action": "updated", "kind": "a", "key": "x", "version": 2, "value": { "n": 2 } }])
    );
    assert_eq!((&second["snapshot"], &second["version"]), (&json!(false), &json!(2)));
    assert_ne!(first["cursor"], second["cursor"]);
    server.send("DELETE", "/v1/topics/t/a/x", "");
    let third = tail.line();
    assert_eq!(
        third["changes"],
        json!([{ "action": "delete", "kind": "a", "key": "x", "version": 3 }])
    );
    assert_eq!(third["cursor"], server.send("GET", "/v1/topics/t", "")["cursor"]);
    tail.status("live");
}

#[test]
fn a_cut_is_resumed_and_a_restart_told_as_what_differs() {
    let both = put("x", 1, "1") + &put("y", 1, "1");
    let server = Script::start(vec![
        Answer::Cut(snapshot(&both, "e.1") + &change(&put("x", 2, "2"), "e.2")),
        Answer::Cut(resumed().to_owned() + &change(&put("x", 3, "3"), "e.3")),
        Answer::Hold(snapshot(&(put("x", 3, "3") + &put("z", 1, "1")), "f.1")),
    ]);
    let tail = Tail::start(&[&server.url]);
    let told: Vec<Value> = (0..4).map(|_| tail.line()).collect();
    let cursors: Vec<&Value> = told.iter().map(|line| &line["cursor"]).collect();
    assert_eq!(cursors, ["e.1", "e.2", "e.3", "f.1"]);
    let snapshots: Vec<&Value> = told.iter().map(|line| &line["snapshot"]).collect();
    assert_eq!(snapshots, [true, false, false, true]);
    assert_eq!(
        told[3]["changes"],
        json!([
            { "action": "delete", "kind": "a", "key": "y", "version": 1 },
            { "action": "insert", "kind": "a", "key": "z", "version": 1, "value": 1 },
        ])
    );
    tail.status("live, at f.1, not resumed");
    server.head();
    assert!(server.head().contains("last-event-id: e.2"));
}

#[test]
fn through_every_fault_of_the_demo_the_lines_come_to_the_servers_state() {
    let server = Server::start(&["demo", "--interval-ms", "200", "--heartbeat-ms", "200"]);
    let url = server.url("/v1/topics/machine/stream");
    let tail = Tail::start(&["--json", &url]);
    let mut state = Folded::new();
    let next = |state: &mut Folded| {
        let line = tail.line();
        fold(state, &line);
        place(&line)
    };
    let mut at = next(&mut state);
    let mut epochs = vec![at.0.clone()];
    for fault in ["cut", "replay", "reorder", "duplicate", "restart"] {
        server.send("POST", &format!("/demo/faults/{fault}"), "");
        // Read on to a place at which the server's state is known.
        let topic = loop {
            let topic = server.send("GET", "/v1/topics/machine", "");
            let wanted = place(&topic);
            while at.0 != wanted.0 || at.1 < wanted.1 {
                at = next(&mut state);
            }
            if at == wanted {
                break topic;
            }
        };
        let items = topic["items"].as_array().unwrap().iter().map(|item| {
            let text = |name| item[name].as_str().unwrap().to_owned();
            let version = item["version"].as_i64().unwrap();
            ((text("kind"), text("key")), (version, item["object"].clone()))
        });
        assert_eq!(state, items.collect::<Folded>(), "at {at:?} after {fault}");
        epochs.push(at.0.clone());
    }
    epochs.dedup();
    assert_eq!(epochs.len(), 2, "the restart began another life: {epochs:?}");
}

/// Epoch and index of a cursor.
fn place(document: &Value) -> (String, u64) {
    let (epoch, index) = document["cursor"].as_str().unwrap().split_once('.').unwrap();
    (epoch.to_owned(), index.parse().unwrap())
}

#[test]
fn a_recorded_stream_of_another_protocol_is_told_too() {
    let name = "all-07-reconnect-older-put";
    let server = Script::start(vec![
        Answer::Cut(recorded(&format!("{name}.conn1.txt"))),
        Answer::Hold(recorded(&format!("{name}.conn2.txt"))),
    ]);
    let tail = Tail::start(&["--protocol", "relay", &server.url]);
    let versions = (0..3).map(|_| {
        let line = tail.line();
        assert_eq!(line["cursor"], Value::Null);
        (line["snapshot"].as_bool().unwrap(), line["changes"][0]["version"].as_i64().unwrap())
    });
    assert_eq!(versions.collect::<Vec<_>>(), [(true, 5), (false, 9), (true, 5)]);
}

#[test]
fn a_fault_is_said_as_long_as_nothing_heals_it() {
    let bad = "event: put-object\ndata: {\"kind\":\u{1b}[2J\n\n";
    let server = Script::start(vec![
        Answer::Cut(snapshot(&put("x", 1, "1"), "e.1") + bad),
        Answer::Hold(resumed().to_owned()),
    ]);
    let tail = Tail::start(&[&server.url]);
    assert_eq!(tail.line()["cursor"], "e.1");
    let said = tail.status("stale, at e.1, resumed");
    assert!(said.contains("put-object") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_refusal_that_is_not_for_good_is_waited_for() {
    let server = Script::start(vec![
        Answer::Cut(snapshot(&put("x", 1, "1"), "e.1")),
        Answer::Status("503 Service Unavailable\r\nretry-after: 2"),
        Answer::Hold(resumed().to_owned() + &change(&put("x", 2, "2"), "e.2")),
    ]);
    let tail = Tail::start(&[&server.url]);
    assert_eq!(tail.line()["cursor"], "e.1");
    tail.status("503");
    assert_eq!(tail.line()["cursor"], "e.2");
    let said = tail.status("live, at e.2, resumed");
    assert!(!said.contains("503"), "{said}");
}

#[test]
fn whoever_reads_only_the_beginning_breaks_nothing() {
    let server = Server::start(&["serve"]);
    server.put("/v1/topics/t/a/x", "{}");
    let (mut tail, out) = Tail::start_unread(&[&server.url("/v1/topics/t/stream")]);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).unwrap();
    server.put("/v1/topics/t/a/x", r#"{"n":2}"#);
    assert_eq!(tail.process.ended(), Some(0));
    tail.status("live");
}
