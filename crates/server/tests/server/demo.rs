//! The demo: a real process table.

use crate::common::{Events, Process, end, index};
use reqwest::Client;
use serde_json::Value;
use std::process::Command;

pub(crate) fn start() -> Process {
    Process::start(&["demo", "--heartbeat-ms", "300", "--interval-ms", "200", "--www", "/nowhere"])
}

#[tokio::test]
async fn a_child_process_appears_and_disappears() {
    let demo = start();
    let mut stream =
        Events::open(&Client::new(), &format!("{}/v1/topics/machine/stream", demo.url)).await;
    let snapshot = stream.payload().await;
    assert!(
        snapshot.iter().any(|event| event.data["object"]["name"] == "highwater"),
        "it sees itself"
    );

    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let prefix = format!("{}-", child.id());
    let ours = |data: &Value| data["key"].as_str().is_some_and(|key| key.starts_with(&prefix));
    let put = loop {
        let event = stream.event().await;
        // The process is the test itself for a moment, before it becomes `sleep`.
        if event.name == "put-object" && ours(&event.data) {
            break event;
        }
    };
    assert_eq!(put.data["object"]["pid"], child.id());
    assert_eq!(put.data["kind"], "process");
    assert_eq!(put.data["key"], format!("{prefix}{}", put.data["object"]["started"]));
    let version = put.data["version"].as_i64().unwrap();

    child.kill().unwrap();
    child.wait().unwrap();
    let mut last = version;
    loop {
        let event = stream.event().await;
        if ours(&event.data) {
            let version = event.data["version"].as_i64().unwrap();
            assert_eq!(version, last + 1, "a version counts the changes of its process");
            last = version;
            if event.name == "delete-object" {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_tick_is_one_transaction_of_what_changed() {
    let demo = start();
    let mut stream =
        Events::open(&Client::new(), &format!("{}/v1/topics/machine/stream", demo.url)).await;
    let snapshot = stream.payload().await;
    let (mut told, _) = end(&snapshot);
    let mut known: std::collections::HashMap<_, _> = snapshot
        .iter()
        .filter(|event| event.name == "put-object")
        .map(|event| (event.data["key"].clone(), event.data["object"].clone()))
        .collect();
    assert!(known[&Value::from("host")]["memoryTotal"].as_u64().unwrap() > 0);
    for _ in 0..5 {
        let events = stream.payload().await;
        let (state, basis) = end(&events);
        assert_eq!((basis, index(&state)), (Some(told.clone()), index(&told) + 1));
        told = state;
        for event in events.iter().filter(|event| event.name == "put-object") {
            let before = known.insert(event.data["key"].clone(), event.data["object"].clone());
            assert_ne!(before.as_ref(), Some(&event.data["object"]), "only what changed is sent");
        }
    }
}

#[tokio::test]
async fn the_page_is_served_or_said_to_be_missing() {
    let demo = start();
    let response = reqwest::get(format!("{}/", demo.url)).await.unwrap();
    assert_eq!(response.status(), 404);
    assert!(response.text().await.unwrap().contains("npm run build"));

    let folder = std::env::temp_dir().join(format!("highwater-page-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("index.html"), "<title>page</title>").unwrap();
    let demo = Process::start(&["demo", "--www", folder.to_str().unwrap()]);
    let get = async |path: &str| {
        let response = reqwest::get(format!("{}{path}", demo.url)).await.unwrap();
        (
            response.status().as_u16(),
            response.headers()["content-type"].to_str().unwrap().to_owned(),
        )
    };
    assert_eq!(get("/").await, (200, "text/html".into()));
    assert_eq!(get("/none.js").await, (404, "application/json".into()));
    assert_eq!(get("/v1/topics/none").await, (404, "application/json".into()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn another_machines_name_does_not_lead_here() {
    let demo = start();
    for (host, status) in [("rebound.example:80", 403), ("localhost", 200), ("127.0.0.1:1", 200)] {
        let request = Client::new().get(format!("{}/v1/topics/machine", demo.url));
        let response = request.header("host", host).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn another_sites_page_makes_nothing_here() {
    let demo = start();
    let put = async |origin: Option<&str>| {
        // As a page may send it without asking first.
        let request = Client::new().post(format!("{}/v1/eventstreams", demo.url));
        let request = request.header("content-type", "text/plain").body(STREAM);
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(put(Some("https://elsewhere.example")).await, 403);
    assert_eq!(put(Some("null")).await, 403);
    assert_eq!(put(Some("http://localhost:5173")).await, 201);
    assert_eq!(put(None).await, 409, "the name is taken");
}

const STREAM: &str = r#"{"name":"a","type":"websocket","source":"orders"}"#;
