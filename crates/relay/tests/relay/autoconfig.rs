//! The stream of auto-config, event by event.

use highwater_core::Instant;
use highwater_relay::{
    Message, Retry, StreamFault, StreamInput, StreamManager, StreamOptions, StreamOutput,
    StreamPhase, Strictness, Weight, WhenRefused,
};
use serde_json::{Value, json};

/// A manager, a clock, and what was heard.
struct World {
    manager: StreamManager,
    now: u64,
    wake: Option<u64>,
    connections: usize,
    connected: bool,
    last_event_id: Option<String>,
    notes: Vec<(Weight, String)>,
    faults: Vec<StreamFault>,
}

impl World {
    fn new(options: StreamOptions) -> Self {
        let mut world = Self {
            manager: StreamManager::new(options),
            now: 1000,
            wake: None,
            connections: 0,
            connected: false,
            last_event_id: None,
            notes: Vec::new(),
            faults: Vec::new(),
        };
        world.input(StreamInput::Start);
        world
    }

    /// A stream that is open.
    fn open() -> Self {
        let mut world = Self::new(StreamOptions::default());
        world.answer(200);
        world
    }

    fn answer(&mut self, status: u16) -> Vec<String> {
        self.input(StreamInput::Opened { status, retry_after: None })
    }

    fn event(&mut self, kind: &str, data: &Value) -> Vec<String> {
        self.input(StreamInput::Bytes(format!("event: {kind}\ndata: {data}\n\n").as_bytes()))
    }

    fn put(&mut self, environments: &[Value], filters: &[(&str, Value)]) -> Vec<String> {
        let id = |env: &Value| env["envID"].as_str().unwrap().to_owned();
        let environments: serde_json::Map<_, _> =
            environments.iter().map(|env| (id(env), env.clone())).collect();
        let filters: serde_json::Map<_, _> =
            filters.iter().map(|(id, filter)| ((*id).to_owned(), filter.clone())).collect();
        let data = json!({ "environments": environments, "filters": filters });
        self.event("put", &json!({ "path": "/", "data": data }))
    }

    fn patch(&mut self, path: &str, data: &Value) -> Vec<String> {
        self.event("patch", &json!({ "path": path, "data": data }))
    }

    fn delete(&mut self, path: &str, version: i64) -> Vec<String> {
        self.event("delete", &json!({ "path": path, "version": version }))
    }

    /// Lets the time pass until the manager wants something.
    fn pass(&mut self) {
        self.now = self.wake.take().expect("it waits for something").max(self.now);
        self.input(StreamInput::Wake);
    }

    fn input(&mut self, input: StreamInput<'_>) -> Vec<String> {
        let mut told = Vec::new();
        self.manager.handle(Instant::from_millis(self.now), input);
        while let Some(output) = self.manager.poll() {
            match output {
                StreamOutput::Connect { last_event_id } => {
                    assert!(!self.connected, "one connection at a time");
                    self.connections += 1;
                    self.connected = true;
                    self.last_event_id = last_event_id;
                }
                StreamOutput::Disconnect => self.connected = false,
                StreamOutput::WakeAt(at) => self.wake = Some(at.as_millis()),
                StreamOutput::Heard(heard) => {
                    told.extend(heard.messages.iter().map(shown));
                    let notes = heard.notes.iter().map(|note| (note.weight(), note.to_string()));
                    self.notes.extend(notes);
                }
                StreamOutput::Fault { fault, .. } => self.faults.push(fault),
                _ => {}
            }
        }
        told
    }

    /// The one note since the last time.
    fn note(&mut self) -> (Weight, String) {
        let note = self.notes.pop().expect("a note");
        assert_eq!(self.notes, []);
        note
    }
}

