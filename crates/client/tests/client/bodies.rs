//! What comes in a body, and how it is cut.

use core::time::Duration;

use crate::common::{Server, Socket, change, end, hasty, put, ready, resumed, snapshot, until};
use highwater::{Fault, JsonSpec, Phase, Protocol};

#[tokio::test]
async fn a_body_may_be_cut_anywhere_and_chunked() {
    let server = Server::start(async |_, mut socket: Socket| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        socket.write(head).await;
        let body = snapshot("ü", 1).replace('\n', "\r\n") + &change("x", 2, 2);
        for byte in body.as_bytes() {
            socket.write(b"1\r\n").await;
            socket.write([*byte]).await;
            socket.write(b"\r\n").await;
        }
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    until(&store, |status| status.version == 2).await;
    assert_eq!(store.get("a", "ü").unwrap(), Some(1));
    assert_eq!(store.get("a", "x").unwrap(), Some(2));
}

#[tokio::test]
async fn a_cut_in_the_middle_of_an_event_is_resumed_from_the_last_whole_transaction() {
    let server = Server::start(async |number, mut socket: Socket| {
        if number == 0 {
            let half = change("y", 1, 2);
            socket.stream(snapshot("x", 1) + &half[..half.len() - 9]).await;
        } else {
            socket.stream(resumed(3) + &change("y", 1, 2) + &change("z", 1, 3)).await;
            socket.gone().await;
        }
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    let status = until(&store, |status| status.cursor.as_deref() == Some("e.3")).await;
    assert_eq!((status.phase, status.resumed, status.len), (Phase::Live, Some(true), 3));
    let second = &server.heads()[1];
    assert!(second.starts_with("GET /stream?basis=e.1 "), "{second}");
    assert_eq!(crate::common::header(second, "last-event-id"), Some("e.1"));
}

#[tokio::test]
async fn malformed_json_changes_nothing_and_is_tried_again() {
    let server = Server::start(async |number, mut socket: Socket| {
        if number == 0 {
            socket.stream(snapshot("x", 1) + "event: put-object\ndata: {\"kind\":\n\n").await;
            socket.gone().await;
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            socket.stream(resumed(2) + &change("y", 1, 2)).await;
            socket.gone().await;
        }
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    let status = until(&store, |status| status.fault.is_some()).await;
    let Some(Fault::Data { event, cause }) = status.fault else { panic!("{status:?}") };
    assert_eq!((&*event, cause.at), ("put-object", 8));
    assert_eq!((status.phase, status.len), (Phase::Stale, 1));
    let status = until(&store, |status| status.phase == Phase::Live).await;
    assert_eq!((status.fault, status.len), (None, 2));
}

#[tokio::test]
async fn a_snapshot_that_never_ends_is_given_up_and_never_seen() {
    let server = Server::start(async |number, mut socket: Socket| {
        if number == 0 {
            let whole = snapshot("x", 1);
            socket.stream(&whole[..whole.find("event: payload-transferred").unwrap()]).await;
            loop {
                socket.write(put("y", 1)).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        socket.stream(snapshot("z", 2)).await;
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url)
        .configure(|options| options.snapshot_timeout = Duration::from_millis(100))
        .connect()
        .unwrap();
    let mut changes = store.changes();
    let status = until(&store, |status| status.fault.is_some()).await;
    assert!(matches!(status.fault, Some(Fault::SnapshotTimeout { .. })), "{status:?}");
    assert_eq!(status.len, 0);
    ready(&store).await;
    let first = changes.next().await.unwrap().unwrap();
    assert_eq!(first.changes.iter().map(|change| &*change.key).collect::<Vec<_>>(), ["z"]);
}

#[tokio::test]
async fn a_stream_that_says_nothing_is_given_up() {
    let server = Server::start(async |number, mut socket: Socket| {
        if number == 0 {
            let announced = snapshot("x", 1).replace("15000", "20");
            socket.stream(announced).await;
            socket.gone().await;
        } else {
            socket.stream(resumed(2) + &change("x", 2, 2)).await;
            socket.gone().await;
        }
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    until(&store, |status| matches!(status.fault, Some(Fault::Silent { .. }))).await;
    until(&store, |status| status.cursor.as_deref() == Some("e.2")).await;
}

#[tokio::test]
async fn an_event_too_large_is_refused() {
    let server = Server::start(async |_, mut socket: Socket| {
        socket.stream(snapshot("x", 1) + &put(&"k".repeat(5000), 1) + &end("e.2", 2)).await;
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url)
        .configure(|options| options.materializer.max_event_bytes = 4096)
        .connect()
        .unwrap();
    let status = until(&store, |status| status.fault.is_some()).await;
    assert!(matches!(status.fault, Some(Fault::TooLarge { limit: 4096, .. })), "{status:?}");
    assert_eq!(status.len, 1);
}

#[tokio::test]
async fn lines_of_json_are_a_stream_too() {
    let server = Server::start(async |_, mut socket: Socket| {
        socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n").await;
        socket.write("{\"key\":\"a\",\"v\":2}\n{\"key\":\"a\",\"v\":1}\n{\"key\":").await;
        socket.write("7,\"v\":1}\n").await;
        socket.gone().await;
    })
    .await;
    let spec = JsonSpec { version: Some("/v".into()), ..JsonSpec::default() };
    let store = hasty(&server.url).protocol(Protocol::json(spec)).connect().unwrap();
    until(&store, |status| status.len == 2).await;
    assert_eq!(store.version_of("item", "a"), Some(2));
    assert_eq!(store.version_of("item", "7"), Some(1));
    let accept = server.heads()[0].clone();
    assert!(crate::common::header(&accept, "accept").unwrap().contains("x-ndjson"));
}

#[tokio::test]
async fn a_value_that_is_not_what_was_asked_for_says_where() {
    let server = Server::start(async |_, mut socket: Socket| {
        let body = snapshot("x", 1).replace("\"object\":1", "\"object\":{\"n\":tru}");
        socket.stream(body).await;
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    ready(&store).await;
    let error = store.get::<serde_json::Value>("a", "x").unwrap_err().to_string();
    assert!(error.starts_with("the value of a/x at version 1: expected"), "{error}");
    assert!(store.entries::<u8>("a").is_err());
    assert_eq!(store.entries::<u8>("b").unwrap(), []);
}
