//! Every order in which publishers, readers and closes can meet, by `loom`.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p highwater-publisher --lib model`

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use super::{
    Delivery, Event, EventPublisher, Payload, Publication, PublisherOptions, Subject,
    SubscribeRequest, Subscription, SubscriptionError, Tail,
};
use crate::id::Epoch;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use loom::sync::{Condvar, Mutex};
use loom::thread;
use std::sync::Arc;
use std::task::Wake;

struct Number;

impl Payload for Number {
    type Authorizer = ();

    fn subject(&self) -> Subject {
        Subject::Whole
    }

    fn readable_by(&self, (): &()) -> bool {
        true
    }
}

fn explore(tail: Tail, model: impl Fn(EventPublisher<Number>) + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let options = PublisherOptions { snapshot_ttl: Duration::ZERO, snapshot_behind: 0, tail };
        model(EventPublisher::new(Epoch::new("e").unwrap(), options));
    });
}

/// With a tail and without: the buffer is the same, what keeps its items is not.
const TAILS: [Tail; 2] = [Tail::NONE, Tail { transactions: 8, bytes: 1 << 20 }];

fn empty(publisher: &EventPublisher<Number>) {
    publisher.register("t", false, |_: &mut _| Ok(1)).unwrap();
}

fn subscribe(publisher: &EventPublisher<Number>) -> Subscription<Number> {
    publisher.subscribe(&SubscribeRequest::new("t", Subject::Whole).token("token")).unwrap()
}

fn event(index: u64) -> Publication<Number> {
    Publication::Event { topic: "t".into(), event: Event { index, payload: Number } }
}

/// A thread that sleeps until it is woken: one that is never woken is a deadlock, which is found.
#[derive(Default)]
struct Sleeper {
    woken: Mutex<bool>,
    bell: Condvar,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.bell.notify_one();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let sleeper = Arc::<Sleeper>::default();
    let waker = Waker::from(Arc::clone(&sleeper));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut woken = sleeper.woken.lock().unwrap();
        while !core::mem::take(&mut *woken) {
            woken = sleeper.bell.wait(woken).unwrap();
        }
    }
}

/// The indexes of what comes, to an index or to an end.
fn read(subscription: &mut Subscription<Number>, to: u64) -> Vec<u64> {
    let mut indexes = Vec::new();
    loop {
        let delivery = match block_on(subscription.next()) {
            Ok(delivery) => delivery,
            Err(error) => {
                assert!(matches!(error, SubscriptionError::AclChanged), "{error}");
                return indexes;
            }
        };
        indexes.push(delivery.index());
        if delivery.index() >= to {
            return indexes;
        }
    }
}

#[test]
fn a_waiting_reader_hears_everything_in_order() {
    for tail in TAILS {
        explore(tail, |publisher| {
            empty(&publisher);
            let mut reader = subscribe(&publisher);
            let writer = thread::spawn(move || {
                for index in 2..=3 {
                    publisher.publish([event(index)]).unwrap();
                }
            });
            assert_eq!(read(&mut reader, 3), [1, 2, 3]);
            writer.join().unwrap();
        });
    }
}

#[test]
fn two_readers_of_which_one_leaves() {
    for tail in TAILS {
        explore(tail, |publisher| {
            empty(&publisher);
            let (mut stays, mut leaves) = (subscribe(&publisher), subscribe(&publisher));
            let other = thread::spawn(move || {
                assert_eq!(leaves.try_next().unwrap().unwrap().index(), 1);
                let _ = leaves.try_next();
            });
            let writer = thread::spawn(move || publisher.publish([event(2)]).unwrap());
            assert_eq!(read(&mut stays, 2), [1, 2]);
            other.join().unwrap();
            writer.join().unwrap();
        });
    }
}

#[test]
fn a_close_is_heard_and_acts_in_its_place() {
    for tail in TAILS {
        explore(tail, move |publisher| {
            empty(&publisher);
            let mut reader = subscribe(&publisher);
            let writer = thread::spawn(move || {
                let close = Publication::Close { tokens: vec!["token".into()] };
                publisher.publish([event(2), close, event(3)]).unwrap();
                publisher.publish([event(4)]).unwrap();
            });
            let seen = read(&mut reader, 3);
            if tail == Tail::NONE {
                assert!(seen.is_empty() || seen == [1], "at once: {seen:?}");
            } else {
                assert_eq!(seen, [1, 2]);
            }
            writer.join().unwrap();
        });
    }
}

/// A store commits, then publishes; a subscriber comes at any moment. What the snapshot has not,
/// the live list has, and only once.
#[test]
fn nothing_is_lost_between_snapshot_and_live_list() {
    explore(TAILS[1], |publisher| {
        let store = Arc::new(Mutex::new(1));
        let snapshot = Arc::clone(&store);
        publisher.register("t", false, move |_: &mut _| Ok(*snapshot.lock().unwrap())).unwrap();
        let writer = thread::spawn({
            let publisher = publisher.clone();
            move || {
                for index in 2..=3 {
                    let mut store = store.lock().unwrap();
                    *store = index;
                    publisher.publish([event(index)]).unwrap();
                }
            }
        });
        let mut reader = subscribe(&publisher);
        let first = block_on(reader.next()).unwrap();
        assert!(matches!(first, Delivery::EndOfSnapshot(_)));
        let rest = if first.index() < 3 { read(&mut reader, 3) } else { Vec::new() };
        assert!(rest.iter().copied().eq(first.index() + 1..=3), "{} {rest:?}", first.index());
        writer.join().unwrap();
    });
}

/// Two come for the same snapshot: one builds it, the other waits, both hear it.
#[test]
fn a_snapshot_is_built_once_for_all_who_wait() {
    explore(TAILS[1], |publisher| {
        let built = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&built);
        let handler = move |_: &mut _| {
            *counter.lock().unwrap() += 1;
            Ok(1)
        };
        publisher.register("t", false, handler).unwrap();
        let other = thread::spawn({
            let publisher = publisher.clone();
            move || assert_eq!(read(&mut subscribe(&publisher), 1), [1])
        });
        assert_eq!(read(&mut subscribe(&publisher), 1), [1]);
        other.join().unwrap();
        // Once together, or twice if the first had gone when the second came.
        assert!((1..=2).contains(&*built.lock().unwrap()));
    });
}
