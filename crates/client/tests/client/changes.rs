//! What subscribers are told.

use core::time::Duration;

use crate::common::{PATIENCE, Server, Socket, change, hasty, ready, resumed, snapshot, until};
use highwater::Action;
use tokio::time::timeout;

#[tokio::test]
async fn one_message_a_transaction_and_none_twice() {
    let server = Server::start(async |number, mut socket: Socket| {
        if number == 0 {
            socket.stream(snapshot("x", 1) + &change("y", 1, 2)).await;
        } else {
            // The server repeats what is known, and goes on.
            socket.stream(resumed(3) + &change("y", 1, 2) + &change("x", 2, 3)).await;
            socket.gone().await;
        }
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    let mut changes = store.changes();
    let mut told = Vec::new();
    while told.len() < 3 {
        let next = timeout(PATIENCE, changes.next()).await.unwrap().unwrap().unwrap();
        let [change] = &next.changes[..] else { panic!("{next:?}") };
        // What is told can be read.
        assert!(store.version_of(&change.kind, &change.key) >= Some(change.version));
        told.push((next.snapshot, change.key.to_string(), change.action));
    }
    let (x, y) = ("x".to_owned(), "y".to_owned());
    let wanted =
        [(true, x.clone(), Action::Insert), (false, y, Action::Insert), (false, x, Action::Update)];
    assert_eq!(told, wanted);
    assert_eq!(store.status().cursor.as_deref(), Some("e.3"));
}

#[tokio::test]
async fn a_slow_subscriber_is_told_so_and_stops_nobody() {
    let server = Server::start(async |_, mut socket: Socket| {
        let mut body = snapshot("x", 1);
        for index in 2..=100 {
            body += &change("x", i64::try_from(index).unwrap(), index);
        }
        socket.stream(body).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        socket.write(change("z", 1, 101)).await;
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url).backlog(8).connect().unwrap();
    let mut slow = store.changes();
    until(&store, |status| status.cursor.as_deref() == Some("e.100")).await;
    let Some(Err(lagged)) = slow.next().await else { panic!("it lags") };
    assert_eq!(lagged.missed, 100);
    // Then it goes on with what happens after.
    let next = timeout(PATIENCE, slow.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(&*next.changes[0].key, "z");
}

#[tokio::test]
async fn waiting_for_a_change_can_be_broken_off() {
    let server = Server::start(async |_, mut socket: Socket| {
        socket.stream(snapshot("x", 1)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        socket.write(change("y", 1, 2)).await;
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url).connect().unwrap();
    ready(&store).await;
    let mut changes = store.changes();
    let mut tries = 0;
    let next = loop {
        tries += 1;
        if let Ok(next) = timeout(Duration::from_millis(5), changes.next()).await {
            break next.unwrap().unwrap();
        }
    };
    assert!(tries > 1);
    assert_eq!(&*next.changes[0].key, "y");
}