fn shown(message: &Message) -> String {
    match message {
        Message::AddEnvironment(rep) => format!("add {}@{}", rep.params.id, rep.version),
        Message::UpdateEnvironment(rep) => format!("update {}@{}", rep.params.id, rep.version),
        Message::DeleteEnvironment(id, _) => format!("delete {id}"),
        Message::AddFilter(id, rep) => format!("add filter {id}={}", rep.params.key),
        Message::DeleteFilter(id, _) => format!("delete filter {id}"),
        _ => "all".into(),
    }
}

fn env(id: &str, version: i64) -> Value {
    let sdk = json!({ "value": format!("sdk-{id}-{version}") });
    json!({ "envID": id, "projKey": "p", "sdkKey": sdk, "version": version })
}

fn filter(key: &str, version: i64) -> Value {
    json!({ "projKey": "p", "key": key, "version": version })
}

#[test]
fn puts_add_update_and_delete() {
    let mut world = World::open();
    assert_eq!(world.put(&[env("a", 1), env("b", 1)], &[]), ["add a@1", "add b@1", "all"]);
    let three = [env("a", 1), env("b", 2), env("c", 1)];
    assert_eq!(world.put(&three, &[]), ["update b@2", "add c@1", "all"]);
    world.notes.clear();
    assert_eq!(world.put(&[env("a", 0), env("b", 2)], &[]), ["delete c", "all"]);
    assert_eq!(world.notes[0].0, Weight::Detail);
    assert_eq!(world.notes[0].1, "out-of-order update: environments/a at version 0");
    assert_eq!(world.notes.len(), 2);
}

#[test]
fn filters_follow_environments() {
    let mut world = World::open();
    let filters = [("p.f", filter("f", 1)), ("p.g", filter("g", 1))];
    let told = ["add a@1", "add b@1", "add filter p.f=f", "add filter p.g=g", "all"];
    assert_eq!(world.put(&[env("a", 1), env("b", 1)], &filters), told);
    let filters = [("p.f", filter("f", 2)), ("p.h", filter("h", 1))];
    assert_eq!(
        world.put(&[env("a", 1), env("c", 1)], &filters),
        ["add c@1", "delete b", "add filter p.h=h", "delete filter p.g", "all"]
    );
}

#[test]
fn patches_and_deletions_go_by_version() {
    let mut world = World::open();
    assert_eq!(world.patch("/environments/a", &env("a", 10)), ["add a@10"]);
    assert_eq!(world.patch("/environments/a", &env("a", 11)), ["update a@11"]);
    assert_eq!(world.patch("/environments/a", &env("a", 11)), [""; 0]);
    assert_eq!(world.note().0, Weight::Detail);
    assert_eq!(world.delete("/environments/a", 11), [""; 0]);
    assert_eq!(world.note().0, Weight::Detail);
    assert_eq!(world.delete("/environments/a", 12), ["delete a"]);
    assert_eq!(world.delete("/environments/a", 12), [""; 0]);
    world.notes.clear();
    assert_eq!(world.patch("/environments/a", &env("a", 12)), [""; 0]);
    assert_eq!(world.patch("/environments/a", &env("a", 13)), ["add a@13"]);
    world.notes.clear();
    // Of what was never there the version of the deletion is remembered, silently.
    assert_eq!(world.delete("/environments/b", 5), [""; 0]);
    assert_eq!(world.notes, []);
    assert_eq!(world.patch("/environments/b", &env("b", 5)), [""; 0]);
}

#[test]
fn filters_are_patched_and_deleted() {
    let mut world = World::open();
    assert_eq!(world.patch("/filters/p.f", &filter("f", 1)), ["add filter p.f=f"]);
    assert_eq!(world.patch("/filters/p.f", &filter("f", 2)), [""; 0]);
    assert_eq!(world.delete("/filters/p.f", 2), [""; 0]);
    assert_eq!(world.delete("/filters/p.f", 3), ["delete filter p.f"]);
    assert_eq!(world.delete("/filters/p.f", 3), [""; 0]);
    assert_eq!(world.patch("/filters/p.f", &filter("f", 3)), [""; 0]);
    assert_eq!(world.patch("/filters/p.f", &filter("f", 4)), ["add filter p.f=f"]);
    world.notes.clear();
    assert_eq!(world.delete("/filters/unknown", 1), [""; 0]);
    assert_eq!(world.notes, []);
}

