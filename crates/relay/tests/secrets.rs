//! The log at its most talkative, while everything happens that is logged: no key is in it.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use highwater_relay::{
    Action, AutoConfig, AutoConfigKey, AutoConfigOptions, Environments, Retry, StreamOptions,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing_subscriber::filter::LevelFilter;

/// Writes into memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Notes when the last of the environments is there.
#[derive(Default)]
struct World(Notify);

impl Environments for World {
    async fn apply(&self, action: Action) {
        if matches!(&action, Action::Add(params) if params.id.as_str() == "last") {
            self.0.notify_one();
        }
    }
}

#[tokio::test]
async fn no_key_is_ever_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let env = |id: &str, version: i64| {
        json!({
            "envID": id, "version": version, "mobKey": "mob-SECRET-3333",
            "sdkKey": {
                "value": "sdk-SECRET-1111",
                "expiring": { "value": "sdk-SECRET-2222", "timestamp": 4_000_000_000_000_i64 },
            },
        })
    };
    let mut refused = env("refused", 1);
    refused["sdkKey"]["value"] = json!("sdk SECRET 4444");
    let mut malformed = env("malformed", 1);
    malformed["version"] = json!("sdk-SECRET-5555");
    let event = |kind: &str, data: &serde_json::Value| format!("event: {kind}\ndata: {data}\n\n");
    let put = |environments: serde_json::Value| json!({ "path": "/", "data": { "environments": environments, "filters": {} } });
    let patch = |id: &str, data: &serde_json::Value| {
        event("patch", &json!({ "path": format!("/environments/{id}"), "data": data }))
    };
    let bodies = [
        event("put", &put(json!({ "a": env("a", 1), "refused": refused, "b": env("other", 1) })))
            + &patch("a", &env("a", 2))
            + &patch("a", &env("a", 2))
            + &event("sdk-unknown", &env("a", 9))
            + &patch("malformed", &malformed),
        event("put", &json!({ "path": "/", "data": { "environments": {} } }))
            + &event("delete", &json!({ "path": "/environments/a", "version": 3 }))
            + &event("reconnect", &env("a", 9)),
        patch("last", &env("last", 1)),
    ];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        let answers = ["401 Unauthorized", "503 Unavailable"].into_iter().map(|status| {
            format!("HTTP/1.1 {status}\r\ncontent-length: 15\r\n\r\nsdk-SECRET-6666")
        });
        let streams = bodies.into_iter().map(|body| format!("HTTP/1.1 200 OK\r\n\r\n{body}"));
        for answer in answers.chain(streams) {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap());
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
            if !answer.contains("content-length") {
                open.push(socket);
            }
        }
        core::future::pending::<()>().await;
    });

    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("kept");
    std::fs::write(&cache, "highwater auto-config 1 SECRET\n{\"sdkKey\":\"sdk-SECRET-7777\"}")
        .unwrap();
    let mut retry = Retry::default();
    for profile in [&mut retry.short, &mut retry.long] {
        profile.factor = Duration::from_millis(5);
    }
    let world = Arc::new(World::default());
    let options = AutoConfigOptions {
        stream_uri: format!("http://{address}"),
        key: AutoConfigKey::new("rel-SECRET-8888").unwrap(),
        cache: Some(cache.clone()),
        stream: StreamOptions { retry, ..StreamOptions::default() },
    };
    tracing::info!(?options, "the options themselves");
    let relay = AutoConfig::start(options, Arc::clone(&world)).unwrap();
    timeout(Duration::from_mins(1), world.0.notified()).await.expect("all was heard");
    relay.close().await;
    server.abort();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for said in [
        "adds a",
        "updates a",
        "deletes a",
        "refused environments/refused",
        "out-of-order",
        "malformed",
        "unknown type",
        "names itself otherwise",
        "without filters",
        "invalid",
        "503",
        "…1111",
    ] {
        assert!(log.contains(said), "nothing of {said:?} in\n{log}");
    }
    assert!(!log.contains("SECRET"), "a key is in\n{log}");
    let kept = std::fs::read_to_string(cache).unwrap();
    assert!(kept.contains("sdk-SECRET-1111"), "but what is kept is whole");
}
