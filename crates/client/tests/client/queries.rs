//! Blocking queries over real streams.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{PATIENCE, Server, Socket, change, hasty, resumed, snapshot};
use highwater::{
    Cause, Class, Failure, Feed, FeedError, Keyed, QueryRequest, QueryStore, Run, Wanted,
};
use tokio::sync::Notify;
use tokio::time::timeout;

type Values = Arc<BTreeMap<String, i64>>;

struct Items(String);

impl QueryRequest for Items {
    type Key = String;
    type Value = Values;

    fn key(&self) -> String {
        self.0.clone()
    }

    fn materialize(&self, feed: Feed<Values>) -> Result<Run, FeedError> {
        hasty(&self.0).view(Keyed::of("a")).materialize(feed)
    }
}

#[tokio::test]
async fn many_queries_share_one_connection_and_wait_for_their_index() {
    let (go, connections) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (wait, count) = (Arc::clone(&go), Arc::clone(&connections));
    let server = Server::start(move |_, mut socket: Socket| {
        count.fetch_add(1, Ordering::Relaxed);
        let wait = Arc::clone(&wait);
        async move {
            socket.stream(snapshot("x", 1)).await;
            wait.notified().await;
            socket.write(change("y", 2, 2)).await;
            socket.gone().await;
        }
    })
    .await;
    let (store, items) = (QueryStore::default(), Items(server.url.clone()));
    let first = timeout(PATIENCE, store.get(&items, Wanted::any())).await.unwrap().unwrap();
    assert_eq!((first.index, first.value.len(), first.cached), (1, 1, false));
    let again = store.get(&items, Wanted::any()).await.unwrap();
    assert!(again.cached && Arc::ptr_eq(&again.value, &first.value), "shared, not copied");

    let late = Wanted::newer_than(1).within(Duration::from_millis(20));
    assert_eq!(store.get(&items, late).await.unwrap().index, 1, "the last value, in time");

    let mut updates = store.notify(&items, 1).unwrap();
    let all = (0..5).map(|_| store.get(&items, Wanted::newer_than(1)));
    let waiting: Vec<_> = all.map(Box::pin).collect();
    go.notify_one();
    for query in waiting {
        let answer = timeout(PATIENCE, query).await.unwrap().unwrap();
        assert_eq!((answer.index, answer.value["y"]), (2, 2));
    }
    assert_eq!(timeout(PATIENCE, updates.next()).await.unwrap().unwrap().unwrap().index, 2);
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    assert_eq!(store.entries()[0].requests, 1);
}

#[tokio::test]
async fn a_lost_connection_is_told_and_heals() {
    let server = Server::start(move |number, mut socket: Socket| async move {
        if number == 0 {
            socket.stream(snapshot("x", 1)).await;
        } else {
            socket.stream(resumed(1) + &change("x", 5, 2)).await;
            socket.gone().await;
        }
    })
    .await;
    let (store, items) = (QueryStore::default(), Items(server.url.clone()));
    let mut updates = store.notify(&items, 0).unwrap();
    let (mut told, mut index) = (0, 0);
    while index < 2 {
        match timeout(PATIENCE, updates.next()).await.unwrap().expect("it goes on") {
            Ok(answer) => index = answer.index,
            Err(Failure { cause: Cause::Told(error), .. }) => {
                assert_eq!(error.class, Class::Retry);
                told += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    // Whether it hears of the fault depends on how quickly it heals: the newest is told, not all.
    assert!(told <= 1);
}

#[tokio::test]
async fn what_nothing_heals_ends_the_entry() {
    let server = Server::start(|_, mut socket: Socket| async move {
        socket.answer("404 Not Found", "").await;
    })
    .await;
    let (store, items) = (QueryStore::default(), Items(server.url.clone()));
    let mut updates = store.notify(&items, 0).unwrap();
    let failure = timeout(PATIENCE, store.get(&items, Wanted::any())).await.unwrap().unwrap_err();
    assert!(failure.is_terminal(), "{failure}");
    let told = timeout(PATIENCE, updates.next()).await.unwrap();
    assert!(told.is_some_and(|told| told.is_err_and(|failure| failure.is_terminal())));
    assert!(timeout(PATIENCE, updates.next()).await.unwrap().is_none(), "it is over");
    timeout(PATIENCE, async {
        while !store.entries().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("evicted, long before the idle time");

    let wrong = Items("ftp://example.org".into());
    let refused = store.get(&wrong, Wanted::any()).await.unwrap_err();
    assert!(matches!(refused.cause, Cause::NotMade(_)), "{refused}");
    assert!(store.entries().is_empty());
}

#[tokio::test]
async fn the_last_handle_ends_every_materializer() {
    let gone = Arc::new(Notify::new());
    let tell = Arc::clone(&gone);
    let server = Server::start(move |_, mut socket: Socket| {
        let tell = Arc::clone(&tell);
        async move {
            socket.stream(snapshot("x", 1)).await;
            socket.gone().await;
            tell.notify_one();
        }
    })
    .await;
    let (store, items) = (QueryStore::default(), Items(server.url.clone()));
    timeout(PATIENCE, store.get(&items, Wanted::any())).await.unwrap().unwrap();
    drop(store);
    timeout(PATIENCE, gone.notified()).await.unwrap();
}