#[test]
fn paths_are_exact() {
    let mut world = World::open();
    let put =
        json!({ "path": "/x", "data": { "environments": { "a": env("a", 1) }, "filters": {} } });
    assert_eq!(world.event("put", &put), [""; 0]);
    assert_eq!(world.note().0, Weight::Info);
    for path in ["environments/a", "/environments/x/a", "/environments/a/", "/other/a", "/", ""] {
        assert_eq!(world.patch(path, &env("a", 1)), [""; 0], "{path}");
        assert_eq!(world.note().0, Weight::Detail);
        assert_eq!(world.delete(path, 1), [""; 0], "{path}");
        assert_eq!(world.note().0, Weight::Detail);
    }
    assert!(world.connected);
}

#[test]
fn an_environment_under_anothers_name_is_left_alone() {
    let mut world = World::open();
    world.put(&[env("a", 1), env("b", 1)], &[]);
    let data = json!({
        "environments": { "a": env("other", 2), "c": env("c", 1) }, "filters": {}
    });
    let told = world.event("put", &json!({ "path": "/", "data": data }));
    assert_eq!(told, ["add c@1", "delete b", "all"]);
    let (weight, note) = world.note();
    assert_eq!(weight, Weight::Warning);
    assert!(note.contains("\"a\""), "{note}");
    assert_eq!(world.patch("/environments/a", &env("other", 3)), [""; 0]);
    assert_eq!(world.note().0, Weight::Warning);
    // It stayed what it was.
    assert_eq!(world.patch("/environments/a", &env("a", 2)), ["update a@2"]);
}

#[test]
fn a_refused_item_does_not_burn_its_version() {
    let mut world = World::open();
    world.put(&[env("a", 1)], &[]);
    let mut bad = env("a", 2);
    for (member, value, why) in [
        ("sdkKey", json!({ "value": "" }), "SDK key"),
        ("sdkKey", json!({ "value": "sdk key" }), "SDK key"),
        ("sdkKey", json!({ "value": "k", "expiring": { "value": "ü" } }), "expiring"),
        ("mobKey", json!("mob\nkey"), "mobile key"),
        ("defaultTtl", json!(-1), "time to live"),
        ("sdkKeys", json!([{ "value": "another" }]), "not among them"),
        ("mobileKeys", json!([{ "value": "another" }]), "not among them"),
        ("sdkKeys", json!([{ "value": "sdk-a-2" }, { "value": "a b" }]), "list of keys"),
        ("sdkKeys", json!([{ "value": "" }]), "empty"),
    ] {
        let good = core::mem::replace(&mut bad[member], value);
        assert_eq!(world.patch("/environments/a", &bad), [""; 0]);
        let (weight, note) = world.note();
        assert_eq!(weight, Weight::Error);
        assert!(note.starts_with("refused environments/a: ") && note.contains(why), "{note}");
        bad[member] = good;
    }
    assert_eq!(world.patch("/environments/", &env("", 1)), [""; 0]);
    assert_eq!(world.patch("/filters/f", &filter("", 1)), [""; 0]);
    assert_eq!(world.patch("/filters/f", &filter("f", 1)), ["add filter f=f"]);
    assert_eq!(world.patch("/environments/a", &env("a", 2)), ["update a@2"]);
    assert!(world.connected);
}

