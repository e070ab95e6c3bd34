//! Pausing, closing, dropping.

use core::time::Duration;
use std::sync::Arc;

use crate::common::{PATIENCE, Server, Socket, hasty, ready, resumed, snapshot, until};
use highwater::{Change, Error, Phase, State, View};
use tokio::sync::Notify;
use tokio::time::timeout;

/// A server that says when a client has let go, and whose streams stay open.
async fn watched() -> (Server, Arc<Notify>) {
    let gone = Arc::new(Notify::new());
    let tell = Arc::clone(&gone);
    let server = Server::start(move |number, mut socket: Socket| {
        let tell = Arc::clone(&tell);
        async move {
            let body = if number == 0 { snapshot("x", 1) } else { resumed(1) };
            socket.stream(body).await;
            socket.gone().await;
            tell.notify_one();
        }
    })
    .await;
    (server, gone)
}

#[tokio::test]
async fn the_last_handle_takes_task_and_connection_with_it() {
    let (server, gone) = watched().await;
    let store = hasty(&server.url).connect().unwrap();
    let other = store.clone();
    let (mut changes, mut statuses) = (store.changes(), store.statuses());
    ready(&store).await;
    drop(store);
    assert!(timeout(Duration::from_millis(50), gone.notified()).await.is_err());
    drop(other);
    timeout(PATIENCE, gone.notified()).await.unwrap();
    while let Some(told) = timeout(PATIENCE, changes.next()).await.unwrap() {
        assert!(told.unwrap().snapshot);
    }
    let stopped = statuses.wait_for(|status| status.phase == Phase::Stopped).await;
    assert!(stopped.is_ok());
}

#[tokio::test]
async fn closed_for_one_is_closed_for_all_and_still_readable() {
    let (server, gone) = watched().await;
    let store = hasty(&server.url).connect().unwrap();
    ready(&store).await;
    store.clone().close();
    assert_eq!(store.status().phase, Phase::Stopped);
    timeout(PATIENCE, gone.notified()).await.unwrap();
    assert_eq!(store.get("a", "x").unwrap(), Some(1));
    store.reconnect();
    store.resume("nothing");
    assert_eq!(store.status().phase, Phase::Stopped);
    ready(&store).await; // it was
}

#[tokio::test]
async fn every_reason_to_pause_must_go() {
    let (server, gone) = watched().await;
    let store = hasty(&server.url).connect().unwrap();
    ready(&store).await;
    store.pause("a");
    store.pause("b");
    timeout(PATIENCE, gone.notified()).await.unwrap();
    store.resume("a");
    assert_eq!(store.status().phase, Phase::Paused);
    assert_eq!(server.heads().len(), 1);
    store.resume("b");
    until(&store, |status| status.resumed == Some(true)).await;
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn reconnect_is_at_once() {
    let (server, gone) = watched().await;
    let store = hasty(&server.url).connect().unwrap();
    ready(&store).await;
    store.reconnect();
    timeout(PATIENCE, gone.notified()).await.unwrap();
    until(&store, |status| status.resumed == Some(true)).await;
    assert_eq!(server.heads().len(), 2);
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (server, store) = first.block_on(async {
        let server = Server::start(async |_, mut socket: Socket| socket.gone().await).await;
        let store = hasty(&server.url).connect().unwrap();
        (server, store)
    });
    drop(first);
    let ended = runtime().block_on(async { timeout(PATIENCE, store.ready()).await.unwrap() });
    assert!(matches!(ended, Err(Error::Stopped { fault: None })));
    drop(server);
}

/// Falls over.
struct Clumsy;

impl View for Clumsy {
    fn update(&mut self, _: &[Change], _: &State) -> Result<(), Box<str>> {
        panic!("on purpose")
    }

    fn reset(&mut self) {}
}

#[tokio::test]
async fn a_view_that_panics_stops_its_store_and_nothing_else() {
    let (server, gone) = watched().await;
    let store = hasty(&server.url).view(Clumsy).connect().unwrap();
    assert!(timeout(PATIENCE, store.ready()).await.unwrap().is_err());
    timeout(PATIENCE, gone.notified()).await.unwrap();
    assert_eq!(store.status().phase, Phase::Stopped);
}

/// Refuses the first transaction.
#[derive(Default)]
struct Picky {
    refused: bool,
    items: usize,
}

impl View for Picky {
    fn update(&mut self, changes: &[Change], _: &State) -> Result<(), Box<str>> {
        if !core::mem::replace(&mut self.refused, true) {
            return Err("not this one".into());
        }
        self.items += changes.len();
        Ok(())
    }

    fn reset(&mut self) {
        self.items = 0;
    }
}

#[tokio::test]
async fn a_view_that_refuses_gets_everything_anew() {
    let server = Server::start(async |_, mut socket: Socket| {
        socket.stream(snapshot("x", 1)).await;
        socket.gone().await;
    })
    .await;
    let store = hasty(&server.url).view(Picky::default()).connect().unwrap();
    until(&store, |_| store.read(|moment| moment.view().items == 1)).await;
    assert!(!server.heads()[1].contains("basis"), "{}", server.heads()[1]);
}
