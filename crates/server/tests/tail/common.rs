//! The program, and servers for it to read.

use core::time::Duration;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

/// Longer than anything takes here, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn highwater(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What a run to its end said, and its exit code.
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

pub(crate) fn tail(arguments: &[&str]) -> Ran {
    let output = highwater(&["tail"]).args(arguments).output().unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

/// A process that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it ends in time");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `highwater serve` or `highwater demo`.
pub(crate) struct Server {
    address: String,
    _process: Running,
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = highwater(arguments);
        command.args(["--listen", "127.0.0.1:0"]).env("RUST_LOG", "off").stdout(Stdio::piped());
        let mut process = Running(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { address, _process: process }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request, and gives the answer's body.
    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> Value {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n",
            self.address
        );
        socket.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{answer}");
        serde_json::from_str(body).unwrap_or_default()
    }

    pub(crate) fn put(&self, path: &str, body: &str) {
        self.send("PUT", path, body);
    }
}

/// A server that answers each connection by a script, and the heads of the requests.
pub(crate) struct Script {
    pub(crate) url: String,
    pub(crate) heads: Receiver<String>,
}

/// What is done with one connection.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A stream that is then cut.
    Cut(String),
    /// A stream that then says nothing more.
    Hold(String),
    /// Another status than 200, and headers.
    Status(&'static str),
    /// A document, as a whole.
    Json(String),
}

impl Script {
    /// The last answer is given to all further connections.
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/stream", listener.local_addr().unwrap());
        let (sender, heads) = channel();
        thread::spawn(move || {
            let mut open = Vec::new();
            let mut answers = answers.into_iter();
            let mut answer = answers.next().unwrap();
            loop {
                let mut socket = BufReader::new(listener.accept().unwrap().0);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if socket.read_line(&mut head).unwrap() == 0 {
                        break;
                    }
                }
                drop(sender.send(head)); // the test may be over
                let text = match &answer {
                    Answer::Cut(body) | Answer::Hold(body) => {
                        format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{body}")
                    }
                    Answer::Status(head) => {
                        format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n")
                    }
                    Answer::Json(body) => format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    ),
                };
                drop(socket.get_mut().write_all(text.as_bytes())); // the client may be gone
                if matches!(answer, Answer::Hold(_)) {
                    open.push(socket);
                }
                answer = answers.next().unwrap_or(answer);
            }
        });
        Self { url, heads }
    }

    pub(crate) fn head(&self) -> String {
        self.heads.recv_timeout(PATIENCE).unwrap()
    }
}

/// `highwater tail` that runs on, read line by line.
pub(crate) struct Tail {
    pub(crate) process: Running,
    lines: Receiver<String>,
    statuses: Receiver<String>,
}

impl Tail {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let (mut tail, out) = Self::start_unread(arguments);
        tail.lines = lines(out);
        tail
    }

    /// Starts, and leaves what it prints to the test.
    pub(crate) fn start_unread(arguments: &[&str]) -> (Self, ChildStdout) {
        let mut command = highwater(&["tail"]);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Running(command.spawn().unwrap());
        let out = process.0.stdout.take().unwrap();
        let statuses = lines(process.0.stderr.take().unwrap());
        (Self { process, lines: channel().1, statuses }, out)
    }

    pub(crate) fn line(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Reads what is said on stderr up to what holds this.
    pub(crate) fn status(&self, wanted: &str) -> String {
        let mut said = Vec::new();
        loop {
            let Ok(line) = self.statuses.recv_timeout(PATIENCE) else {
                panic!("no '{wanted}' in {said:#?}");
            };
            if line.contains(wanted) {
                return line;
            }
            said.push(line);
        }
    }
}

fn lines(read: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(read).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What a reader of lines knows: by kind and key, version and value.
pub(crate) type Folded = BTreeMap<(String, String), (i64, Value)>;

/// Takes in a line, and holds it to what is known.
pub(crate) fn fold(state: &mut Folded, line: &Value) {
    for change in line["changes"].as_array().unwrap() {
        let text = |name| change[name].as_str().unwrap().to_owned();
        let name = (text("kind"), text("key"));
        let was_there = state.contains_key(&name);
        match &*text("action") {
            "delete" => assert!(state.remove(&name).is_some(), "{change}"),
            action => {
                assert_eq!(action, if was_there { "updated" } else { "insert" }, "{change}");
                let version = change["version"].as_i64().unwrap();
                state.insert(name, (version, change["value"].clone()));
            }
        }
    }
}

/// The recorded streams: those of `$HIGHWATER_VECTORS`, else ours.
pub(crate) fn recorded(name: &str) -> String {
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors");
    let all = std::env::var_os("HIGHWATER_VECTORS").map_or_else(|| ours.into(), PathBuf::from);
    std::fs::read_to_string(all.join("streams").join(name)).unwrap()
}

/// A snapshot of the native protocol.
pub(crate) fn snapshot(items: &str, cursor: &str) -> String {
    let intent = r#"{"payloads":[{"id":"t","target":1,"intentCode":"xfer-full","reason":"cant-catchup"}],"highwater":{"version":1,"resumed":false,"heartbeat":60000}}"#;
    format!("event: server-intent\ndata: {intent}\n\n{}", change(items, cursor))
}

/// The beginning of a stream that goes on.
pub(crate) fn resumed() -> &'static str {
    concat!(
        "event: server-intent\n",
        r#"data: {"payloads":[{"id":"t","target":1,"intentCode":"xfer-changes","reason":"stale"}],"highwater":{"version":1,"resumed":true,"heartbeat":60000}}"#,
        "\n\n"
    )
}

pub(crate) fn change(items: &str, cursor: &str) -> String {
    let index = cursor.split_once('.').unwrap().1;
    let end = format!(r#"{{"state":"{cursor}","version":{index}}}"#);
    format!("{items}event: payload-transferred\nid: {cursor}\ndata: {end}\n\n")
}

pub(crate) fn put(key: &str, version: i64, value: &str) -> String {
    let key = serde_json::json!(key);
    let item = format!(r#"{{"kind":"a","key":{key},"version":{version},"object":{value}}}"#);
    format!("event: put-object\ndata: {item}\n\n")
}
