//! What a server takes on, and what it tells those that it does not.

use crate::access::{ADMIN, mint, rules};
use crate::common::{Events, PATIENCE, Server, answer, error, unread, until};
use core::time::Duration;
use highwater::{Phase, Store};
use highwater_publisher::Options;
use highwater_server::{Access, Limits, Settings};
use reqwest::{Method, Response};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

async fn limited(limits: Limits) -> Server {
    let server = Server::with(Settings { limits, ..Settings::default() }).await;
    server.put("/v1/topics/t/a/1", "{\"n\":1}").await;
    server
}

async fn ask(server: &Server, path: &str) -> Response {
    server.client.get(format!("{}{path}", server.url)).send().await.unwrap()
}

/// The seconds after which to come again.
async fn refused(response: Response, status: u16, code: &str) -> u64 {
    let after = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let (answered, body) = answer(response).await;
    assert_eq!((answered.as_u16(), error(&body).0), (status, code));
    after
}

/// More than the buffers between two sockets take.
async fn put_much(server: &Server) {
    let filler = "x".repeat(512 << 10);
    for n in 0..40 {
        let object = format!("{{\"n\":{n},\"filler\":\"{filler}\"}}");
        assert!(server.put(&format!("/v1/topics/t/big/{n}"), &object).await.0.is_success());
    }
}

