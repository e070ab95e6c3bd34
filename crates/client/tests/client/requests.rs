//! What a request carries.

use crate::common::{Server, Socket, end, hasty, header, put, ready, snapshot, until};
use highwater::{Error, Protocol, Store};

#[tokio::test]
async fn a_request_says_what_it_wants() {
    let server = Server::start(async |_, mut socket: Socket| {
        socket.stream(snapshot("x", 1)).await;
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.at("/s?kind=a#part"))
        .header("X-Key", "ü")
        .header("accept", "text/event-stream;q=1")
        .connect()
        .unwrap();
    ready(&store).await;
    let head = &server.heads()[0];
    assert!(head.starts_with("GET /s?kind=a HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(head, "accept"), Some("text/event-stream;q=1"));
    assert_eq!(header(head, "cache-control"), Some("no-cache"));
    assert_eq!(header(head, "last-event-id"), None);
    assert_eq!(header(head, "x-key"), Some("\u{c3}\u{bc}")); // the bytes of ü
    assert!(header(head, "user-agent").unwrap().starts_with("highwater/"));
}

#[tokio::test]
async fn an_id_of_any_script_comes_back_as_its_bytes() {
    let server = Server::start(async |number, mut socket: Socket| {
        let id = "é日.1";
        let intent = "event: server-intent\ndata: {\"payloads\":[{\"id\":\"t\",\"target\":1,\
                      \"intentCode\":\"xfer-full\",\"reason\":\"payload-missing\"}]}\n\n";
        socket.stream(intent.to_owned() + &put("x", 1) + &end(id, 1)).await;
        if number > 0 {
            socket.gone().await;
        }
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    until(&store, |_| server.heads().len() > 1).await;
    let head = &server.heads()[1];
    let bytes: Vec<u8> =
        header(head, "last-event-id").unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect();
    assert_eq!(bytes, "é日.1".as_bytes());
    assert!(head.starts_with("GET /stream?basis=%C3%A9%E6%97%A5.1 "), "{head}");
}

#[tokio::test]
async fn an_id_that_no_header_can_carry_does_not_end_the_stream() {
    for poison in ["a\u{1}b".to_owned(), "x".repeat(5000)] {
        let server = Server::start(move |number, mut socket: Socket| {
            let event = format!("id: {poison}\nevent: put\ndata: {{\"data\":{{}}}}\n\n");
            async move {
                socket.stream(event).await;
                if number > 0 {
                    socket.gone().await;
                }
            }
        })
        .await;
        let store = hasty(&server.url).protocol(Protocol::relay()).connect().unwrap();
        ready(&store).await;
        until(&store, |_| server.heads().len() > 1).await;
        assert_eq!(header(&server.heads()[1], "last-event-id"), None);
        until(&store, |status| status.connected).await;
    }
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_connected() {
    let address = |url: &str| match highwater::connect(url).unwrap_err() {
        Error::Address { what } => what,
        other => panic!("{other:?}"),
    };
    assert!(address("no address").starts_with("'no address'"));
    assert!(address("ws://h/").contains("'ws'"));
    assert!(address("http://me:secret@h/").contains("header"));
    assert!(!address("http://me:secret@h/").contains("secret"));
    let header = Store::builder("http://h/").header("a b", "x").connect();
    assert!(matches!(header, Err(Error::Header { name }) if &*name == "a b"));
    let value = Store::builder("http://h/").header("a", "x\ny").connect();
    assert!(matches!(value, Err(Error::Header { name }) if &*name == "a"));
    let poll = Store::builder("http://h/").poll_url("/only/a/path").connect();
    assert!(matches!(poll, Err(Error::Address { .. })));
}

#[test]
fn outside_a_runtime_there_is_nothing_to_run_on() {
    assert!(matches!(highwater::connect("http://127.0.0.1:9/"), Err(Error::NoRuntime)));
}
