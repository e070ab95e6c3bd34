//! Streams whose socket the server has taken over from HTTP: what HTTP still promises, and who
//! reads together with whom.

use crate::common::{Events, PATIENCE, Server, end, index, verdict};
use core::sync::atomic::{AtomicUsize, Ordering};
use futures_util::future::join_all;
use highwater_publisher::Options;
use highwater_server::{App, Settings, app};
use reqwest::{Client, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

async fn put(server: &Server, item: &str, n: u64) {
    let (status, body) =
        server.put(&format!("/v1/topics/t/{item}"), &format!("{{\"n\":{n}}}")).await;
    assert!(status.is_success(), "{body}");
}

async fn raw(server: &Server, request: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

/// Reads until the text has come.
async fn until(socket: &mut TcpStream, text: &str, wanted: &str) -> String {
    let mut text = text.to_owned();
    let mut chunk = vec![0; 64 << 10];
    while !text.contains(wanted) {
        let read = timeout(PATIENCE, socket.read(&mut chunk)).await.expect("it comes").unwrap();
        assert_ne!(read, 0, "{text}");
        text += core::str::from_utf8(&chunk[..read]).unwrap();
    }
    text
}

#[tokio::test]
async fn a_stream_is_a_whole_answer_on_a_connection_that_ends_with_it() {
    let mut server = Server::start().await;
    put(&server, "a/1", 1).await;
    let request = "GET /v1/topics/t/stream HTTP/1.1\r\nhost: t\r\n\r\n";
    let mut socket = raw(&server, request).await;
    let text = until(&mut socket, "", "payload-transferred").await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("HTTP/1.1 200 OK"));
    let fields: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let field = |name| fields.iter().find(|field| field.0 == name).map(|field| field.1);
    assert_eq!(field("connection"), Some("close"));
    assert!(field("date").is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!((field("content-length"), field("transfer-encoding")), (None, Some("chunked")));
    let (length, chunks) = body.split_once("\r\n").unwrap();
    let (chunk, rest) = chunks.split_at(usize::from_str_radix(length, 16).unwrap());
    assert!(chunk.starts_with("event: server-intent\n") && chunk.ends_with("\n\n"), "{chunk}");
    assert!(rest.starts_with("\r\n"), "{rest}");

    put(&server, "a/2", 2).await;
    let text = until(&mut socket, &text, "\"key\":\"2\"").await;
    server.stop.take().unwrap().send(()).unwrap();
    let mut rest = text;
    timeout(PATIENCE, socket.read_to_string(&mut rest)).await.expect("it ends").unwrap();
    assert!(rest.contains("event: goodbye") && rest.ends_with("\n\n\r\n0\r\n\r\n"), "{rest}");
}

#[tokio::test]
async fn what_knows_no_chunks_is_sent_none() {
    let server = Server::start().await;
    put(&server, "a/1", 1).await;
    let mut socket = raw(&server, "GET /v1/topics/t/stream HTTP/1.0\r\nhost: t\r\n\r\n").await;
    let text = until(&mut socket, "", "payload-transferred").await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("transfer-encoding"), "{head}");
    assert!(body.starts_with("event: server-intent\n"), "{body}");
}

#[tokio::test]
async fn requests_before_the_stream_are_answered_first() {
    let server = Server::start().await;
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(4 << 20));
    server.put("/v1/topics/t/a/large", &large).await;
    // All in one go, with an answer before the stream that no buffer holds.
    let request = "GET /v1/topics/t HTTP/1.1\r\nhost: t\r\n\r\n\
                   GET /v1/topics/t/stream?kind=b HTTP/1.1\r\nhost: t\r\n\r\n";
    let mut socket = raw(&server, request).await;
    tokio::time::sleep(PATIENCE / 100).await; // so that the first answer has to wait
    let text = until(&mut socket, "", "event: server-intent").await;
    let (first, stream) = text.split_at(text.rfind("HTTP/1.1 200 OK").unwrap());
    assert!(first.ends_with('}') && first.len() > 4 << 20, "the first answer is whole");
    assert!(stream.contains("connection: close"));
}

