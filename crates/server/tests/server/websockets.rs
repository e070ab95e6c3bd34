//! `serve --event-streams`: topics delivered to WebSocket clients at `/ws`.

use crate::access::ADMIN;
use crate::common::Process;
use core::time::Duration;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::io::Read as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

const LONG: Duration = Duration::from_mins(1);

struct Worker(WebSocketStream<TcpStream>);

impl Worker {
    async fn connect(server: &Process) -> Self {
        let address = server.url.strip_prefix("http://").unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async(format!("ws://{address}/ws"), socket).await.unwrap();
        let mut worker = Self(socket);
        worker.say(&json!({ "type": "start", "stream": "work" })).await;
        worker
    }

    async fn say(&mut self, command: &Value) {
        self.0.send(Message::text(command.to_string())).await.unwrap();
    }

    async fn batch(&mut self) -> Value {
        loop {
            let message = timeout(LONG, self.0.next()).await.expect("a batch comes");
            if let Message::Text(text) = message.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Waits until the server has read everything that was said.
    async fn read_up_to_here(&mut self) {
        self.0.send(Message::Ping(Vec::new().into())).await.unwrap();
        loop {
            let message = timeout(LONG, self.0.next()).await.expect("a pong comes");
            if let Message::Pong(_) = message.unwrap().unwrap() {
                return;
            }
        }
    }

    async fn answer(&mut self, kind: &str, batch: &Value) {
        let number = &batch["batchNumber"];
        self.say(&json!({ "type": kind, "stream": "work", "batchNumber": number })).await;
    }
}

async fn call(server: &Process, method: Method, path: &str, body: Value) -> Value {
    let request = Client::new().request(method, format!("{}{path}", server.url));
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
}

fn topics(batch: &Value) -> Vec<&str> {
    let events = batch["events"].as_array().unwrap();
    events.iter().map(|event| event["topic"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_topic_is_delivered_to_workers_that_answer_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::durable(folder.path(), &["--event-streams"]);
    let stream = json!({ "source": "orders", "batchSize": 2, "batchTimeout": "10ms" });
    call(&server, Method::PUT, "/v1/eventstreams/work", stream).await;
    for n in 1..=4 {
        let path = format!("/v1/topics/orders/order/{n}");
        call(&server, Method::PUT, &path, json!({ "n": n })).await;
    }
    let mut one = Worker::connect(&server).await;
    let first = one.batch().await;
    // Refused it comes again, under a new number.
    one.answer("nack", &first).await;
    let again = one.batch().await;
    assert_eq!((topics(&first), &again["batchNumber"]), (topics(&again), &json!(2)));
    // A worker that goes without an answer leaves it to the next one.
    let mut other = Worker::connect(&server).await;
    drop(one);
    let third = other.batch().await;
    assert_eq!(topics(&third), topics(&first));
    let mut seen = topics(&third).len();
    other.answer("ack", &third).await;
    while seen < 4 {
        let batch = other.batch().await;
        seen += topics(&batch).len();
        other.answer("ack", &batch).await;
    }
    // What was acknowledged is not delivered again, also by a server that comes after this one.
    let deadline = Instant::now() + LONG;
    loop {
        let shown = call(&server, Method::GET, "/v1/eventstreams/work", json!({})).await;
        let statistics = &shown["statistics"];
        if statistics["checkpoint"] == statistics["highestDetected"] {
            break;
        }
        assert!(Instant::now() < deadline, "{shown}");
        sleep(Duration::from_millis(10)).await;
    }
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let server = Process::durable(folder.path(), &["--event-streams"]);
    let mut worker = Worker::connect(&server).await;
    call(&server, Method::PUT, "/v1/topics/orders/order/5", json!({ "n": 5 })).await;
    assert_eq!(topics(&worker.batch().await), ["order/5"]);
}

/// What others say neither ends a stream, nor answers for a worker, nor is it anybody's but theirs.
#[tokio::test]
async fn what_makes_no_sense_harms_nobody_else() {
    let server = Process::start(&["serve", "--event-streams"]);
    let stream = json!({ "source": "orders", "batchSize": 1, "batchTimeout": "10ms" });
    call(&server, Method::PUT, "/v1/eventstreams/work", stream).await;
    let mut worker = Worker::connect(&server).await;
    // A pong says that what was said before is read: the worker is the only one to get batches.
    worker.read_up_to_here().await;
    call(&server, Method::PUT, "/v1/topics/orders/order/1", json!({})).await;
    let batch = worker.batch().await;

    let large = format!("{{\"type\":\"start\",\"stream\":\"{}\"}}", "x".repeat(1 << 20));
    for wrong in [
        Message::text("no JSON"),
        Message::text(""),
        Message::text("[]"),
        Message::text(r#"{"type":"ack","batchNumber":"1"}"#),
        Message::text("[".repeat(60_000)),
        Message::binary(vec![0xff; 100]),
        Message::text(large),
    ] {
        let mut other = Worker::connect(&server).await;
        // A large one may be hung up on before it is all said.
        let _ = other.0.send(wrong).await;
        let end = timeout(LONG, async { while let Some(Ok(_)) = other.0.next().await {} }).await;
        assert!(end.is_ok(), "it is hung up on");
    }
    let mut stranger = Worker::connect(&server).await;
    for command in [
        json!({ "type": "ack", "stream": "work", "batchNumber": batch["batchNumber"] }),
        json!({ "type": "nack", "stream": "work" }),
        json!({ "type": "ack", "stream": "none", "batchNumber": -1 }),
        json!({ "type": "ack" }),
        json!({ "type": "dance", "stream": "work" }),
        json!({ "type": "start", "stream": "x".repeat(1000) }),
        Value::Null,
    ] {
        stranger.say(&command).await;
    }
    stranger.read_up_to_here().await;
    let (path, nothing) = ("/v1/eventstreams/work", json!({}));
    let shown = call(&server, Method::GET, path, nothing.clone()).await;
    assert_eq!(shown["statistics"]["lastDispatchComplete"], "dispatching", "{shown}");

    // A wrong number, and then the right one more often than once.
    worker.say(&json!({ "type": "ack", "stream": "work", "batchNumber": 99 })).await;
    for _ in 0..5 {
        worker.answer("ack", &batch).await;
    }
    drop(stranger);
    call(&server, Method::PUT, "/v1/topics/orders/order/2", json!({})).await;
    assert_eq!(topics(&worker.batch().await), ["order/2"]);
}

#[tokio::test]
async fn who_asks_for_no_upgrade_or_for_a_page_elsewhere_is_refused() {
    let server = Process::start(&["serve", "--event-streams"]);
    let plain = Client::new().get(format!("{}/ws", server.url));
    assert_eq!(plain.send().await.unwrap().status(), 400);
    let without = Process::start(&["serve"]);
    let plain = Client::new().get(format!("{}/ws", without.url));
    assert_eq!(plain.send().await.unwrap().status(), 404);
}

/// A browser's WebSocket sends no header: its token is one of the protocols that it offers.
#[cfg(unix)]
#[tokio::test]
async fn a_browser_offers_its_token_as_a_protocol() {
    let environment = [("HIGHWATER_ADMIN_TOKEN", ADMIN), ("RUST_LOG", "trace")];
    let mut server = Process::logged(&["serve", "--event-streams"], &environment);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let offered = "base64url.bearer.authorization.dGhlLWFkbWluaXN0cmF0b3JzLXNlY3JldA";
    let handshake = async |protocols: String| {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        if !protocols.is_empty() {
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        let socket = TcpStream::connect(&address).await.unwrap();
        client_async(request, socket).await
    };
    // In time event streams are there.
    let deadline = Instant::now() + LONG;
    let answer = loop {
        match handshake(format!("highwater, {offered}")).await {
            Ok((_, answer)) => break answer,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        sleep(Duration::from_millis(10)).await;
    };
    // What is said of it is not the token.
    assert_eq!(answer.headers()["sec-websocket-protocol"], "highwater");
    let short = &offered[..offered.len() - 2];
    for protocols in ["", "highwater", short, "base64url.bearer.authorization.%"] {
        match handshake(protocols.to_owned()).await {
            Err(tungstenite::Error::Http(answer)) => {
                assert_eq!(answer.status(), 401, "{protocols}");
            }
            other => panic!("{protocols}: {other:?}"),
        }
    }
    server.child.kill().unwrap();
    let mut log = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("/ws"), "{log}");
    for secret in [ADMIN, "dGhlLWFkbWlu"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