#[test]
fn of_a_put_what_can_be_used_is_used() {
    let mut world = World::open();
    world.put(&[env("a", 1), env("b", 1)], &[]);
    let keyless = |id, version| json!({ "envID": id, "version": version });
    let told = world.put(&[keyless("a", 2), env("c", 1)], &[]);
    assert_eq!(told, ["add c@1", "delete b", "all"]);
    assert_eq!(world.note().0, Weight::Error);
    // With nothing to use there is no telling what is meant: it all stays.
    assert_eq!(world.put(&[keyless("a", 2), keyless("d", 1)], &[]), [""; 0]);
    assert!(world.notes.iter().any(|(_, note)| note.contains("none of its 2 environments")));
    assert!(world.connected);
    assert_eq!(
        world.put(&[env("a", 2), env("d", 1)], &[]),
        ["update a@2", "add d@1", "delete c", "all"]
    );
}

#[test]
fn a_put_that_leaves_a_list_out_changes_nothing() {
    for (data, missing) in [
        (json!({}), "environments"),
        (json!({ "path": "/" }), "environments"),
        (json!({ "path": "/", "data": null }), "environments"),
        (json!({ "path": "/", "data": { "filters": {} } }), "environments"),
        (json!({ "path": "/", "data": { "environments": null, "filters": {} } }), "environments"),
        (json!({ "path": "/", "data": { "environments": { "b": env("b", 1) } } }), "filters"),
    ] {
        let mut world = World::open();
        world.put(&[env("a", 1)], &[("p.f", filter("f", 1))]);
        assert_eq!(world.event("put", &data), [""; 0], "{data}");
        if data["path"] == "/" {
            let (weight, note) = world.note();
            assert_eq!(weight, Weight::Error);
            assert_eq!(note, format!("refused a put without {missing}; what there was stays"));
        }
        assert!(world.connected);
        assert_eq!(world.patch("/environments/a", &env("a", 2)), ["update a@2"]);
    }
    // The original takes them for empty.
    let options = StreamOptions { strictness: Strictness::AsOriginal, ..StreamOptions::default() };
    let mut world = World::new(options);
    world.answer(200);
    world.put(&[env("a", 1)], &[("p.f", filter("f", 1))]);
    let told = world.event("put", &json!({ "path": "/" }));
    assert_eq!(told, ["delete a", "delete filter p.f", "all"]);
}

#[test]
fn an_empty_put_empties_and_is_told() {
    let mut world = World::open();
    world.put(&[env("a", 1)], &[]);
    assert_eq!(world.put(&[], &[]), ["delete a", "all"]);
    assert_eq!(world.note().0, Weight::Warning);
}

#[test]
fn a_reconnect_event_leads_to_a_connection_and_nothing_else() {
    let mut world = World::open();
    world.put(&[env("a", 1)], &[]);
    assert_eq!(world.input(StreamInput::Bytes(b"event: reconnect\ndata: x\n\n")), [""; 0]);
    assert_eq!(world.note().0, Weight::Info);
    assert_eq!(world.faults, [StreamFault::Asked]);
    assert!(!world.connected);
    world.pass();
    assert_eq!(world.connections, 2);
    world.answer(200);
    assert_eq!(world.put(&[env("a", 1)], &[]), ["all"]);
}

#[test]
fn an_unknown_event_is_ignored_with_a_warning() {
    let mut world = World::open();
    for event in ["event: Put\ndata: {}\n\n", "data: {}\n\n", "event: new\ndata: ?\n\n"] {
        assert_eq!(world.input(StreamInput::Bytes(event.as_bytes())), [""; 0]);
        assert_eq!(world.note().0, Weight::Warning);
    }
    assert!(world.connected);
}

