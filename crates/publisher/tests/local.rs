//! A local materializer behind a query store, over a publisher whose builds the test holds back.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use core::time::Duration;
use highwater::{
    Answer, Cause, Feed, FeedError, Profile, QueryRequest, QueryStore, Run, Waiter, Wanted,
};
use highwater_publisher::{
    AclError, Build, Epoch, Event, EventPublisher, Fold, FoldRefusal, LocalMaterializer, Payload,
    Publication, PublisherOptions, Subject, SubscribeRequest, SubscriptionError,
};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

struct Number(i64);

impl Payload for Number {
    type Authorizer = ();

    fn subject(&self) -> Subject {
        Subject::Whole
    }

    fn readable_by(&self, (): &()) -> bool {
        true
    }
}

#[derive(Default)]
struct Numbers(Vec<i64>);

impl Fold<Number> for Numbers {
    type Value = Vec<i64>;

    fn update(&mut self, events: &[Arc<Event<Number>>]) -> Result<(), Box<FoldRefusal>> {
        self.0.extend(events.iter().map(|event| event.payload.0));
        if self.0.contains(&13) { Err("not that one".into()) } else { Ok(()) }
    }

    fn reset(&mut self) {
        self.0.clear();
    }

    fn render(&self) -> Vec<i64> {
        self.0.clone()
    }
}

#[derive(Clone)]
struct Wish(EventPublisher<Number>);

impl QueryRequest for Wish {
    type Key = &'static str;
    type Value = Vec<i64>;

    fn key(&self) -> &'static str {
        "numbers"
    }

    fn materialize(&self, feed: Feed<Vec<i64>>) -> Result<Run, FeedError> {
        let request =
            |index| SubscribeRequest::new("t", Subject::Whole).token("token").index(index);
        let resolve = || Ok::<_, AclError>(Arc::new(()));
        let profile = Profile { factor: Duration::from_millis(1), ..Profile::CONSUL };
        let (publisher, waiter) = (self.0.clone(), Waiter::new(profile));
        let local = LocalMaterializer::new(publisher, Numbers::default(), resolve, request, waiter);
        Ok(Box::pin(local.run(feed)))
    }
}

fn event(index: u64, number: i64) -> Event<Number> {
    Event { index, payload: Number(number) }
}

fn publication(index: u64, number: i64) -> Publication<Number> {
    Publication::Event { topic: "t".into(), event: event(index, number) }
}

fn world() -> (Wish, QueryStore<Wish>, mpsc::UnboundedReceiver<Build<Number>>) {
    let (sender, builds) = mpsc::unbounded_channel();
    let epoch = Epoch::new("e1").unwrap();
    let publisher =
        EventPublisher::with_builder(epoch, PublisherOptions::default(), move |build| {
            let _ = sender.send(build); // the test is over
        });
    publisher.register("t", false, |_: &mut _| Ok(1)).unwrap();
    (Wish(publisher), QueryStore::default(), builds)
}

async fn build(builds: &mut mpsc::UnboundedReceiver<Build<Number>>, index: u64, number: i64) {
    let mut build = timeout(PATIENCE, builds.recv()).await.unwrap().unwrap();
    build.append([event(index, number)]);
    build.finish(index);
}

async fn newer(store: &QueryStore<Wish>, wish: &Wish, index: u64) -> Answer<Vec<i64>> {
    timeout(PATIENCE, store.get(wish, Wanted::newer_than(index))).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_was_folded_stays_readable_until_a_new_snapshot_is_whole() {
    let (wish, store, mut builds) = world();
    let (first, ()) = tokio::join!(newer(&store, &wish, 0), build(&mut builds, 5, 50));
    assert_eq!((first.index, first.value), (5, vec![50]));
    wish.0.publish([publication(6, 60)]).unwrap();
    assert_eq!(newer(&store, &wish, 5).await.value, [50, 60]);

    let mut updates = store.notify(&wish, 6).unwrap();
    wish.0.refresh_all();
    let held = timeout(PATIENCE, builds.recv()).await.unwrap().unwrap();
    let told = timeout(PATIENCE, updates.next()).await.unwrap().unwrap().unwrap_err();
    let Cause::Told(error) = told.cause else { panic!("{:?}", told.cause) };
    assert!(matches!(error.cause.downcast_ref(), Some(SubscriptionError::ForceClosed)));
    let meanwhile = store.get(&wish, Wanted::any()).await.unwrap();
    assert_eq!((meanwhile.index, meanwhile.value), (6, vec![50, 60]), "the old, whole");
    held.finish(2);
    let restored = timeout(PATIENCE, updates.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((restored.index, restored.value), (2, vec![]), "the new, whole, and lower");
}

#[tokio::test]
async fn a_refusal_has_everything_read_anew() {
    let (wish, store, mut builds) = world();
    tokio::join!(newer(&store, &wish, 0), build(&mut builds, 5, 50));
    let mut updates = store.notify(&wish, 5).unwrap();
    wish.0.publish([publication(6, 13)]).unwrap();
    let failure = loop {
        if let Err(failure) = timeout(PATIENCE, updates.next()).await.unwrap().unwrap() {
            break failure;
        }
    };
    assert!(!failure.is_terminal(), "{failure}");
    // The snapshot of index 5 is still young, and what was refused comes behind it again; only one
    // that is past it heals.
    wish.0.refresh_all();
    build(&mut builds, 7, 70).await;
    let healed = loop {
        if let Ok(answer) = timeout(PATIENCE, updates.next()).await.unwrap().unwrap()
            && answer.index == 7
        {
            break answer;
        }
    };
    assert_eq!(healed.value, [70]);
}

#[tokio::test]
async fn a_shutdown_ends_the_entry() {
    let (wish, store, mut builds) = world();
    tokio::join!(newer(&store, &wish, 0), build(&mut builds, 5, 50));
    let mut updates = store.notify(&wish, 5).unwrap();
    wish.0.shut_down();
    let failure = timeout(PATIENCE, updates.next()).await.unwrap().unwrap().unwrap_err();
    assert!(failure.is_terminal() && failure.value == Some(vec![50]), "{failure}");
    assert!(timeout(PATIENCE, updates.next()).await.unwrap().is_none());
    timeout(PATIENCE, async {
        while !store.entries().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}