#[tokio::test]
async fn what_is_no_stream_keeps_its_connection() {
    let server = Server::start().await;
    put(&server, "a/1", 1).await;
    let head = "HEAD /v1/topics/t/stream HTTP/1.1\r\nhost: t\r\n\r\n";
    let mut socket = raw(&server, head).await;
    let text = until(&mut socket, "", "\r\n\r\n").await;
    assert!(text.contains("text/event-stream") && text.ends_with("\r\n\r\n"), "no body: {text}");
    socket.write_all(b"GET /v1/topics/none/stream HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    let text = until(&mut socket, "", "unknown-topic").await;
    assert!(text.starts_with("HTTP/1.1 404"), "{text}");
    socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    until(&mut socket, "", "\"ok\"").await;
}

#[tokio::test]
async fn a_connection_that_is_closed_or_talks_on_is_no_harm() {
    let server = Server::start().await;
    put(&server, "a/1", 1).await;
    let request = "GET /v1/topics/t/stream HTTP/1.1\r\nhost: t\r\n\r\n";
    let mut talks = raw(&server, request).await;
    until(&mut talks, "", "payload-transferred").await;
    for n in 2..20 {
        let mut gone = raw(&server, request).await;
        until(&mut gone, "", "payload-transferred").await;
        drop(gone);
        talks.write_all(request.as_bytes()).await.unwrap();
        put(&server, "a/1", n).await;
        until(&mut talks, "", &format!("\"version\":{n},\"basis\"")).await;
    }
}

/// Lanes: whoever comes while others write and read misses nothing and gets nothing twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_in_the_middle_is_told_everything_once() {
    let topic = Options { log_transactions: 1000, ..Options::default() };
    let server = Server::with(Settings { topic, ..Settings::default() }).await;
    put(&server, "a/1", 1).await;
    put(&server, "b/1", 1).await;
    let opened = AtomicUsize::new(0);
    let writes = async {
        let mut n = 2;
        while n <= 400 || opened.load(Ordering::Relaxed) < 30 {
            put(&server, if n % 3 == 0 { "b/1" } else { "a/1" }, n).await;
            n += 1;
        }
        put(&server, "a/end", 0).await;
        put(&server, "b/end", 0).await;
        n
    };
    let read = async |query: &str, opened: &AtomicUsize| {
        let mut stream = server.stream(&format!("/v1/topics/t/stream{query}")).await;
        let events = stream.payload().await;
        assert_eq!(verdict(&events[0]).0, "xfer-full");
        opened.fetch_add(1, Ordering::Relaxed);
        let (mut told, mut first, mut done) = (end(&events).0, true, false);
        while !done {
            let events = stream.payload().await;
            let (state, basis) = end(&events);
            let basis = basis.unwrap();
            // A snapshot of a kind is of the topic's index, the kind's own last may be before it.
            let after = core::mem::take(&mut first) && index(&basis) < index(&told);
            assert!(basis == told || !query.is_empty() && after, "the chain: {basis} {told}");
            let last = if query.is_empty() { "b" } else { &query[query.len() - 1..] };
            done = events[0].data["key"] == "end" && events[0].data["kind"] == last;
            told = state;
        }
        index(&told)
    };
    let readers = async {
        for round in 0..6 {
            let query = ["", "?kind=a", "?kind=b"][round % 3];
            let nobody = AtomicUsize::new(0);
            // These go in the middle of what they read.
            let all = join_all((0..10).map(|_| read(query, &nobody)));
            drop(timeout(PATIENCE / 1000, all).await);
        }
        let queries = ["", "?kind=a", "?kind=b"].repeat(10);
        join_all(queries.into_iter().map(|query| read(query, &opened))).await
    };
    let (last, ends) = tokio::join!(writes, readers);
    assert_eq!(ends.len(), 30);
    assert!(ends.iter().all(|&at| at >= last), "{ends:?}");
}

/// Without our accept loop there is no socket to take over: the same is said, by HTTP's own means.
#[tokio::test]
async fn any_other_server_of_the_router_streams_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let state = App::new(Settings::default());
    tokio::spawn(axum::serve(listener, app(state.clone())).into_future());
    let client = Client::new();
    let put = async |n: u64| {
        let request = client.request(Method::PUT, format!("{url}/v1/topics/t/a/1"));
        assert!(request.body(format!("{{\"n\":{n}}}")).send().await.unwrap().status().is_success());
    };
    put(1).await;
    let mut stream = Events::open(&client, &format!("{url}/v1/topics/t/stream")).await;
    assert_eq!(stream.header("transfer-encoding"), "chunked");
    let (told, _) = end(&stream.payload().await);
    put(2).await;
    assert_eq!(end(&stream.payload().await).1, Some(told));
    state.drain();
    assert_eq!(stream.event().await.name, "goodbye");
    assert_eq!(stream.next().await, None);
}