#[test]
fn what_is_malformed_restarts_the_stream_and_changes_nothing() {
    let bad_version = json!({ "envID": "b", "version": "1", "sdkKey": { "value": "k" } });
    let list = json!({ "a": env("a", 5), "b": bad_version });
    let bad_filter = json!({ "f": { "projKey": "p", "key": 3, "version": 1 } });
    let whole = |environments: &Value, filters: &Value| json!({ "path": "/", "data": { "environments": environments, "filters": filters } });
    let events = [
        ("put", "{\"path\":\"/\",\"data\":{".to_owned()),
        ("patch", "{".into()),
        ("delete", "{\"path\":".into()),
        ("put", whole(&list, &json!({})).to_string()),
        ("put", whole(&json!({ "a": env("a", 5) }), &bad_filter).to_string()),
        ("put", "[]".into()),
        ("patch", json!({ "path": "/environments/b", "data": bad_version }).to_string()),
        ("patch", json!({ "path": "/filters/f", "data": bad_filter["f"] }).to_string()),
        ("patch", json!({ "path": "/environments/b" }).to_string()),
        ("delete", json!({ "path": "/environments/a", "version": 1.5 }).to_string()),
        ("delete", json!({ "path": 3 }).to_string()),
    ];
    for (kind, data) in events {
        let mut world = World::open();
        world.put(&[env("a", 1)], &[]);
        // What stands behind it in the same chunk is not read any more.
        let after = json!({ "path": "/environments/a", "version": 9 });
        let bytes = format!("event: {kind}\ndata: {data}\n\nevent: delete\ndata: {after}\n\n");
        assert_eq!(world.input(StreamInput::Bytes(bytes.as_bytes())), [""; 0], "{kind} {data}");
        assert!(matches!(world.faults[..], [StreamFault::Malformed(_)]), "{kind} {data}");
        assert!(!world.connected);
        world.pass();
        world.answer(200);
        assert_eq!(world.patch("/environments/a", &env("a", 2)), ["update a@2"]);
    }
}

#[test]
fn a_stream_that_breaks_is_made_again() {
    let mut world = World::open();
    world.input(StreamInput::Bytes(b"id: 7\nevent: x\ndata: y\n\nevent: put\ndata: {\"pa"));
    world.input(StreamInput::Ended);
    assert_eq!(world.manager.phase(), StreamPhase::Interrupted);
    world.pass();
    assert_eq!((world.connections, world.last_event_id.as_deref()), (2, Some("7")));
    world.input(StreamInput::Failed("no route"));
    world.pass();
    for (count, status) in [400, 500, 503, 204].into_iter().enumerate() {
        world.answer(status);
        assert_eq!(world.faults.pop(), Some(StreamFault::Status { status }));
        world.pass();
        assert_eq!(world.connections, 4 + count);
    }
    world.answer(200);
    assert_eq!(world.manager.phase(), StreamPhase::Valid);
    // What was cut off is not the beginning of what comes now.
    assert_eq!(world.put(&[env("a", 1)], &[]), ["add a@1", "all"]);
}

#[test]
fn a_refused_key_ends_the_stream_or_is_asked_about_again() {
    let stop = Retry { when_refused: WhenRefused::Stop, ..Retry::default() };
    for (retry, status) in [(stop, 401), (stop, 403), (Retry::default(), 401)] {
        let mut world = World::new(StreamOptions { retry, ..StreamOptions::default() });
        world.answer(200);
        world.put(&[env("a", 1)], &[]);
        world.input(StreamInput::Ended);
        world.faults.clear();
        world.pass();
        world.answer(status);
        assert_eq!(world.faults, [StreamFault::InvalidKey { status }]);
        // What there was is there.
        assert!(world.manager.receiver().environments().get("a").is_some());
        if retry.when_refused == WhenRefused::Stop {
            assert_eq!(world.manager.phase(), StreamPhase::Off);
            assert!(!world.connected);
        } else {
            assert_eq!(world.manager.phase(), StreamPhase::Interrupted);
            let since = world.now;
            world.pass();
            assert!(world.connected && world.now >= since + 150_000);
        }
    }
}

