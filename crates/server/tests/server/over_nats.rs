//! `serve --nats`, over a real NATS that goes away and comes back.

use crate::common::{Events, Process, end, epoch, refusal, verdict};
use crate::nats::Nats;
use core::time::Duration;
use reqwest::{Client, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::time::{Instant, sleep};

/// NATS itself takes a while.
const LONG: Duration = Duration::from_mins(1);

fn serve(nats: &Nats) -> Process {
    Process::start(&["serve", "--nats", &nats.url()])
}

async fn get(server: &Process, path: &str) -> Response {
    Client::new().get(format!("{}{path}", server.url)).send().await.unwrap()
}

async fn put(server: &Process, key: &str, object: &str) -> Response {
    let request = Client::new().put(format!("{}/v1/topics/t/a/{key}", server.url));
    request.body(object.to_owned()).send().await.unwrap()
}

async fn ready(server: &Process) {
    let deadline = Instant::now() + LONG;
    while get(server, "/readyz").await.status() != 200 {
        assert!(Instant::now() < deadline, "it is not ready");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn put_at_last(server: &Process, key: &str, object: &str) -> Value {
    let deadline = Instant::now() + LONG;
    loop {
        let response = put(server, key, object).await;
        if response.status().is_success() {
            return response.json().await.unwrap();
        }
        assert!(Instant::now() < deadline, "it cannot be written to");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_nats() {
    let Some(mut nats) = Nats::start() else { return };
    nats.kill();
    let server = serve(&nats);
    assert_eq!(get(&server, "/healthz").await.status(), 200);
    for path in ["/readyz", "/v1/topics/t", "/v1/topics/t/stream"] {
        let told = refusal(get(&server, path).await).await;
        assert_eq!(told, (503, "starting".into(), Some(1)), "{path}");
    }
    assert_eq!(refusal(put(&server, "1", "{}").await).await.0, 503);
    nats.restart();
    ready(&server).await;
    assert_eq!(put(&server, "1", "{}").await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_reads_and_streams_go_on_and_nothing_acknowledged_is_lost() {
    let Some(mut nats) = Nats::start() else { return };
    let servers = [serve(&nats), serve(&nats)];
    let mut acknowledged = BTreeMap::new();
    for server in &servers {
        ready(server).await;
    }
    let stream = format!("{}/v1/topics/t/stream", servers[1].url);
    put_at_last(&servers[0], "0", "{\"n\":0}").await;
    let deadline = Instant::now() + LONG;
    while get(&servers[1], "/v1/topics/t").await.status() != 200 {
        assert!(Instant::now() < deadline, "the other does not hear of it");
        sleep(Duration::from_millis(20)).await;
    }
    let mut stream = Events::open(&Client::new(), &stream).await;
    let (mut cursor, _) = end(&stream.payload().await);
    acknowledged.insert("0".to_owned(), 0);
    for round in 1..=2 {
        nats.kill();
        let begun = Instant::now();
        let key = format!("away{round}");
        let (status, code, after) = refusal(put(&servers[0], &key, "{}").await).await;
        assert_eq!((status, after.is_some()), (503, true), "{code}");
        assert!(["storage-away", "undecided"].contains(&&*code), "{code}");
        assert!(begun.elapsed() < LONG / 2);
        for server in &servers {
            let all: Value = get(server, "/v1/topics/t").await.json().await.unwrap();
            assert_eq!(all["items"].as_array().unwrap().len(), acknowledged.len(), "{all}");
            assert_eq!(get(server, "/readyz").await.status(), 200);
            let url = format!("{}/v1/topics/t/stream?basis={cursor}", server.url);
            let mut resumed = Events::open(&Client::new(), &url).await;
            assert_eq!(verdict(&resumed.event().await), ("none", "up-to-date", true));
        }
        nats.restart();
        for n in 0..10 {
            let key = format!("{round}-{n}");
            let body = put_at_last(&servers[n % 2], &key, &format!("{{\"n\":{n}}}")).await;
            assert_eq!(epoch(body["cursor"].as_str().unwrap()), epoch(&cursor), "it goes on");
            acknowledged.insert(key, n);
        }
        // A write that was answered 503 may be there all the same, if that was what it said.
        let _ = put_at_last(&servers[0], &key, "{}").await;
        acknowledged.insert(key, 0);
        // The stream that was open all the time has it all, each once.
        let mut seen = BTreeMap::new();
        while seen.len() < 11 {
            let events = stream.payload().await;
            let (reached, basis) = end(&events);
            assert_eq!(basis.as_ref(), Some(&cursor), "without a gap");
            cursor = reached;
            for event in events.iter().filter(|event| event.name == "put-object") {
                seen.insert(event.data["key"].to_string(), event.data["object"].clone());
            }
        }
        for server in &servers {
            let url = format!("{}/v1/topics/t/stream?basis={cursor}", server.url);
            let _ = Events::open(&Client::new(), &url).await.event().await;
            let all: Value = get(server, "/v1/topics/t").await.json().await.unwrap();
            let items = all["items"].as_array().unwrap();
            let keys: Vec<_> = items.iter().map(|item| item["key"].as_str().unwrap()).collect();
            assert_eq!(keys, acknowledged.keys().collect::<Vec<_>>());
        }
    }
}
