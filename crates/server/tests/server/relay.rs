//! `highwater relay`, as SDKs see it.

use crate::common::{Event, Events, PATIENCE, Process, answer, until, verdict};
use core::time::Duration;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use std::io::Read as _;
use tempfile::TempDir;
use tokio::time::timeout;

/// A relay of one environment with a file of flags.
pub(crate) struct Relay {
    pub(crate) process: Process,
    pub(crate) folder: TempDir,
    pub(crate) client: Client,
}

pub(crate) const FLAGS: &str = r#"{"flags":{
    "beta":{"version":3,"on":true,"variations":["no","yes"],"fallthrough":{"variation":0},"clientSide":true,
        "rules":[{"variation":1,"clauses":[{"op":"segmentMatch","values":["staff"]}]}]},
    "old":{"version":1,"on":true,"variations":[1],"fallthrough":{"variation":0}}},
  "segments":{"staff":{"version":1,"included":["ann"]}}}"#;

pub(crate) const ENVIRONMENT: &str = r#"[[environments]]
id = "env-1"
name = "Production"
sdk-key = "sdk-secret-one"
mobile-key = "mob-secret-one"
"#;

impl Relay {
    pub(crate) fn start(more: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("flags.json"), FLAGS).unwrap();
        Self::of(folder, &format!("{ENVIRONMENT}{more}file = \"flags.json\"\n"), arguments)
    }

    pub(crate) fn of(folder: TempDir, config: &str, arguments: &[&str]) -> Self {
        let file = folder.path().join("relay.toml");
        std::fs::write(&file, config).unwrap();
        let arguments = [&["relay", "--config", file.to_str().unwrap()], arguments].concat();
        Self { process: Process::start(&arguments), folder, client: Client::new() }
    }

    pub(crate) fn write(&self, flags: &str) {
        // As editors do: nobody sees a half.
        let new = self.folder.path().join("new");
        std::fs::write(&new, flags).unwrap();
        std::fs::rename(new, self.folder.path().join("flags.json")).unwrap();
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<(&str, &str)>,
    ) -> Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.process.url));
        if !key.is_empty() {
            request = request.header("authorization", key);
        }
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body.to_owned());
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Response {
        // The file is read soon after the start.
        loop {
            let response = self.ask("GET", path, key, None).await;
            if response.status() != StatusCode::SERVICE_UNAVAILABLE {
                return response;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn stream(&self, path: &str, key: &str) -> Events {
        Events::of(self.get(path, key).await)
    }
}

pub(crate) async fn next(events: &mut Events) -> (String, Value) {
    let Event { name, data, .. } = events.next().await.expect("the stream goes on");
    (name, data)
}

/// `{"kind":"user","key":"ann"}`, and that of bob.
pub(crate) const ANN: &str = "eyJraW5kIjoidXNlciIsImtleSI6ImFubiJ9";
const BOB: &str = "eyJraW5kIjoidXNlciIsImtleSI6ImJvYiJ9";

#[tokio::test]
async fn servers_are_told_everything_and_then_what_changes() {
    let relay = Relay::start("", &[]);
    let mut all = relay.stream("/all", "sdk-secret-one").await;
    assert_eq!(all.header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(all.header("x-accel-buffering"), "no");
    assert_eq!(all.header("access-control-allow-origin"), "*");
    assert_eq!(all.header("x-ld-envid"), "env-1");
    let (name, put) = next(&mut all).await;
    assert_eq!((&*name, &put["path"]), ("put", &json!("/")));
    assert_eq!(put["data"]["flags"]["beta"]["version"], 3);
    assert_eq!(put["data"]["segments"]["staff"]["included"], json!(["ann"]));
    let mut flags = relay.stream("/flags", "api_key sdk-secret-one").await;
    assert_eq!(next(&mut flags).await.1["old"]["version"], 1);

    relay.write(&FLAGS.replace("\"old\":{\"version\":1", "\"old\":{\"version\":2"));
    let (name, patch) = next(&mut all).await;
    assert_eq!((&*name, &patch["path"]), ("patch", &json!("/flags/old")));
    assert_eq!(next(&mut flags).await.1["path"], "/old");

    // What cannot be read changes nothing; what comes after it does.
    relay.write("{\"flags\":{,}}");
    let without = FLAGS.replace("\"included\":[\"ann\"]", "\"included\":[]");
    tokio::time::sleep(Duration::from_millis(700)).await; // at least one look at it
    relay.write(&without.replace("\"staff\":{\"version\":1", "\"staff\":{\"version\":2"));
    let (name, patch) = next(&mut all).await;
    assert_eq!((&*name, &patch["path"]), ("put", &json!("/")), "the version of old went back");
}

#[tokio::test]
async fn who_may_not_is_told_so_in_the_words_of_the_original() {
    let relay = Relay::start("", &[]);
    relay.get("/all", "sdk-secret-one").await;
    for (path, key, status) in [
        ("/all", "", 401),
        ("/all", "sdk-other", 401),
        ("/all", "mob-secret-one", 401),
        ("/all", "Bearer sdk-secret-one", 401),
        ("/all?filter=none", "sdk-secret-one", 404),
        ("/mping", "sdk-secret-one", 401),
        ("/sdk/stream", "sdk-other", 401),
        ("/sdk/flags/none", "sdk-secret-one", 404),
        ("/ping/env-2", "", 404),
        ("/eval/env-2/eyJrZXkiOiJhIn0", "", 404),
        ("/eval/env-1/not-a-context", "", 400),
        ("/meval/e30", "mob-secret-one", 400),
        ("/msdk/evalx/contexts/e30", "mob-secret-one", 400),
        ("/sdk/evalx/env-1/contexts/!", "", 400),
        ("/sdk/poll/eval/!", "env-1", 400),
        ("/sdk/poll/eval/e30?auth=mob-secret-one", "", 400),
        ("/sdk/poll/eval/!", "", 401),
        ("/sdk/poll/eval/!?auth=env-2", "", 401),
        ("/sdk/stream/eval/!", "sdk-secret-one", 401),
    ] {
        assert_eq!(relay.get(path, key).await.status().as_u16(), status, "{path} {key}");
    }
    let ann = r#"{"key":"ann"}"#;
    for (method, body, status) in [
        ("GET", None, 405),
        ("REPORT", None, 415),
        ("REPORT", Some(("text/plain", ann)), 415),
        ("REPORT", Some(("application/json", "{}")), 400),
        ("REPORT", Some(("application/json", ann)), 200),
    ] {
        for path in ["/eval/env-1", "/sdk/evalx/env-1/context"] {
            let response = relay.ask(method, path, "", body).await;
            assert_eq!(response.status().as_u16(), status, "{method} {path} {body:?}");
        }
    }
    // What asks for the head alone gets it, and no stream.
    for path in ["/all", "/sdk/stream"] {
        let head = relay.ask("HEAD", path, "sdk-secret-one", None).await;
        assert_eq!(head.status(), StatusCode::OK);
        assert!(timeout(PATIENCE, head.bytes()).await.unwrap().unwrap().is_empty());
    }
}

#[tokio::test]
async fn in_secure_mode_a_page_has_to_prove_whom_it_asks_for() {
    let relay = Relay::start("secure-mode = true\n", &[]);
    // HMAC-SHA256 of `ann` with the SDK key.
    let proof = "6273471c94e6af0033aea669da7a8b20bf3d747a9a884049ea031fb021790068";
    for path in ["eval/env-1", "sdk/evalx/env-1/contexts"] {
        let status = async |context: &str, query: &str| {
            relay.get(&format!("/{path}/{context}{query}"), "").await.status()
        };
        for query in ["", "?h=", "?h=00"] {
            assert_eq!(status(ANN, query).await, 400, "{path} {query}");
        }
        let proven = format!("?h={proof}");
        assert_eq!(
            (status(ANN, &proven).await.as_u16(), status(BOB, &proven).await.as_u16()),
            (200, 400)
        );
    }
    assert_eq!(relay.get(&format!("/meval/{ANN}"), "mob-secret-one").await.status(), 200);
}

#[tokio::test]
async fn clients_are_pinged_and_told_what_flags_come_to() {
    let relay = Relay::start("", &[]);
    let mut page = relay.stream(&format!("/eval/env-1/{ANN}"), "").await;
    let mut mobile = relay.stream("/mping", "mob-secret-one").await;
    for stream in [&mut page, &mut mobile] {
        let Event { raw, .. } = stream.next().await.unwrap();
        assert_eq!(raw, "event: ping\ndata:  ");
    }
    let response =
        relay.get(&format!("/sdk/evalx/env-1/contexts/{ANN}?withReasons=true"), "").await;
    let (_, values) = answer(response).await;
    assert_eq!(values["beta"]["value"], "yes");
    assert_eq!(values["beta"]["reason"]["kind"], "RULE_MATCH");
    assert_eq!(values["old"], Value::Null, "not for browsers");
    let response = relay.get(&format!("/msdk/evalx/contexts/{BOB}"), "mob-secret-one").await;
    let (_, values) = answer(response).await;
    assert_eq!((&values["beta"]["value"], &values["old"]["value"]), (&json!("no"), &json!(1)));
    assert_eq!(values["beta"].get("reason"), None);

    relay.write(&FLAGS.replace("\"beta\":{\"version\":3", "\"beta\":{\"version\":4"));
    for stream in [&mut page, &mut mobile] {
        assert_eq!(stream.next().await.unwrap().name, "ping");
    }
}

#[tokio::test]
async fn clients_are_streamed_values_where_the_operator_wants_that() {
    let relay = Relay::start("", &["--stream-evaluations"]);
    let mut page = relay.stream(&format!("/eval/env-1/{ANN}"), "").await;
    let (name, put) = next(&mut page).await;
    assert_eq!((&*name, &put["beta"]["value"]), ("put", &json!("yes")));
    relay.write(
        &FLAGS
            .replace("\"beta\":{\"version\":3,\"on\":true", "\"beta\":{\"version\":4,\"on\":false"),
    );
    let (name, patch) = next(&mut page).await;
    assert_eq!((&*name, &patch["key"], &patch["version"]), ("patch", &json!("beta"), &json!(4)));
    // A segment changes a value without its flag's version: everything is told.
    relay.write(&FLAGS.replace("[\"ann\"]", "[]"));
    let (name, put) = next(&mut page).await;
    assert_eq!((&*name, &put["beta"]["value"]), ("put", &json!("no")));
}

#[tokio::test]
async fn the_newest_protocol_goes_on_where_it_was() {
    let relay = Relay::start("", &[]);
    let mut stream = relay.stream("/sdk/stream", "sdk-secret-one").await;
    let first = stream.payload().await;
    assert_eq!(verdict(&first[0]), ("xfer-full", "payload-missing", false));
    assert_eq!(first.iter().filter(|event| event.name == "put-object").count(), 3);
    let state = first.last().unwrap().data["state"].as_str().unwrap().to_owned();

    let up_to_date = relay.get(&format!("/sdk/poll?basis={state}"), "sdk-secret-one").await;
    let tag = up_to_date.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("\"{state}\""));
    let (_, told) = answer(up_to_date).await;
    assert_eq!(told["events"][0]["data"]["payloads"][0]["intentCode"], "none");
    let known = relay.client.get(format!("{}/sdk/poll", relay.process.url));
    let known = known.header("authorization", "sdk-secret-one").header("if-none-match", &tag);
    assert_eq!(known.send().await.unwrap().status(), 304);

    relay.write(&FLAGS.replace("\"old\":{\"version\":1", "\"old\":{\"version\":2"));
    let live = stream.payload().await;
    assert_eq!((&*live[0].name, &live[0].data["key"]), ("put-object", &json!("old")));
    let mut back = relay.stream(&format!("/sdk/stream?basis={state}"), "sdk-secret-one").await;
    let missed = back.payload().await;
    assert_eq!(verdict(&missed[0]).0, "xfer-changes");
    assert_eq!((missed.len(), &missed[1].data["version"]), (3, &json!(2)));
    let (_, polled) = answer(relay.get("/sdk/poll", "sdk-secret-one").await).await;
    assert_eq!(polled["events"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn quiet_streams_hear_something_and_old_ones_end() {
    let relay = Relay::start("", &["--relay-heartbeat-ms", "50", "--max-age-ms", "1000"]);
    let get = relay.get("/all", "sdk-secret-one").await;
    let report = ("application/json", r#"{"key":"ann"}"#);
    let report = relay.ask("REPORT", "/eval/env-1", "", Some(report)).await;
    for mut response in [get, report] {
        let mut text = String::new();
        while let Some(chunk) = timeout(PATIENCE, response.chunk()).await.unwrap().unwrap_or(None) {
            text.push_str(core::str::from_utf8(&chunk).unwrap());
        }
        let (_, beats) = text.split_once("\n\n").unwrap();
        assert!(beats.len() >= 4 && beats.replace(":\n", "").is_empty(), "{beats:?}");
    }
}

#[tokio::test]
async fn relays_follow_relays() {
    let source = Relay::start("", &[]);
    source.get("/all", "sdk-secret-one").await;
    for protocol in ["fdv1", "fdv2"] {
        let config = format!(
            "{ENVIRONMENT}upstream = \"{}\"\nupstream-protocol = \"{protocol}\"\n",
            source.process.url
        );
        source.write(FLAGS);
        let relay = Relay::of(tempfile::tempdir().unwrap(), &config, &[]);
        let mut all = relay.stream("/all", "sdk-secret-one").await;
        let mut have = Value::Null;
        while have["data"]["flags"]["old"]["version"] != 1 {
            have = next(&mut all).await.1;
        }
        source.write(&FLAGS.replace("\"old\":{\"version\":1", "\"old\":{\"version\":2"));
        let (name, patch) = next(&mut all).await;
        assert_eq!((&*name, &patch["data"]["version"]), ("patch", &json!(2)), "{protocol}");
    }
}

#[tokio::test]
async fn environments_are_told_to_other_relays() {
    let told = "[auto-config]\nserve-to = [\"rel-secret\"]\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("flags.json"), FLAGS).unwrap();
    let config = format!("{ENVIRONMENT}project = \"p\"\nfile = \"flags.json\"\n{told}");
    let source = Relay::of(folder, &config, &[]);
    assert_eq!(source.ask("GET", "/relay_auto_config", "rel-other", None).await.status(), 401);

    let url = &source.process.url;
    let config = format!("[auto-config]\nkey = \"rel-secret\"\nstream-uri = \"{url}\"\n");
    let relay = Relay::of(tempfile::tempdir().unwrap(), &config, &[]);
    let mut all = relay.stream("/all", "sdk-secret-one").await;
    let mut have = Value::Null;
    while have["data"]["flags"]["old"]["version"] != 1 {
        have = next(&mut all).await.1;
    }
    assert_eq!(relay.get("/all", "sdk-other").await.status(), 401);
    assert_eq!(relay.get("/mping", "mob-secret-one").await.status(), 200);
}

#[tokio::test]
async fn a_topic_of_our_own_is_an_environment() {
    let config = format!("{ENVIRONMENT}topic = \"production\"\n");
    let relay = Relay::of(tempfile::tempdir().unwrap(), &config, &[]);
    let put = async |version: u64| {
        let flag = json!({ "key": "a", "version": version, "on": true });
        let url = format!("{}/v1/topics/production/flag/a", relay.process.url);
        let request = relay.client.put(url).header("content-type", "application/json");
        assert!(request.body(flag.to_string()).send().await.unwrap().status().is_success());
    };
    put(1).await;
    let mut all = relay.stream("/all", "sdk-secret-one").await;
    let mut have = Value::Null;
    while have["data"]["flags"]["a"]["version"] != 1 {
        have = next(&mut all).await.1;
    }
    put(2).await;
    let (name, patch) = next(&mut all).await;
    assert_eq!((&*name, &patch["data"]["version"]), ("patch", &json!(2)));

    // What changes in one transaction does so in the newest protocol, too.
    let mut newest = relay.stream("/sdk/stream", "sdk-secret-one").await;
    newest.payload().await;
    let transaction = json!({ "operations": [
        { "op": "put", "kind": "flag", "key": "b", "object": { "on": true } },
        { "op": "put", "kind": "segment", "key": "s", "object": { "included": ["ann"] } },
        { "op": "put", "kind": "something", "key": "else", "object": {} },
        { "op": "delete", "kind": "flag", "key": "a" },
    ]});
    let url = format!("{}/v1/topics/production/transactions", relay.process.url);
    let request = relay.client.post(url).header("content-type", "application/json");
    let done = request.body(transaction.to_string()).send().await.unwrap();
    assert!(done.status().is_success(), "{}", done.text().await.unwrap());
    let told = newest.payload().await;
    let mut told: Vec<_> = told.iter().map(|event| (&*event.name, &event.data["key"])).collect();
    told.sort_by_key(|(_, key)| key.to_string());
    let keys = [json!("a"), json!("b"), json!("s"), Value::Null];
    assert_eq!(
        told,
        [
            ("delete-object", &keys[0]),
            ("put-object", &keys[1]),
            ("put-object", &keys[2]),
            ("payload-transferred", &keys[3])
        ]
    );
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(next(&mut all).await.1["path"].clone());
    }
    paths.sort_by_key(ToString::to_string);
    assert_eq!(paths, ["/flags/a", "/flags/b", "/segments/s"]);
}

#[tokio::test]
async fn no_key_and_nobody_asked_for_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    std::fs::write(folder.path().join("flags.json"), "{\n\"flags\": {,}}").unwrap();
    std::fs::write(&file, format!("{ENVIRONMENT}file = \"flags.json\"\n")).unwrap();
    let arguments = ["relay", "--config", file.to_str().unwrap()];
    let mut process = Process::logged(&arguments, &[("RUST_LOG", "trace")]);
    let client = Client::new();
    let get = async |path: &str, key: &str| {
        let request = client.get(format!("{}{path}", process.url)).header("authorization", key);
        request.send().await.unwrap().status()
    };
    until("the file was looked at", async || get("/all", "sdk-secret-one").await == 200).await;
    get("/all", "sdk-secret-two").await;
    get("/mping", "mob-secret-one").await;
    get(&format!("/eval/env-1/{ANN}?h=secret-hash"), "").await;
    process.child.kill().unwrap();
    let mut log = String::new();
    process.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("line 2 column 11"), "{log}");
    for secret in ["sdk-secret", "mob-secret", "secret-hash", ANN] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[tokio::test]
async fn events_are_taken_from_who_may_send_them() {
    let relay = Relay::start("", &[]);
    relay.get("/all", "sdk-secret-one").await;
    for (path, key, status) in [
        ("/bulk", "sdk-secret-one", 202),
        ("/diagnostic", "sdk-secret-one", 202),
        ("/mobile", "mob-secret-one", 202),
        ("/events/bulk/env-1", "", 202),
        ("/bulk", "sdk-secret-two", 401),
        ("/events/bulk/env-2", "", 404),
    ] {
        let response = relay.ask("POST", path, key, Some(("application/json", "[]"))).await;
        assert_eq!(response.status().as_u16(), status, "{path} {key}");
    }
    let goals = relay.get("/sdk/goals/env-1", "").await;
    assert_eq!(answer(goals).await, (StatusCode::OK, json!([])));
}
