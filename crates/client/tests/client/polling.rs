//! Streams that only say that there is something new.

use crate::common::{Server, Socket, hasty, header, until};
use highwater::{Fault, Protocol};

async fn flags() -> Server {
    Server::start(async |number, mut socket: Socket| {
        if socket.path() == "/flags" {
            let body = format!("{{\"dark\":{{\"version\":{number},\"value\":true}}}}");
            let length = body.len();
            socket
                .write(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"))
                .await;
        } else {
            socket.stream("event: ping\ndata: \n\n").await;
            socket.gone().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_ping_fetches_the_state() {
    let server = flags().await;
    let store = hasty(&server.url)
        .protocol(Protocol::ping())
        .poll_url(server.at("/flags"))
        .header("authorization", "key")
        .connect()
        .unwrap();
    until(&store, |status| status.synced).await;
    assert_eq!(store.version_of("flags", "dark"), Some(1));
    assert!(server.heads().iter().all(|head| header(head, "authorization") == Some("key")));
}

#[tokio::test]
async fn without_a_place_to_fetch_from_it_says_so() {
    let server = flags().await;
    let store = hasty(&server.url).protocol(Protocol::ping()).connect().unwrap();
    let status = until(&store, |status| status.fault.is_some()).await;
    let Some(Fault::Network { what, .. }) = status.fault else { panic!("{status:?}") };
    assert!(what.contains("no poll address"), "{what}");
}