#[tokio::test]
async fn streams_that_begin_too_fast_are_told_when_to_come_again() {
    let server = limited(Limits { opens_per_second: 1, ..Limits::default() }).await;
    let url = format!("{}/v1/topics/t/stream", server.url);
    let asked: Vec<_> = (0..30).map(|_| tokio::spawn(server.client.get(&url).send())).collect();
    let (mut open, mut after) = (Vec::new(), Vec::new());
    for asked in asked {
        let response = timeout(PATIENCE, asked).await.unwrap().unwrap().unwrap();
        match response.status().as_u16() {
            200 => open.push(response),
            _ => after.push(refused(response, 503, "too-many-opens").await),
        }
    }
    // How many were let in depends on how long it took.
    assert!(open.len() >= 2 && !after.is_empty(), "{} were let in", open.len());
    assert!(after.iter().all(|after| (1..=28).contains(after)), "{after:?}");
    let different: std::collections::BTreeSet<_> = after.iter().collect();
    assert!(different.len() > 1 || after.len() == 1, "they do not come together: {after:?}");
    assert_eq!(server.get("/v1/topics/t").await.0, 200, "what is no stream is served");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_herd_gets_in_by_coming_when_told() {
    let server = limited(Limits { opens_per_second: 10, ..Limits::default() }).await;
    let stores: Vec<_> = (0..40)
        .map(|_| highwater::connect(format!("{}/v1/topics/t/stream", server.url)).unwrap())
        .collect();
    for store in &stores {
        timeout(PATIENCE * 3, store.ready()).await.expect("in time").unwrap();
    }
    let label = "highwater_requests_total{method=\"GET\",route=\"/v1/topics/{topic}/stream\",status=\"503\"}";
    assert!(server.metric(label).await.is_some_and(|refused| refused >= 10.0));
}

#[tokio::test]
async fn streams_are_counted() {
    let server = limited(Limits { streams: 2, ..Limits::default() }).await;
    let one = server.stream("/v1/topics/t/stream").await;
    let _two = server.stream("/v1/topics/t/stream").await;
    refused(ask(&server, "/v1/topics/t/stream").await, 503, "too-many-streams").await;
    refused(ask(&server, "/v1/topics/t?index=1&wait=1s").await, 503, "too-many-streams").await;
    drop(one);
    until("there is room", async || ask(&server, "/v1/topics/t/stream").await.status() == 200)
        .await;
}

#[tokio::test]
async fn streams_of_a_token_are_counted() {
    let limits = Limits { streams_per_token: 1, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let server = Server::guarded(settings, Access::open(rules()).unwrap()).await;
    server.send_as(ADMIN, Method::PUT, "/v1/topics/t/a/1", "{}").await;
    let (_, one) = mint(&server, json!({ "name": "one", "read": ["*"] })).await;
    let (_, two) = mint(&server, json!({ "name": "two", "read": ["*"] })).await;
    let ask = async |secret: &str| {
        let request = server.client.get(format!("{}/v1/topics/t/stream", server.url));
        request.bearer_auth(secret).send().await.unwrap()
    };
    let open = Events::of(ask(&one).await);
    refused(ask(&one).await, 429, "too-many-streams").await;
    assert_eq!(ask(&two).await.status(), 200);
    drop(open);
    until("there is room", async || ask(&one).await.status() == 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_on_their_way_are_bounded_and_resumes_are_not() {
    let server = limited(Limits { snapshot_bytes: 1 << 20, ..Limits::default() }).await;
    put_much(&server).await;
    let cursor = ask(&server, "/v1/topics/t/a/1").await.headers()["x-highwater-cursor"].clone();
    let mut slow = unread(&server).await;
    for path in ["/v1/topics/t/stream", "/v1/topics/t", "/v1/topics/t/export"] {
        refused(ask(&server, path).await, 503, "too-many-snapshots").await;
    }
    let back = format!("/v1/topics/t/stream?basis={}", cursor.to_str().unwrap());
    assert_eq!(ask(&server, &back).await.status(), 200);
    // Read, it makes room.
    let (mut text, mut piece) = (Vec::new(), vec![0; 1 << 20]);
    // An item ends otherwise. Behind it is the end of the chunk.
    while !text.ends_with(b"}\n\n\r\n") || text.ends_with(b"}}\n\n\r\n") {
        let read = timeout(PATIENCE, slow.read(&mut piece)).await.unwrap().unwrap();
        assert_ne!(read, 0);
        text = [&text[text.len().saturating_sub(8)..], &piece[..read]].concat();
    }
    until("there is room", async || ask(&server, "/v1/topics/t/stream").await.status() == 200)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_is_let_go_of() {
    let server = limited(Limits { stall: Duration::from_millis(500), ..Limits::default() }).await;
    put_much(&server).await;
    let _slow = unread(&server).await;
    until("it is let go of", async || {
        server.metric("highwater_connections_stalled_total").await == Some(1.0)
            && server.metric("highwater_streams").await == Some(0.0)
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_a_quiet_kind_hears_heartbeats_on_a_busy_topic() {
    let topic = Options { heartbeat: Duration::from_millis(50), ..Options::default() };
    let server = Server::with(Settings { topic, ..Settings::default() }).await;
    server.put("/v1/topics/t/quiet/1", "{}").await;
    let mut stream = server.stream("/v1/topics/t/stream?kind=quiet").await;
    stream.payload().await;
    let mut heard = 0;
    for n in 0.. {
        server.put("/v1/topics/t/busy/1", &format!("{{\"n\":{n}}}")).await;
        if let Ok(event) = timeout(Duration::from_millis(5), stream.next()).await {
            assert_eq!(event.unwrap().name, "heart-beat");
            heard += 1;
            if heard == 3 {
                break;
            }
        }
        assert!(n < 10_000, "a heartbeat comes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_stream_ends_and_its_reader_goes_on_without_a_gap() {
    let server =
        limited(Limits { age: Some(Duration::from_millis(1500)), ..Limits::default() }).await;
    let mut stream = server.stream("/v1/topics/t/stream").await;
    stream.payload().await;
    let goodbye = stream.event().await;
    let expect = json!({ "reason": "max-age", "silent": true, "catastrophe": false });
    assert_eq!((&*goodbye.name, &goodbye.data), ("goodbye", &expect));
    assert_eq!(stream.next().await, None);

    let store = Store::builder(format!("{}/v1/topics/t/stream", server.url)).connect().unwrap();
    store.ready().await.unwrap();
    let mut changes = store.changes();
    let (mut next, mut resumed) = (2, 0);
    let mut statuses = store.statuses();
    while resumed < 2 {
        server.put("/v1/topics/t/a/1", &format!("{{\"n\":{next}}}")).await;
        let change = timeout(PATIENCE, changes.next()).await.expect("it goes on").unwrap().unwrap();
        let versions: Vec<_> = change.changes.iter().map(|change| change.version).collect();
        assert_eq!((versions, change.snapshot), (vec![next], false), "each once, none missed");
        next += 1;
        let stale = |status: &highwater::Status| status.phase != Phase::Live;
        if timeout(Duration::from_millis(20), statuses.wait_for(stale)).await.is_ok() {
            resumed += 1;
            let live = |status: &highwater::Status| status.phase == Phase::Live;
            let status = timeout(PATIENCE, statuses.wait_for(live)).await.unwrap().unwrap().clone();
            assert_eq!((status.resumed, status.fault), (Some(true), None));
        }
    }
}

#[tokio::test]
async fn a_head_has_a_limit() {
    // Streams that end within a second would look like a server that fails.
    let server = limited(Limits { head_bytes: 1000, ..Limits::default() }).await;
    let get = |path: &str| server.client.get(format!("{}{path}", server.url));
    let (status, body) =
        answer(get(&format!("/v1/topics/{}", "x".repeat(1000))).send().await.unwrap()).await;
    assert_eq!((status.as_u16(), error(&body).0), (414, "head-too-large"));
    let large = get("/v1/topics/t").header("x-large", "x".repeat(1000)).send().await.unwrap();
    let (status, body) = answer(large).await;
    assert_eq!((status.as_u16(), error(&body).0), (431, "head-too-large"));
    assert_eq!(get("/v1/topics/t").send().await.unwrap().status(), 200);
}
