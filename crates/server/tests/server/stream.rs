//! Streams: what a reader is told, and how it comes back.

use crate::common::{Event, Events, PATIENCE, Server, end, index, verdict};
use core::time::Duration;
use highwater_server::{App, Settings, app};
use reqwest::Method;
use serde_json::json;

async fn put(server: &Server, item: &str, n: u64) {
    let (status, body) =
        server.put(&format!("/v1/topics/t/{item}"), &format!("{{\"n\":{n}}}")).await;
    assert!(status.is_success(), "{body}");
}

fn brief(event: &Event) -> String {
    let text = |name: &str| event.data[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}/{}", event.name, text("kind"), text("key"))
}

#[tokio::test]
async fn a_new_reader_gets_a_snapshot_and_follows() {
    let server = Server::start().await;
    put(&server, "a/1", 1).await;
    let mut stream = server.stream("/v1/topics/t/stream").await;
    assert_eq!(stream.header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(stream.header("cache-control"), "no-cache, no-store, must-revalidate");
    assert_eq!(stream.header("x-accel-buffering"), "no");

    let events = stream.payload().await;
    assert_eq!(verdict(&events[0]), ("xfer-full", "payload-missing", false));
    assert_eq!(events[0].data["payloads"][0]["target"], 1);
    assert_eq!(
        events[0].data["highwater"],
        json!({ "version": 1, "resumed": false, "heartbeat": 15000 })
    );
    let object = "event: put-object\ndata: {\"kind\":\"a\",\"key\":\"1\",\"version\":1,\"object\":{\"n\":1}}";
    assert_eq!(events[1].raw, object);
    let (snapshot, basis) = end(&events);
    assert_eq!((index(&snapshot), basis), (1, None));

    put(&server, "a/1", 2).await;
    server.send(Method::DELETE, "/v1/topics/t/a/1", "").await;
    let (second, basis) = end(&stream.payload().await);
    assert_eq!((index(&second), basis), (2, Some(snapshot)), "the chain");
    let events = stream.payload().await;
    assert_eq!(
        events[0].raw,
        "event: delete-object\ndata: {\"kind\":\"a\",\"key\":\"1\",\"version\":3}"
    );
    assert_eq!(end(&events).1, Some(second), "the chain");
}

#[tokio::test]
async fn a_reader_that_comes_back_is_told_how() {
    let settings = Settings::default();
    let topic = highwater_publisher::Options { log_transactions: 2, ..settings.topic };
    let server = Server::with(Settings { topic, ..settings }).await;
    for n in 1..=4 {
        put(&server, "a/1", n).await;
    }
    let cursor = server.get("/v1/topics/t").await.1["cursor"].as_str().unwrap().to_owned();
    let at = |n: u64| cursor.replace(".4", &format!(".{n}"));
    let open =
        async |basis: &str| server.stream(&format!("/v1/topics/t/stream?basis={basis}")).await;

    let mut current = open(&cursor).await;
    let intent = current.event().await;
    assert_eq!(verdict(&intent), ("none", "up-to-date", true));
    assert_eq!(intent.id.as_deref(), Some(&*cursor));

    let mut behind = open(&at(2)).await;
    assert_eq!(verdict(&behind.event().await), ("xfer-changes", "stale", true));
    assert_eq!(end(&behind.payload().await), (at(3), Some(at(2))));
    assert_eq!(end(&behind.payload().await), (cursor.clone(), Some(at(3))));

    for basis in [at(1), at(5), "other.4".into(), "nonsense".into(), "%00%FFx".into()] {
        let events = open(&basis).await.payload().await;
        assert_eq!(verdict(&events[0]), ("xfer-full", "cant-catchup", false), "{basis}");
        assert_eq!(end(&events), (cursor.clone(), None));
    }

    put(&server, "a/1", 5).await;
    for mut stream in [current, behind] {
        assert_eq!(end(&stream.payload().await), (at(5), Some(cursor.clone())));
    }
}

#[tokio::test]
async fn last_event_id_resumes_and_wins_over_basis() {
    let server = Server::start().await;
    put(&server, "a/1", 1).await;
    put(&server, "a/1", 2).await;
    let cursor = server.get("/v1/topics/t").await.1["cursor"].as_str().unwrap().to_owned();
    let open = async |query: &str, last: &str| {
        let url = format!("{}/v1/topics/t/stream{query}", server.url);
        let mut response =
            server.client.get(url).header("last-event-id", last).send().await.unwrap();
        let chunk = response.chunk().await.unwrap().unwrap();
        String::from_utf8(chunk.into()).unwrap()
    };
    assert!(open("", &cursor).await.contains("up-to-date"));
    assert!(open("?basis=", &cursor).await.contains("up-to-date"));
    assert!(open("", "old.1").await.contains("cant-catchup"));
    let query = format!("?basis={}", cursor.replace(".2", ".1"));
    assert!(open(&query, &cursor).await.contains("up-to-date"));
    assert!(open(&format!("?basis={cursor}"), "old.1").await.contains("cant-catchup"));
}

#[tokio::test]
async fn a_stream_of_one_kind_has_only_that() {
    let server = Server::start().await;
    put(&server, "a/1", 1).await;
    put(&server, "b/1", 1).await;
    let mut stream = server.stream("/v1/topics/t/stream?kind=b").await;
    let events = stream.payload().await;
    assert_eq!(
        events[1..events.len() - 1].iter().map(brief).collect::<Vec<_>>(),
        ["put-object b/1"]
    );
    let (mut told, _) = end(&events);
    put(&server, "a/1", 2).await;
    for n in 2..4 {
        put(&server, "a/1", n).await;
        put(&server, "b/1", n).await;
        let events = stream.payload().await;
        assert_eq!(
            events.iter().map(brief).collect::<Vec<_>>(),
            ["put-object b/1", "payload-transferred /"]
        );
        let (state, basis) = end(&events);
        assert_eq!(basis, Some(told), "the chain");
        told = state;
    }
    put(&server, "a/1", 9).await;
    let mut back = server.stream(&format!("/v1/topics/t/stream?kind=b&basis={told}")).await;
    assert_eq!(verdict(&back.event().await), ("none", "up-to-date", true));
}

#[tokio::test]
async fn a_transaction_arrives_whole() {
    let server = Server::start().await;
    put(&server, "a/1", 1).await;
    let mut stream = server.stream("/v1/topics/t/stream").await;
    stream.payload().await;
    let operations = json!({ "operations": [
        { "op": "put", "kind": "a", "key": "2", "object": {} },
        { "op": "delete", "kind": "a", "key": "1" },
    ] });
    server.send(Method::POST, "/v1/topics/t/transactions", &operations.to_string()).await;
    let names: Vec<_> = stream.payload().await.iter().map(brief).collect();
    assert_eq!(names, ["put-object a/2", "delete-object a/1", "payload-transferred /"]);
}

#[tokio::test]
async fn a_quiet_stream_gets_heartbeats() {
    let settings = Settings::default();
    let topic =
        highwater_publisher::Options { heartbeat: Duration::from_millis(50), ..settings.topic };
    let server = Server::with(Settings { topic, ..settings }).await;
    put(&server, "a/1", 1).await;
    let mut stream = server.stream("/v1/topics/t/stream").await;
    assert_eq!(stream.payload().await[0].data["highwater"]["heartbeat"], 50);
    for _ in 0..3 {
        assert_eq!(stream.next().await.unwrap().raw, "event: heart-beat\ndata: {}");
    }
    put(&server, "a/1", 2).await;
    assert_eq!(stream.event().await.name, "put-object");
}

#[tokio::test]
async fn stopping_says_goodbye_and_ends_in_time() {
    let mut server = Server::start().await;
    put(&server, "a/1", 1).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = server.stream("/v1/topics/t/stream").await;
        stream.payload().await;
        streams.push(stream);
    }
    let waiting = server.client.get(format!("{}/v1/topics/t?index=1&wait=60s", server.url)).send();
    let waiting = tokio::spawn(waiting);
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop.take().unwrap().send(()).unwrap();
    for stream in &mut streams {
        let goodbye = stream.next().await.unwrap();
        assert_eq!(
            goodbye.data,
            json!({ "reason": "draining", "silent": false, "catastrophe": false })
        );
        assert_eq!((goodbye.name.as_str(), stream.next().await), ("goodbye", None));
    }
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    tokio::time::timeout(PATIENCE / 2, server.running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_draining_server_is_healthy_but_not_ready() {
    let state = App::new(Settings::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app(state.clone())).into_future());
    state.drain();
    assert_eq!(reqwest::get(format!("{url}/healthz")).await.unwrap().status(), 200);
    assert_eq!(reqwest::get(format!("{url}/readyz")).await.unwrap().status(), 503);
}

#[tokio::test]
async fn many_readers_see_the_same_bytes() {
    let server = Server::start().await;
    put(&server, "a/1", 0).await;
    let mut streams = Vec::new();
    for _ in 0..50 {
        streams.push(server.stream("/v1/topics/t/stream").await);
    }
    for n in 1..=100 {
        put(&server, "a/1", n).await;
    }
    let read = async |stream: &mut Events| {
        let mut told = end(&stream.payload().await).0;
        while index(&told) < 101 {
            let (state, basis) = end(&stream.payload().await);
            assert_eq!(basis, Some(told), "nothing missed, nothing twice");
            told = state;
        }
    };
    for stream in &mut streams {
        read(stream).await;
    }
}
