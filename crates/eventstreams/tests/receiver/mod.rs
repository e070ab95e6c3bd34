//! A receiver of webhooks: takes one request after another, keeps them, and answers as it is told.
#![allow(dead_code)] // not every test needs all of it
#![allow(clippy::unwrap_used)] // a receiver that does not work fails the test

use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A server on loopback that ends with this.
pub(crate) struct Receiver {
    port: u16,
    requests: mpsc::UnboundedReceiver<Request>,
    _tasks: JoinSet<()>,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Names in lower case, in the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(other, _)| other == name);
        named.map(|(_, value)| &**value)
    }
}

/// What is written for a request: a head and a body, and nothing at all if it is empty.
pub(crate) type Answer = Arc<dyn Fn(&Request) -> String + Send + Sync>;

impl Receiver {
    /// Always answers with this status, and these header fields, each with its line end.
    pub(crate) async fn answering(status: u16, headers: &str) -> Self {
        let text = format!("HTTP/1.1 {status} Told\r\ncontent-length: 2\r\n{headers}\r\nok");
        Self::start(Arc::new(move |_| text.clone())).await
    }

    pub(crate) async fn start(answer: Answer) -> Self {
        Self::listen(|socket| async move { Some(socket) }, answer).await
    }

    /// As [`start`](Self::start), with something around each socket.
    pub(crate) async fn listen<S, F>(
        wrap: impl Fn(tokio::net::TcpStream) -> F + Clone + Send + Sync + 'static,
        answer: Answer,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<S>> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (keep, requests) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (wrap, answer, keep) = (wrap.clone(), Arc::clone(&answer), keep.clone());
                connections.spawn(async move {
                    if let Some(socket) = wrap(socket).await {
                        serve(socket, &answer, &keep).await;
                    }
                });
            }
        });
        Self { port, requests, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next request, which comes.
    pub(crate) async fn request(&mut self) -> Request {
        self.requests.recv().await.unwrap()
    }

    /// A request that came already.
    pub(crate) fn came(&mut self) -> Option<Request> {
        self.requests.try_recv().ok()
    }
}

async fn serve(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    answer: &Answer,
    keep: &mpsc::UnboundedSender<Request>,
) {
    let mut read = Vec::new();
    while let Some(request) = request(&mut socket, &mut read).await {
        let answer = answer(&request);
        let _ = keep.send(request); // nobody may be interested
        if answer.is_empty() {
            continue;
        }
        if socket.write_all(answer.as_bytes()).await.is_err() || socket.flush().await.is_err() {
            return;
        }
    }
}

/// Reads a request, of which a part may have been read before.
async fn request(socket: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> Option<Request> {
    loop {
        if let Some((request, length)) = parse(read) {
            read.drain(..length);
            return Some(request);
        }
        if socket.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}

fn parse(read: &[u8]) -> Option<(Request, usize)> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = str::from_utf8(&read[..end]).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    });
    let mut request = Request { method, path, headers: headers.collect(), body: String::new() };
    let length: usize = request.header("content-length").unwrap_or("0").parse().unwrap();
    let body = read.get(end..end + length)?;
    request.body = String::from_utf8(body.to_vec()).unwrap();
    Some((request, end + length))
}
