//! The Rust client's workers of event streams, on the real server, through connections that are cut.

use crate::common::Process;
use core::time::Duration;
use highwater::{Batch, EventStream, Materializer, Protocol, Refusal};
use reqwest::Client;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

const LONG: Duration = Duration::from_mins(1);

/// An address that stays, whichever server is behind it.
struct Door {
    url: String,
    server: Arc<Mutex<String>>,
    cut: mpsc::UnboundedSender<()>,
}

impl Door {
    async fn to(server: &Process) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let behind = Arc::new(Mutex::new(address(server)));
        let (cut, mut cuts) = mpsc::unbounded_channel();
        let server = Arc::clone(&behind);
        tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let mut client = accepted.unwrap().0;
                        let address = behind.lock().unwrap().clone();
                        open.spawn(async move {
                            if let Ok(mut server) = TcpStream::connect(address).await {
                                let _ = copy_bidirectional(&mut client, &mut server).await;
                            }
                        });
                    }
                    Some(()) = cuts.recv() => open.abort_all(),
                }
            }
        });
        Self { url, server, cut }
    }

    fn cut(&self) {
        self.cut.send(()).unwrap();
    }

    fn leads_to(&self, server: &Process) {
        *self.server.lock().unwrap() = address(server);
    }

    fn stream(&self, progress: Duration) -> EventStream {
        let short = Duration::from_millis(10);
        let builder = EventStream::builder(&self.url, "work").progress_every(progress);
        builder.retry(short, 10 * short).connect().unwrap()
    }
}

fn address(server: &Process) -> String {
    server.url.strip_prefix("http://").unwrap().into()
}

async fn put(server: &Process, path: &str, body: Value) {
    let request = Client::new().put(format!("{}{path}", server.url));
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
}

async fn orders(server: &Process, numbers: core::ops::RangeInclusive<u64>) {
    for n in numbers {
        put(server, &format!("/v1/topics/orders/order/{n}"), json!({ "n": n })).await;
    }
}

async fn next(stream: &mut EventStream) -> Batch {
    timeout(LONG, stream.next()).await.expect("a batch comes").unwrap()
}

fn numbers(batch: &Batch) -> Vec<u64> {
    batch.iter().map(|event| event.object::<Value>().unwrap()["n"].as_u64().unwrap()).collect()
}

fn work() -> Value {
    json!({ "source": "orders", "batchSize": 2, "batchTimeout": "20ms", "websocket": { "ackTimeout": "2s" } })
}

#[tokio::test]
async fn what_is_refused_dropped_or_cut_off_comes_again_and_what_is_acknowledged_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::durable(folder.path(), &["--event-streams"]);
    let door = Door::to(&server).await;
    orders(&server, 1..=4).await; // before the stream is there, so that batches are full
    put(&server, "/v1/eventstreams/work", work()).await;
    let mut stream = door.stream(LONG);

    let batch = next(&mut stream).await;
    assert_eq!((numbers(&batch), batch.is_answered()), (vec![1, 2], false));
    batch.nack("not now");
    let batch = next(&mut stream).await;
    assert_eq!(numbers(&batch), [1, 2]);
    drop(batch); // by an error on the way, say
    // The first was dealt with, the second was not.
    let batch = next(&mut stream).await;
    assert_eq!(numbers(&batch), [1, 2]);
    batch.refuse(Refusal { event: Some(1), delay: Some(Duration::ZERO), ..Refusal::default() });
    let batch = next(&mut stream).await;
    assert_eq!(numbers(&batch), [2]);
    door.cut();
    let again = next(&mut stream).await;
    assert_eq!((numbers(&again), batch.is_answered()), (vec![2], true));
    batch.ack(); // of a connection that is gone: this one stays
    again.ack();
    let batch = next(&mut stream).await;
    assert_eq!(numbers(&batch), [3, 4]);
    // Whoever leaves leaves it to the next.
    drop((batch, stream));
    let mut stream = door.stream(LONG);
    let batch = next(&mut stream).await;
    assert_eq!(numbers(&batch), [3, 4]);
    batch.ack();
    orders(&server, 5..=5).await;
    assert_eq!(numbers(&next(&mut stream).await), [5]);
}

#[tokio::test]
async fn whoever_works_for_long_says_so() {
    let server = Process::start(&["serve", "--event-streams"]);
    let door = Door::to(&server).await;
    put(&server, "/v1/eventstreams/work", work()).await;
    orders(&server, 1..=1).await;
    let mut stream = door.stream(Duration::from_millis(100));
    let batch = next(&mut stream).await;
    let number = batch.number();
    tokio::time::sleep(Duration::from_secs(5)).await; // twice the server's patience
    assert!(!batch.is_answered());
    batch.ack();
    orders(&server, 2..=2).await;
    let batch = next(&mut stream).await;
    assert_eq!((numbers(&batch), batch.number()), (vec![2], number.map(|number| number + 1)));
}

/// A handler, a server that is killed under it, and a state that follows.
#[tokio::test]
async fn a_worker_goes_on_with_the_next_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::durable(folder.path(), &["--event-streams"]);
    let door = Door::to(&server).await;
    put(&server, "/v1/eventstreams/work", work()).await;
    orders(&server, 1..=20).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut state = Materializer::new(Protocol::eventstream());
    let mut refused = false;
    let worker = tokio::spawn(door.stream(LONG).handle(async move |batch: &Batch| {
        if !core::mem::replace(&mut refused, true) {
            return Err("not yet".to_owned());
        }
        batch.apply(&mut state).map_err(|error| error.to_string())?;
        let restored = {
            let mut restored = Materializer::new(Protocol::eventstream());
            restored
                .restore_checkpoint(highwater::Instant::default(), &state.checkpoint())
                .unwrap();
            restored
        };
        assert_eq!(restored.cursor(), state.cursor());
        tell.send((numbers(batch), state.state().len())).map_err(|error| error.to_string())
    }));
    let (mut seen, mut killed) = (0, false);
    while seen < 40 {
        let (numbers, items) = timeout(LONG, told.recv()).await.unwrap().unwrap();
        assert!(numbers[0] <= seen + 1, "{numbers:?} after {seen}");
        seen = seen.max(*numbers.last().unwrap());
        assert_eq!(items as u64, seen, "what comes again changes nothing");
        if seen >= 10 && !core::mem::replace(&mut killed, true) {
            server.child.kill().unwrap();
            server.child.wait().unwrap();
            door.cut();
            server = Process::durable(folder.path(), &["--event-streams"]);
            door.leads_to(&server);
            orders(&server, 21..=40).await;
        }
    }
    worker.abort();
}
