//! `highwater relay`: where flags come from, and what is wrong with them.

use crate::common::{Process, answer, until};
use crate::relay::{ENVIRONMENT, Relay};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server that says what it is told to say.
struct Upstream(TcpListener);

impl Upstream {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (Self(listener), url)
    }

    /// Takes a connection, and begins a stream.
    async fn accept(&self) -> TcpStream {
        let (mut socket, _) = self.0.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        socket.write_all(answer).await.unwrap();
        socket
    }
}

fn put(data: &Value) -> String {
    format!("event: put\ndata: {}\n\n", json!({ "path": "/", "data": data }))
}

/// What a process logs, as it comes.
fn log_of(process: &mut Process) -> Arc<Mutex<String>> {
    let (log, lines) = (Arc::default(), BufReader::new(process.child.stderr.take().unwrap()));
    let kept: Arc<Mutex<String>> = Arc::clone(&log);
    std::thread::spawn(move || {
        lines.lines().map_while(Result::ok).for_each(|line| kept.lock().unwrap().push_str(&line));
    });
    log
}

async fn latest(relay: &Relay) -> Value {
    answer(relay.get("/sdk/latest-all", "sdk-secret-one").await).await.1
}

#[tokio::test]
async fn an_upstream_may_be_named_by_options_alone() {
    let (upstream, url) = Upstream::start().await;
    let key = ["--sdk-key", "sdk-secret-one", "--mobile-key", "mob-secret-one"];
    let more = ["--environment-id", "env-1", "--upstream-protocol", "fdv1"];
    let process = Process::start(&[&["relay", "--upstream", &url], &key[..], &more[..]].concat());
    let whole = json!({ "flags": { "a": { "version": 1 } }, "segments": {} });
    let mut stream = upstream.accept().await;
    stream.write_all(put(&whole).as_bytes()).await.unwrap();
    let client = Client::new();
    let status = async |path: &str, key: &str| {
        let request = client.get(format!("{}{path}", process.url)).header("authorization", key);
        request.send().await.unwrap().status().as_u16()
    };
    until("it has flags", async || status("/sdk/flags/a", "sdk-secret-one").await == 200).await;
    assert_eq!(status("/sdk/flags/a", "mob-secret-one").await, 401);
    assert_eq!(status("/msdk/evalx/contexts/eyJrZXkiOiJhIn0", "mob-secret-one").await, 200);
    assert_eq!(status("/sdk/evalx/env-1/contexts/eyJrZXkiOiJhIn0", "").await, 200);
    assert_eq!(status("/sdk/flags/%ff", "sdk-secret-one").await, 400);
}

#[tokio::test]
async fn a_put_that_leaves_something_out_changes_nothing() {
    let whole =
        json!({ "flags": { "a": { "version": 1 } }, "segments": { "s": { "version": 1 } } });
    for incomplete in [
        put(&json!({ "segments": {} })),
        put(&json!({ "flags": {} })),
        put(&json!({})),
        "event: put\ndata: {\"path\":\"/\"}\n\n".to_owned(),
    ] {
        let (upstream, url) = Upstream::start().await;
        let config = format!("{ENVIRONMENT}upstream = \"{url}\"\n");
        let relay = Relay::of(tempfile::tempdir().unwrap(), &config, &[]);
        let mut stream = upstream.accept().await;
        stream.write_all(put(&whole).as_bytes()).await.unwrap();
        assert_eq!(latest(&relay).await, whole);
        stream.write_all(incomplete.as_bytes()).await.unwrap();
        // It is read no further, and asked again; what there was stays.
        let _again = upstream.accept().await;
        assert_eq!(latest(&relay).await, whole, "{incomplete}");
    }
}

#[tokio::test]
async fn a_put_that_leaves_something_out_empties_it_where_the_operator_wants_that() {
    let whole =
        json!({ "flags": { "a": { "version": 1 } }, "segments": { "s": { "version": 1 } } });
    let (upstream, url) = Upstream::start().await;
    let config = format!("{ENVIRONMENT}upstream = \"{url}\"\nstrictness = \"as-original\"\n");
    let relay = Relay::of(tempfile::tempdir().unwrap(), &config, &[]);
    let mut stream = upstream.accept().await;
    for (said, becomes) in [
        (&whole, &whole),
        (
            &json!({ "flags": { "a": { "version": 1 } } }),
            &json!({ "flags": { "a": { "version": 1 } }, "segments": {} }),
        ),
        (&json!({ "segments": {} }), &json!({ "flags": {}, "segments": {} })),
    ] {
        stream.write_all(put(said).as_bytes()).await.unwrap();
        until("it is taken over", async || latest(&relay).await == *becomes).await;
    }
}

#[tokio::test]
async fn flags_come_from_several_files_also_of_yaml() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.yaml", "flagValues:\n  dark: true\n  size: 7\n");
    write("b.json", r#"{"flagValues":{"size":8},"segments":{"staff":{"included":["ann"]}}}"#);
    let start = |more: &str| {
        let file = folder.path().join("relay.toml");
        let files = "files = [\"a.yaml\", \"b.json\"]\n";
        std::fs::write(&file, format!("{ENVIRONMENT}{files}{more}")).unwrap();
        let arguments = ["relay", "--config", file.to_str().unwrap()];
        Process::logged(&arguments, &[("RUST_LOG", "info")])
    };
    let client = Client::new();
    let ask = async |process: &Process| {
        let url = format!("{}/sdk/latest-all", process.url);
        let answer =
            client.get(url).header("authorization", "sdk-secret-one").send().await.unwrap();
        let status = answer.status();
        (status, answer.json::<Value>().await.unwrap_or_default())
    };
    let size = |all: &Value| all["flags"]["size"]["variations"][0].clone();

    let mut process = start("duplicate-keys = \"ignore\"\n");
    let log = log_of(&mut process);
    until("the files are read", async || ask(&process).await.0 == StatusCode::OK).await;
    let (_, all) = ask(&process).await;
    assert_eq!((size(&all), &all["flags"]["dark"]["variations"]), (json!(7), &json!([true])));
    assert_eq!(all["segments"]["staff"]["included"], json!(["ann"]));
    write("a.yaml", "flagValues:\n  dark: false\n  size: [9\n");
    until("it is said what is wrong", async || log.lock().unwrap().contains("a.yaml line 3")).await;
    assert_eq!(ask(&process).await.1, all, "what there was stays");
    write("a.yaml", "flagValues:\n  size: 9\n");
    until("it is read again", async || size(&ask(&process).await.1) == 9).await;

    // By itself a key that is there twice is an error.
    let mut process = start("");
    let log = log_of(&mut process);
    let said = "b.json line 1 column 23: flag \"size\"";
    until("it is said", async || log.lock().unwrap().contains(said)).await;
    assert_eq!(ask(&process).await.0, StatusCode::SERVICE_UNAVAILABLE);
}
