//! Statuses, content types, redirects.

use core::time::Duration;

use crate::common::{Server, Socket, hasty, header, ready, snapshot, until};
use highwater::{Error, Fault, Phase};

#[tokio::test]
async fn a_401_ends_the_store_and_says_why() {
    let server = Server::start(async |_, mut socket: Socket| {
        socket.answer("401 Unauthorized", "").await;
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    let mut changes = store.changes();
    let error = store.ready().await.unwrap_err();
    let Error::Stopped { fault: Some(Fault::Status { code: 401, terminal: true }) } = &error else {
        panic!("{error:?}")
    };
    assert!(error.to_string().contains("401"), "{error}");
    assert_eq!(store.status().phase, Phase::Stopped);
    assert!(changes.next().await.is_none());
    assert!(store.changes().next().await.is_none());
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let server = Server::start(async |number, mut socket: Socket| {
        if number == 0 {
            socket.answer("503 Service Unavailable", "retry-after: 1\r\n").await;
        } else {
            socket.stream(snapshot("x", 1)).await;
            socket.gone().await;
        }
    })
    .await;
    let start = tokio::time::Instant::now();
    let store = hasty(&server.url).connect().unwrap();
    let status = until(&store, |status| status.retry_at.is_some()).await;
    assert_eq!(status.fault, Some(Fault::Status { code: 503, terminal: false }));
    ready(&store).await;
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(store.status().fault, None);
}

#[tokio::test]
async fn another_content_type_is_no_stream() {
    let server = Server::start(async |number, mut socket: Socket| {
        if number == 0 {
            socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>data: x\n\n").await;
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            socket.stream(snapshot("x", 1)).await;
        }
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    let status = until(&store, |status| status.fault.is_some()).await;
    assert_eq!(status.fault, Some(Fault::ContentType { found: "text/html".into() }));
    ready(&store).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_again() {
    let server = Server::start(async |_, _| {}).await;
    let url = server.url.clone();
    drop(server);
    tokio::task::yield_now().await;
    let store = hasty(&url).connect().unwrap();
    let status = until(&store, |status| status.fault.is_some() && status.attempt > 1).await;
    let Some(Fault::Network { what, .. }) = &status.fault else { panic!("{status:?}") };
    assert!(what.to_lowercase().contains("refused"), "{what}");
}

#[tokio::test]
async fn no_answer_is_given_up() {
    let server = Server::start(async |number, mut socket: Socket| {
        if number > 0 {
            socket.stream(snapshot("x", 1)).await;
        }
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url)
        .configure(|options| options.connect_timeout = Duration::from_millis(100))
        .connect()
        .unwrap();
    until(&store, |status| matches!(status.fault, Some(Fault::ConnectTimeout { .. }))).await;
    ready(&store).await;
}

#[tokio::test]
async fn redirects_are_followed_from_the_first_address_each_time() {
    let server = Server::start(async |number, mut socket: Socket| match socket.path() {
        "/stream?here" => socket.answer("307 Temporary Redirect", "location: /next\r\n").await,
        "/next" if number < 3 => {
            socket.stream(snapshot("x", 1)).await;
        }
        path if path.starts_with("/stream?here&basis=") => {
            socket.answer("302 Found", "location: next\r\n").await;
        }
        _ => {
            socket.stream(snapshot("y", 2)).await;
            socket.gone().await;
        }
    })
    .await;
    let store = hasty(&server.at("/stream?here")).header("x-key", "7").connect().unwrap();
    until(&store, |status| status.cursor.as_deref() == Some("e.2")).await;
    let heads = server.heads();
    let paths: Vec<&str> = heads.iter().map(|head| head.split(' ').nth(1).unwrap()).collect();
    assert_eq!(paths, ["/stream?here", "/next", "/stream?here&basis=e.1", "/next"]);
    assert!(heads.iter().all(|head| header(head, "x-key") == Some("7")));
    assert_eq!(header(&heads[3], "last-event-id"), Some("e.1"));
}

#[tokio::test]
async fn another_origin_does_not_see_the_applications_headers() {
    let other = Server::start(async |_, mut socket: Socket| {
        socket.stream(snapshot("x", 1)).await;
        socket.gone().await;
    })
    .await;
    let location = format!("location: {}\r\n", other.url);
    let server = Server::start(move |_, mut socket: Socket| {
        let location = location.clone();
        async move { socket.answer("301 Moved Permanently", &location).await }
    })
    .await;
    let store = hasty(&server.url).header("authorization", "Bearer x").connect().unwrap();
    ready(&store).await;
    assert_eq!(header(&server.heads()[0], "authorization"), Some("Bearer x"));
    assert_eq!(header(&other.heads()[0], "authorization"), None);
    assert_eq!(header(&other.heads()[0], "accept"), Some("text/event-stream"));
}

#[tokio::test]
async fn redirects_that_lead_nowhere_are_faults() {
    for location in ["", "location: /stream\r\n", "location: file:///etc/passwd\r\n"] {
        let server = Server::start(move |_, mut socket: Socket| async move {
            socket.answer("302 Found", location).await;
        })
        .await;
        let store = hasty(&server.url).connect().unwrap();
        let status = until(&store, |status| status.fault.is_some()).await;
        let said = status.fault.unwrap().to_string();
        let wanted = match location {
            "" => "answered 302",
            "location: /stream\r\n" => "more than 20 times",
            _ => "no HTTP address",
        };
        assert!(said.contains(wanted), "{said}");
    }
}
