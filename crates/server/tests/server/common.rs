//! A server in this process, a server of its own, and a plain reader of streams.

use core::time::Duration;
use highwater_server::{Access, App, Settings, app, serve};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything takes here, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// `highwater serve` in this process.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) running: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::guarded(settings, Access::default()).await
    }

    pub(crate) async fn guarded(settings: Settings, access: Access) -> Self {
        Self::over(App::guarded(settings, access)).await
    }

    pub(crate) async fn over(state: App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let router = app(state.clone());
        let running = tokio::spawn(serve(
            listener,
            state,
            router,
            async { drop(stopped.await) },
            PATIENCE / 2,
        ));
        Self { url, client: Client::new(), stop: Some(stop), running }
    }

    /// Sends a request with a JSON body, and gives status and answer.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json").body(body.to_owned());
        answer(request.send().await.unwrap()).await
    }

    /// As [`send`](Self::send), with a token.
    pub(crate) async fn send_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json").body(body.to_owned());
        answer(request.bearer_auth(token).send().await.unwrap()).await
    }

    /// What `/metrics` says of a name with its labels.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.client.get(format!("{}/metrics", self.url)).send().await.unwrap();
        let text = text.text().await.unwrap();
        assert!(text.ends_with("# EOF\n"), "{text}");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        Some(value.parse().unwrap())
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> (StatusCode, Value) {
        self.send(Method::PUT, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, "").await
    }

    pub(crate) async fn stream(&self, path: &str) -> Events {
        Events::open(&self.client, &format!("{}{path}", self.url)).await
    }
}

/// `highwater` as a process of its own.
pub(crate) struct Process {
    pub(crate) url: String,
    pub(crate) child: Child,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(arguments, &[("RUST_LOG", "off")], Stdio::inherit())
    }

    /// With these variables, and with its log kept: read it, or it stops when the pipe is full.
    pub(crate) fn logged(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn(arguments, environment, Stdio::piped())
    }

    fn spawn(arguments: &[&str], environment: &[(&str, &str)], log: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
        command.args(arguments);
        Self::run(command.envs(environment.iter().copied()).stderr(log))
    }

    /// `serve --data`, with its marker in a folder of its own, too.
    pub(crate) fn durable(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
        command.arg("serve").arg("--data").arg(folder.join("data")).args(arguments);
        command.env("RUST_LOG", "off").env("RUNTIME_DIRECTORY", folder.join("run"));
        Self::run(&mut command)
    }

    fn run(command: &mut Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { url, child }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let start = std::time::Instant::now();
    while !so().await {
        assert!(start.elapsed() < PATIENCE, "{what}, in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A stream that is opened and not read.
pub(crate) async fn unread(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let address = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    let mut socket = socket.connect(address).await.unwrap();
    socket.write_all(b"GET /v1/topics/t/stream HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    timeout(PATIENCE, socket.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    socket
}

pub(crate) async fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Status, code of the error if it is one, and how many seconds to wait before asking again.
pub(crate) async fn refusal(response: Response) -> (u16, String, Option<u64>) {
    let after = response.headers().get("retry-after");
    let after = after.map(|after| after.to_str().unwrap().parse().unwrap());
    let (status, body) = answer(response).await;
    (status.as_u16(), body["error"]["code"].as_str().unwrap_or_default().to_owned(), after)
}

/// An error's code and place.
pub(crate) fn error(body: &Value) -> (&str, Option<&str>) {
    assert!(body["error"]["message"].is_string(), "{body}");
    (body["error"]["code"].as_str().unwrap(), body["error"]["where"].as_str())
}

/// One event as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    /// The parsed data; a string if it is not JSON.
    pub(crate) data: Value,
    pub(crate) raw: String,
}

/// A stream, read event by event.
pub(crate) struct Events {
    response: Response,
    text: String,
}

impl Events {
    pub(crate) async fn open(client: &Client, url: &str) -> Self {
        Self::of(client.get(url).send().await.unwrap())
    }

    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// The next event, or `None` at the end, also an abrupt one.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = parse(event);
                self.text = rest.into();
                return Some(event);
            }
            let chunk =
                timeout(PATIENCE, self.response.chunk()).await.expect("something comes in time");
            self.text += core::str::from_utf8(&chunk.ok()??).unwrap();
        }
    }

    /// The next event that is not a heartbeat.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name != "heart-beat" {
                return event;
            }
        }
    }

    /// Everything to the end of a payload, heartbeats apart.
    pub(crate) async fn payload(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            events.push(self.event().await);
            if events.last().unwrap().name == "payload-transferred" {
                return events;
            }
        }
    }

    /// What came after the last whole event.
    pub(crate) fn rest(&self) -> &str {
        &self.text
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.response.headers()[name].to_str().unwrap()
    }
}

/// The end of a payload: its state and its basis.
pub(crate) fn end(events: &[Event]) -> (String, Option<String>) {
    let last = events.last().unwrap();
    assert_eq!(last.name, "payload-transferred");
    assert_eq!(last.id.as_deref(), last.data["state"].as_str());
    (last.id.clone().unwrap(), last.data["basis"].as_str().map(str::to_owned))
}

/// Code, reason and whether it says that it resumed.
pub(crate) fn verdict(intent: &Event) -> (&str, &str, bool) {
    assert_eq!(intent.name, "server-intent");
    let payload = &intent.data["payloads"][0];
    let text = |name| payload[name].as_str().unwrap();
    (text("intentCode"), text("reason"), intent.data["highwater"]["resumed"].as_bool().unwrap())
}

pub(crate) fn epoch(cursor: &str) -> &str {
    cursor.rsplit_once('.').unwrap().0
}

pub(crate) fn index(cursor: &str) -> u64 {
    cursor.rsplit_once('.').unwrap().1.parse().unwrap()
}

fn parse(raw: &str) -> Event {
    let field = |name| raw.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let data = field("data: ").unwrap();
    let data = serde_json::from_str(&data).unwrap_or(Value::String(data));
    Event { name: field("event: ").unwrap(), id: field("id: "), data, raw: raw.to_owned() }
}