#[test]
fn a_key_that_was_never_accepted_leaves_the_stream_initializing() {
    let mut world = World::new(StreamOptions::default());
    world.answer(403);
    assert_eq!(world.manager.phase(), StreamPhase::Initializing);
    world.input(StreamInput::Stop);
    assert_eq!(world.manager.phase(), StreamPhase::Off);
    world.input(StreamInput::Start);
    assert_eq!(world.connections, 1);
}

#[test]
fn silence_is_a_failure_and_a_comment_is_none() {
    let mut world = World::open();
    for _ in 0..3 {
        world.now += 299_999;
        world.input(StreamInput::Wake);
        world.input(StreamInput::Bytes(b":\n"));
        assert!(world.connected);
    }
    world.pass();
    assert!(!world.connected);
    assert!(matches!(world.faults[..], [StreamFault::Silent(after)] if after.as_secs() == 300));
}

#[test]
fn the_server_may_say_how_long_to_wait() {
    let mut world = World::open();
    world.input(StreamInput::Bytes(b"retry: 20000\n\n"));
    world.input(StreamInput::Ended);
    let since = world.now;
    world.pass();
    assert!((10_000..=20_000).contains(&(world.now - since)));
    let retry_after = Some(core::time::Duration::from_secs(100));
    world.input(StreamInput::Opened { status: 503, retry_after });
    let since = world.now;
    world.pass();
    assert_eq!(world.now - since, 100_000);
}

#[test]
fn an_event_beyond_the_limit_is_malformed() {
    let mut world = World::new(StreamOptions { max_event_bytes: 100, ..StreamOptions::default() });
    world.answer(200);
    world.event("put", &json!({ "path": "/", "x": "y".repeat(100) }));
    assert!(matches!(world.faults[..], [StreamFault::Malformed(_)]));
}

/// However the bytes are cut, the same is told.
#[test]
fn a_stream_may_be_cut_anywhere() {
    let filters = json!({ "p.f": filter("f", 1) });
    let other = json!({ "envID": "ü", "sdkKey": { "value": "k" }, "version": 1 });
    let put =
        json!({ "path": "/", "data": { "environments": { "ü": other }, "filters": filters } });
    let patch = json!({ "path": "/environments/b", "data": env("b", 2) });
    let stream = format!(
        "\u{feff}:\nevent: put\r\ndata:{put}\r\n\r\nid: 3\nevent: patch\ndata: {patch}\n\n\
         event: delete\rdata: {{\"path\":\"/environments/b\",\rdata: \"version\":3}}\r\r\
         event: reconnect\ndata: x\n\nevent: put\ndata: {{\n\n"
    );
    let told = ["add ü@1", "add filter p.f=f", "all", "add b@2", "delete b"];
    let mut world = World::open();
    assert_eq!(world.input(StreamInput::Bytes(stream.as_bytes())), told);
    for cut in 1..stream.len() {
        let mut world = World::open();
        let (one, other) = stream.as_bytes().split_at(cut);
        let parts = [one, other].map(|part| world.input(StreamInput::Bytes(part)));
        assert_eq!(parts.concat(), told, "cut at {cut}");
        assert_eq!(world.faults, [StreamFault::Asked]);
    }
}

#[test]
fn what_was_kept_holds_until_the_stream_says_otherwise() {
    let mut world = World::new(StreamOptions::default());
    let environments = json!({ "a": env("a", 3), "b": env("b", 1) });
    let kept = json!({ "path": "/", "data": { "environments": environments, "filters": {} } });
    let told = world.input(StreamInput::Restore(kept.to_string().as_bytes()));
    assert_eq!(told, ["add a@3", "add b@1", "all"]);
    assert_eq!(world.manager.phase(), StreamPhase::Initializing);
    world.answer(200);
    let told = world.put(&[env("a", 4)], &[]);
    assert_eq!(told, ["update a@4", "delete b", "all"]);
    world.input(StreamInput::Restore(b"{"));
    assert!(matches!(world.faults[..], [StreamFault::Kept(_)]));
    assert!(world.connected);
}
