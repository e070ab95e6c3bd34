//! Good input of other sorts, and bad input.

use crate::common::{replay, replay_of, streams};
use core::fmt::Write as _;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn what_cannot_be_read_is_said_before_anything_else() {
    let good = streams().join("ac-01-initial-put.conn1.txt");
    let good = good.to_str().unwrap();
    let missing = replay(&[good, "no-such-file"]);
    assert_eq!((missing.code, &*missing.out), (Some(1), ""));
    assert!(missing.err.starts_with("highwater: cannot read no-such-file: "), "{}", missing.err);
    let folder = replay(&[env!("CARGO_MANIFEST_DIR")]);
    assert_eq!(folder.code, Some(1));
    assert!(folder.err.contains("directory"), "{}", folder.err);
    assert_eq!(replay(&[]).code, Some(2));
}

#[test]
fn wrong_words_on_the_command_line_are_refused() {
    let soap = replay(&["--protocol", "soap", "-"]);
    assert_eq!(soap.code, Some(2));
    assert!(soap.err.contains("'soap'") && soap.err.contains("autoconfig"), "{}", soap.err);
    let spec = replay(&["--protocol", "json", "--spec", "{\"keys\":1}", "-"]);
    assert_eq!(spec.code, Some(2));
    assert!(spec.err.contains("keys"), "{}", spec.err);
    let lonely = replay(&["--spec", "{}", "-"]);
    assert_eq!(lonely.code, Some(2));
    assert!(lonely.err.contains("--protocol json"), "{}", lonely.err);
}

