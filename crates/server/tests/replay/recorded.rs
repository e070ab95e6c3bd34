//! The recorded streams end in the recorded states.

use crate::common::{replay, streams};
use serde_json::Value;
use std::fs;

/// Recorded with what we depart from (`tests/vectors/DEPARTURES.md`), or with a state that the
/// bodies alone do not tell.
const EXCEPT: [(&str, &str); 5] = [
    ("ac-61-event-without-data", "departed from: ours does not drop the connection"),
    ("ac-62-case-insensitive-keys", "departed from: member names are exact"),
    ("ac-43-late-filter-uses-first-params", "the router's quirk: a filtered variant of old keys"),
    ("ac-44-env-moves-project", "the router's quirk: an environment that moves is not updated"),
    (
        "ac-45-filter-ids-are-opaque",
        "the router's quirk: one filter's end removes another's variant",
    ),
];

#[test]
fn every_transcript_ends_in_its_recorded_state() {
    let mut compared = 0;
    let mut paths: Vec<_> = fs::read_dir(streams()).unwrap().map(|f| f.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.to_string_lossy().ends_with(".expected.json")) {
        let recorded: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let name = recorded["name"].as_str().unwrap();
        let protocol = match recorded["kind"].as_str().unwrap() {
            "autoconfig" => "autoconfig",
            "all" => "relay",
            _ => continue,
        };
        let connections = recorded["connections"].as_array().unwrap();
        let files = connections.iter().filter_map(|connection| connection["file"].as_str());
        let files: Vec<_> = files.map(|file| path.with_file_name(file)).collect();
        // By number too: the names of those that are not here are not known here.
        let except =
            EXCEPT.iter().any(|(known, _)| known[..5] == name[..5] && name.starts_with("ac-"));
        if files.is_empty() || except {
            continue;
        }
        let mut arguments = vec!["--protocol", protocol, "--json"];
        arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
        let ran = replay(&arguments);
        let document: Value = serde_json::from_str(&ran.out).expect(name);
        let (mut wanted, mut found) = (recorded["final"].clone(), document["final"].clone());
        if connections.last().is_some_and(|last| last["status"] != 200) {
            // How the stream ended is in an answer without a body.
            wanted["data_source_state"] = Value::Null;
            found["data_source_state"] = Value::Null;
        }
        assert_eq!(found, wanted, "{name}\n{}", ran.err);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
        compared += 1;
    }
    assert!(compared >= 40, "only {compared}");
}

#[test]
fn each_event_is_told_with_what_it_did() {
    let file = |name: &str| streams().join(name).to_str().unwrap().to_owned();
    let first = file("ac-12-reconnect-stale-put.conn1.txt");
    let second = file("ac-12-reconnect-stale-put.conn2.txt");
    let ran = replay(&["--protocol", "autoconfig", &first, &second]);
    for line in [
        "  @0 put, 496 bytes",
        "      insert environments/env2 at 20",
        "  @515 patch, 259 bytes",
        "      updated environments/env1 at 15",
        "      noop environments/env1 at 10: stale, 15 is known",
        "      noop environments/env2 at 20: duplicate",
        "final state: live, 2 items",
    ] {
        assert!(ran.out.lines().any(|found| found == line), "{line}\n{}", ran.out);
    }
}
