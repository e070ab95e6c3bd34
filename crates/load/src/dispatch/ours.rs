//! Our server: topics in SQLite, delivered by WebSocket or webhook.

use super::tally::{Computed, Measured, Tally};
use crate::mark::Mark;
use crate::process::Process;
use crate::{Failure, Result};
use axum::body::Bytes;
use core::net::SocketAddr;
use core::time::Duration;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;
use tempfile::TempDir;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    WebSocket,
    Webhook,
}

pub(super) struct Ours {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
    /// How many streams there were, each with a name of its own.
    streams: usize,
    _folder: TempDir,
}

impl Ours {
    pub(super) fn start(program: &Path) -> Result<Self> {
        let folder = TempDir::new()?;
        let data = folder.path().to_string_lossy().into_owned();
        let all = ["serve", "--listen", "127.0.0.1:0", "--event-streams", "--data", &data];
        let keep = ["--log-transactions", "100000000", "--log-bytes", "10000000000"];
        let mut process =
            Process::start(0, &program.to_string_lossy(), &[&all[..], &keep].concat())?;
        let address = process.address()?.parse()?;
        Ok(Self { process, address, streams: 0, _folder: folder })
    }

    /// Events into topic `backlog`, a transaction each.
    pub(super) async fn fill(&self, events: u64, bytes: usize) -> Result {
        let writers = (0..WRITERS).map(|writer| {
            let address = self.address;
            tokio::spawn(async move {
                let mut caller = Caller::connect(address).await?;
                for number in (1..=events).filter(|number| number % WRITERS == writer) {
                    let payload = Mark { number, due: 0 }.payload(bytes);
                    caller.send(&put("backlog", number, &payload)).await?;
                    caller.answer().await?;
                }
                Ok::<_, Failure>(())
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await??;
        }
        Ok(())
    }

    /// Delivers all that there is.
    pub(super) async fn drain(&mut self, way: Way, batch: usize, events: u64) -> Result<Measured> {
        let name = self.new_name();
        let worker = Worker::set_up(way, &name, self.address).await?;
        let (before, tally) = (Computed::now(&self.process)?, Tally::of(events));
        let stream = described(way, &worker, &name, "backlog", batch, "500ms");
        call(self.address, "PUT", &format!("/v1/eventstreams/{name}"), &stream).await?;
        let tally = worker.work(tally).await?;
        let measured = tally.measured(&self.process, before)?;
        self.settle(&name).await?;
        Ok(measured)
    }

    /// Delivers what is written at a pace. An event waits for others for a millisecond only.
    pub(super) async fn paced(
        &mut self,
        way: Way,
        batch: usize,
        bytes: usize,
        seconds: f64,
    ) -> Result<Measured> {
        let (name, events) = (self.new_name(), super::paced_events(seconds));
        let worker = Worker::set_up(way, &name, self.address).await?;
        // What others have written there is none of its business.
        let stream = described(way, &worker, &name, &name, batch, "1ms");
        call(self.address, "PUT", &format!("/v1/topics/{name}/first/0"), &json!({})).await?;
        call(self.address, "PUT", &format!("/v1/eventstreams/{name}"), &stream).await?;
        let caller = Caller::connect(self.address).await?;
        let (before, tally) = (Computed::now(&self.process)?, Tally::of(events));
        let writing = tokio::spawn(caller.pace(name.clone(), tally.began, events, bytes));
        let tally = worker.work(tally).await?;
        writing.await??;
        let measured = tally.measured(&self.process, before)?;
        self.settle(&name).await?;
        Ok(measured)
    }

    fn new_name(&mut self) -> String {
        self.streams += 1;
        format!("stream-{}", self.streams)
    }

    /// Waits until all that was delivered is also written down as such, and removes the stream.
    async fn settle(&self, name: &str) -> Result {
        let (path, begun) = (format!("/v1/eventstreams/{name}"), Instant::now());
        loop {
            let shown = call(self.address, "GET", &path, &Value::Null).await?;
            let told = &shown["statistics"];
            if told["pending"] == 0 && told["checkpoint"] == told["highestDetected"] {
                break;
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("not everything was acknowledged: {shown}").into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        call(self.address, "DELETE", &path, &Value::Null).await.map(drop)
    }
}

/// A stream as its maker describes it.
fn described(
    way: Way,
    worker: &Worker,
    name: &str,
    topic: &str,
    batch: usize,
    wait: &str,
) -> Value {
    let mut stream =
        json!({ "name": name, "source": topic, "batchSize": batch, "batchTimeout": wait });
    if let (Way::Webhook, Worker::Webhook { address, .. }) = (way, worker) {
        stream["type"] = "webhook".into();
        stream["webhook"] = json!({ "url": format!("http://{address}/") });
    }
    stream
}

/// Whoever gets the batches, and answers.
enum Worker {
    WebSocket(Box<tokio_tungstenite::WebSocketStream<TcpStream>>, String),
    Webhook { address: SocketAddr, batches: mpsc::Receiver<(Bytes, mpsc::Sender<()>)> },
}

impl Worker {
    async fn set_up(way: Way, stream: &str, server: SocketAddr) -> Result<Self> {
        if way == Way::Webhook {
            return Self::webhook().await;
        }
        let socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        let url = format!("ws://{server}/ws");
        let (mut socket, _) = tokio_tungstenite::client_async(url, socket).await?;
        let start = json!({ "type": "start", "stream": stream }).to_string();
        socket.send(Message::text(start)).await?;
        Ok(Self::WebSocket(Box::new(socket), stream.to_owned()))
    }

    async fn webhook() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, (send, batches)) = (listener.local_addr()?, mpsc::channel(1));
        let router = axum::Router::new().route(
            "/",
            axum::routing::post(move |body: Bytes| {
                let send = send.clone();
                async move {
                    let (done, mut counted) = mpsc::channel(1);
                    if send.send((body, done)).await.is_ok() {
                        counted.recv().await;
                    }
                }
            }),
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self::Webhook { address, batches })
    }

    /// Takes batches until everything has come.
    async fn work(self, mut tally: Tally) -> Result<Tally> {
        let late = |tally: &Tally| format!("nothing comes after {} events", tally.count);
        match self {
            Self::WebSocket(mut socket, stream) => {
                while !tally.is_whole() {
                    let message =
                        timeout(PATIENCE, socket.next()).await.map_err(|_| late(&tally))?;
                    let message = message.ok_or("the server hung up on its worker")??;
                    if let Message::Text(text) = message {
                        tally.take(text.as_bytes());
                        let number = number(&text).ok_or("a batch without a number")?;
                        let ack = format!(
                            "{{\"type\":\"ack\",\"stream\":\"{stream}\",\"batchNumber\":{number}}}"
                        );
                        socket.send(Message::text(ack)).await?;
                    }
                }
            }
            Self::Webhook { mut batches, .. } => {
                while !tally.is_whole() {
                    let batch =
                        timeout(PATIENCE, batches.recv()).await.map_err(|_| late(&tally))?;
                    let (body, done) = batch.ok_or("the receiver ended")?;
                    tally.take(&body);
                    drop(done);
                }
            }
        }
        Ok(tally)
    }
}

/// Of `{"batchNumber":N,…`, as our server writes it.
fn number(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("{\"batchNumber\":")?;
    rest.split(',').next()
}

/// One connection of HTTP/1.1.
struct Caller(BufReader<TcpStream>);

impl Caller {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self(BufReader::new(socket)))
    }

    async fn send(&mut self, request: &str) -> Result {
        Ok(self.0.get_mut().write_all(request.as_bytes()).await?)
    }

    /// The body of the next answer, which has to be a good one.
    async fn answer(&mut self) -> Result<Vec<u8>> {
        read_answer(&mut self.0).await
    }

    /// Writes events as they are due, whether those before are answered or not; then reads the answers.
    async fn pace(self, topic: String, zero: Instant, events: u64, bytes: usize) -> Result {
        let (read, mut write) = self.0.into_inner().into_split();
        let answers = tokio::spawn(async move {
            let mut read = BufReader::new(read);
            for _ in 0..events {
                read_answer(&mut read).await?;
            }
            Ok::<_, Failure>(())
        });
        for number in 1..=events {
            let due = super::due(number);
            sleep_until((zero + due).into()).await;
            let due = u64::try_from(due.as_nanos())?;
            let payload = Mark { number, due }.payload(bytes);
            write.write_all(put(&topic, number, &payload).as_bytes()).await?;
        }
        answers.await?
    }
}

async fn read_answer(read: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    read.read_line(&mut line).await?;
    if !line.starts_with("HTTP/1.1 2") {
        return Err(format!("a call was refused: {line}").into());
    }
    loop {
        line.clear();
        read.read_line(&mut line).await?;
        let text = line.trim().to_ascii_lowercase();
        if text.is_empty() {
            break;
        }
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    read.read_exact(&mut body).await?;
    Ok(body)
}

/// One call, and what it is answered.
pub(super) async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &Value,
) -> Result<Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut caller = Caller::connect(address).await?;
    caller.send(&request(method, path, &body)).await?;
    let answer = caller.answer().await.map_err(|error| format!("{method} {path}: {error}"))?;
    Ok(serde_json::from_slice(&answer).unwrap_or_default())
}

/// A thousand keys, again and again.
fn put(topic: &str, number: u64, payload: &str) -> String {
    request("PUT", &format!("/v1/topics/{topic}/event/{}", number % 1000), payload)
}

fn request(method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Enough that each flush to the disk is for many.
const WRITERS: u64 = 128;
const PATIENCE: Duration = Duration::from_secs(30);
