//! A server that does with each connection what the test says, byte by byte.

use core::future::Future;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use highwater::{Builder, Jitter, Profile, Status, Store, View};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Longer than anything takes here, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A listener that hands each connection, with its number from 0, to the test's script.
pub(crate) struct Server {
    pub(crate) url: String,
    heads: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start<F>(script: impl Fn(usize, Socket) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/stream", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            for number in 0.. {
                let (socket, _) = listener.accept().await.unwrap();
                let mut socket = Socket { socket, head: String::new() };
                socket.read_head().await;
                seen.lock().unwrap().push(socket.head.clone());
                tokio::spawn(script(number, socket));
            }
        });
        Self { url, heads, task }
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The address with another path.
    pub(crate) fn at(&self, path: &str) -> String {
        self.url.replace("/stream", path)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection. Dropped, it is cut.
pub(crate) struct Socket {
    socket: TcpStream,
    pub(crate) head: String,
}

impl Socket {
    async fn read_head(&mut self) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.socket.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        // Byte by byte, so that an id that is no UTF-8 can be seen too.
        self.head = head.iter().map(|&byte| char::from(byte)).collect();
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.socket.write_all(bytes.as_ref()).await; // the client may be gone
        let _ = self.socket.flush().await;
    }

    /// Answers with a stream that ends when the connection does, and its first bytes.
    pub(crate) async fn stream(&mut self, body: impl AsRef<[u8]>) {
        self.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").await;
        self.write(body).await;
    }

    /// Answers with a status and headers, and no body.
    pub(crate) async fn answer(&mut self, status: &str, headers: &str) {
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n");
        self.write(head).await;
    }

    /// Waits until the client lets go of the connection.
    pub(crate) async fn gone(&mut self) {
        let mut buffer = [0; 64];
        while self.socket.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    }

    /// The path and query that were asked for.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }
}

/// The value of a header of a request's head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// A snapshot of one item, `a/KEY`, as our own server would send it.
pub(crate) fn snapshot(key: &str, index: u64) -> String {
    let state = format!("e.{index}");
    format!(
        "event: server-intent\ndata: {{\"payloads\":[{{\"id\":\"t\",\"target\":{index},\
         \"intentCode\":\"xfer-full\",\"reason\":\"payload-missing\"}}],\
         \"highwater\":{{\"version\":1,\"resumed\":false,\"heartbeat\":15000}}}}\n\n{}{}",
        put(key, 1),
        end(&state, index)
    )
}

/// One change after the transaction `index - 1`.
pub(crate) fn change(key: &str, version: i64, index: u64) -> String {
    let basis = index - 1;
    format!(
        "{}event: payload-transferred\nid: e.{index}\n\
         data: {{\"state\":\"e.{index}\",\"version\":{index},\"basis\":\"e.{basis}\"}}\n\n",
        put(key, version)
    )
}

/// The greeting of a stream that goes on from where it was left.
pub(crate) fn resumed(index: u64) -> String {
    format!(
        "event: server-intent\ndata: {{\"payloads\":[{{\"id\":\"t\",\"target\":{index},\
         \"intentCode\":\"xfer-changes\",\"reason\":\"stale\"}}],\
         \"highwater\":{{\"version\":1,\"resumed\":true,\"heartbeat\":15000}}}}\n\n"
    )
}

pub(crate) fn put(key: &str, version: i64) -> String {
    format!(
        "event: put-object\n\
         data: {{\"kind\":\"a\",\"key\":\"{key}\",\"version\":{version},\"object\":{version}}}\n\n"
    )
}

pub(crate) fn end(state: &str, version: u64) -> String {
    format!(
        "event: payload-transferred\nid: {state}\n\
         data: {{\"state\":\"{state}\",\"version\":{version}}}\n\n"
    )
}

/// A store that does not wait long between attempts.
pub(crate) fn hasty(url: &str) -> Builder {
    Store::builder(url).configure(|options| {
        let (factor, max) = (Duration::from_millis(5), Duration::from_millis(20));
        options.profile = Profile { factor, max, jitter: Jitter::None, ..Profile::STANDARD };
    })
}

/// Waits for a status of this sort.
pub(crate) async fn until<V: View>(
    store: &Store<V>,
    mut wanted: impl FnMut(&Status) -> bool,
) -> Status {
    let mut statuses = store.statuses();
    let found = timeout(PATIENCE, statuses.wait_for(|status| wanted(status))).await;
    found.unwrap_or_else(|_| panic!("in time: {:?}", store.status())).unwrap().clone()
}

pub(crate) async fn ready<V: View>(store: &Store<V>) {
    timeout(PATIENCE, store.ready()).await.expect("ready in time").unwrap();
}