#[test]
fn a_fault_that_nothing_heals_is_the_result() {
    let stream = "event: put\ndata: {\"data\":{\"flags\":{\"a\":{\"version\":1}}}}\n\n\
                  event: patch\ndata: {\"path\":\"/flags/a\",\"data\":[}\n\n\
                  event: put\ndata: {\"data\":{}}\n\n";
    let ran = replay_of(stream, &["--protocol", "relay", "--json", "-"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("the data of event 'patch'"), "{}", ran.err);
    let told = document(&ran.out);
    assert_eq!(told["final"]["flags"], json!({ "a": { "deleted": false, "version": 1 } }));
    assert_eq!(told["items"]["flags"]["a"], json!({ "version": 1, "value": { "version": 1 } }));
    assert_eq!(told["status"]["fault"]["code"], "bad-data");
    let events = told["events"].as_array().unwrap();
    let fault = &events[2]["actions"][0];
    assert_eq!((&fault["action"], fault["at"].is_u64()), (&json!("fault"), true), "{fault}");
    // The client lets go; the put behind the fault is not read.
    assert_eq!(events[3]["end"], "client");
    assert_eq!(events.len(), 4);
}

#[test]
fn what_is_no_stream_is_not_taken_for_an_empty_one() {
    let ran = replay_of("<html>\n<body>no events here</body>", &["-"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("- holds no event"), "{}", ran.err);
    let empty = replay_of("", &["-"]);
    assert_eq!((empty.code, &*empty.err), (Some(0), ""));
    let other = replay_of("event: put\ndata: {}\n\n", &["--protocol", "ping", "-"]);
    assert_eq!(other.code, Some(0));
    let wrong = replay_of("event: patch\ndata: {}\n\n", &["--protocol", "fdv2", "-"]);
    assert!(wrong.err.contains("none of 1 events is known to protocol fdv2"), "{}", wrong.err);
}

#[test]
fn the_native_protocol_is_told_event_by_event() {
    let stream = "event: server-intent\ndata: {\"payloads\":[{\"id\":\"t\",\"target\":1,\"intentCode\":\"xfer-full\",\"reason\":\"payload-missing\"}]}\n\n\
                  event: put-object\ndata: {\"kind\":\"a\",\"key\":\"\\u001b[2J\",\"version\":9007199254740993,\"object\":{\"x\":1.50}}\n\n\
                  event: payload-transferred\nid: e.1\ndata: {\"state\":\"e.1\",\"version\":1}\n\n\
                  event: put-object\ndata: {\"kind\":\"a";
    let ran = replay_of(stream, &["--json", "-"]);
    let told = document(&ran.out);
    assert_eq!(told["events"][2]["actions"][0]["action"], "stage");
    assert_eq!(
        told["events"][3]["actions"][1],
        json!({ "action": "commit", "snapshot": true, "cursor": "e.1" })
    );
    assert!(told["events"][4]["unfinished"].as_u64().unwrap() > 0);
    assert_eq!(told["status"]["cursor"], "e.1");
    let items = &told["final"]["items"]["a"];
    assert_eq!(items["\u{1b}[2J"]["version"], 9_007_199_254_740_993_i64);
    assert!(ran.out.contains("{\"x\":1.50}"), "values stay as they were written");
    // For a terminal nothing is left that steers it.
    let text = replay_of(stream, &["-"]).out;
    assert!(!text.contains('\u{1b}') && text.contains("\u{fffd}[2J"), "{text}");
}

#[test]
fn any_json_stream_and_lines_of_json_are_read() {
    let spec = r#"{"key":"/id","version":"/v","deleted":"/gone"}"#;
    let lines =
        "{\"id\":1,\"v\":2}\n\n{\"id\":1,\"v\":1}\r\n{\"id\":2,\"v\":1,\"gone\":true}\n{\"id\":";
    let ran = replay_of(lines, &["--protocol", "json", "--spec", spec, "--ndjson", "--json", "-"]);
    let told = document(&ran.out);
    let item = &told["final"]["items"]["item"];
    assert_eq!(item["1"]["version"], 2);
    assert_eq!(item["2"], json!({ "version": 1, "deleted": true }));
    assert_eq!(told["events"][2]["actions"][1]["reason"], "stale");
    assert_eq!(told["events"][4]["unfinished"], 6);
}

#[test]
fn an_event_of_many_items_is_told_in_full() {
    let mut stream = "event: put\ndata: {\"data\":{\"flags\":{".to_owned();
    for key in 0..1000 {
        let comma = if key == 0 { "" } else { "," };
        write!(stream, "{comma}\"k{key}\":{{\"version\":1}}").unwrap();
    }
    stream += "}}}\n\n";
    let told = document(&replay_of(&stream, &["--protocol", "relay", "--json", "-"]).out);
    let actions = told["events"][1]["actions"].as_array().unwrap();
    assert_eq!(actions.iter().filter(|action| action["action"] == "insert").count(), 1000);
    assert_eq!(actions.last().unwrap()["action"], "commit");
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_recording_is_not_kept_in_memory() {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_highwater"))
        .args(["replay", "--protocol", "relay", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let reader = BufReader::new(child.stdout.take().unwrap());
    let read = std::thread::spawn(move || reader.lines().count());
    let salt = "s".repeat(1 << 20);
    for version in 1..=100 {
        let path = "{\"path\":\"/flags/a\",\"data\"";
        let put = format!(
            "event: patch\ndata: {path}:{{\"version\":{version},\"salt\":\"{salt}\"}}}}\n\n"
        );
        stdin.write_all(put.as_bytes()).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert!(read.join().unwrap() >= 400);
    assert!(kib < 64 << 10, "{kib} KiB for a recording of 100 MiB");
}

#[cfg(unix)]
#[test]
fn whoever_reads_only_the_beginning_breaks_nothing() {
    let stream =
        "event: put\ndata: {\"data\":{\"flags\":{\"a\":{\"version\":1}}}}\n\n".repeat(20_000);
    let file = std::env::temp_dir().join(format!("highwater-replay-{}.txt", std::process::id()));
    std::fs::write(&file, stream).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_highwater"))
        .args(["replay", "--protocol", "relay"])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
