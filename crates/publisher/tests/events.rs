//! The event publisher where the recorded vectors do not reach: waiting, builds under way, cursors,
//! refusals, and what is let go of.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use highwater_publisher::{
    Begun, Build, Delivery, Epoch, Event, EventPublisher, Payload, Publication, PublishError,
    PublisherOptions, RegisterError, Subject, SubscribeError, SubscribeRequest, Subscription,
    SubscriptionError, Tail, Verdict,
};
use std::sync::Arc;
use std::task::Wake;

/// A subject, and something whose holders can be counted.
struct Fact(&'static str, #[expect(dead_code, reason = "held, not read")] Arc<()>);

impl Payload for Fact {
    type Authorizer = ();

    fn subject(&self) -> Subject {
        if self.0 == "*" { Subject::Wildcard } else { Subject::named(self.0) }
    }

    fn readable_by(&self, (): &()) -> bool {
        true
    }

    fn bytes(&self) -> usize {
        1
    }
}

fn publisher(tail: usize) -> EventPublisher<Fact> {
    let options = PublisherOptions {
        snapshot_ttl: Duration::from_secs(10),
        snapshot_behind: 0,
        tail: Tail { transactions: tail, bytes: 1000 },
    };
    EventPublisher::new(Epoch::new("e1").unwrap(), options)
}

/// A publisher of one topic whose snapshots are empty, at index 1.
fn plain(tail: usize) -> EventPublisher<Fact> {
    let publisher = publisher(tail);
    publisher.register("t", true, |_: &mut Build<Fact>| Ok(1)).unwrap();
    publisher
}

fn event(index: u64, subject: &'static str) -> Publication<Fact> {
    let event = Event { index, payload: Fact(subject, Arc::default()) };
    Publication::Event { topic: "t".into(), event }
}

fn request(subject: &str) -> SubscribeRequest {
    SubscribeRequest::new("t", Subject::named(subject))
}

/// All that is there to be read, by index; framing as its name.
fn drain(subscription: &mut Subscription<Fact>) -> Vec<String> {
    let mut out = Vec::new();
    while let Some(heard) = subscription.try_next() {
        out.push(match heard {
            Ok(Delivery::EndOfSnapshot(index)) => format!("end {index}"),
            Ok(Delivery::NewSnapshotToFollow) => "new".into(),
            Ok(delivery) => delivery.index().to_string(),
            Err(error) => {
                out.push(format!("{error:?}"));
                return out;
            }
        });
    }
    out
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn who_waits_is_woken_and_may_be_dropped_while_it_waits() {
    let publisher = plain(8);
    let mut subscription = publisher.subscribe(&request("a")).unwrap();
    assert_eq!(drain(&mut subscription), ["end 1"]);
    let counter = Arc::<Counter>::default();
    let waker = Waker::from(Arc::clone(&counter));
    let context = &mut Context::from_waker(&waker);
    assert!(pin!(subscription.next()).poll(context).is_pending());
    assert!(pin!(subscription.ready()).poll(context).is_pending());
    publisher.publish([event(2, "other")]).unwrap();
    assert_eq!(counter.0.load(Ordering::Relaxed), 0, "nothing of its subject");
    publisher.publish([event(9, "a")]).unwrap();
    assert_eq!(counter.0.load(Ordering::Relaxed), 1, "once, though it came twice");
    assert!(pin!(subscription.ready()).poll(context).is_ready());
    let Poll::Ready(Ok(Delivery::Event(event))) = subscription.poll_next(context) else {
        panic!("nothing was lost with the futures that were dropped");
    };
    assert_eq!(event.index, 9);
    assert!(subscription.poll_next(context).is_pending());
    publisher.shut_down();
    assert_eq!(counter.0.load(Ordering::Relaxed), 2);
    assert!(matches!(
        subscription.poll_next(context),
        Poll::Ready(Err(SubscriptionError::ShuttingDown))
    ));
}

#[test]
fn a_build_under_way_stops_nobody_and_serves_all_who_come() {
    for tail in [0, 8] {
        let publisher = plain(tail);
        let Begun { subscription: mut first, build } = publisher.begin(&request("a")).unwrap();
        let mut build = build.expect("nobody else builds it");
        let Begun { subscription: mut second, build: none } =
            publisher.begin(&request("a").index(7)).unwrap();
        assert!(none.is_none(), "one build is enough");
        assert_eq!((drain(&mut first), drain(&mut second)), (vec![], vec!["new".into()]));

        // The topic lives on: another subject, and this one.
        let mut other = publisher.subscribe(&request("b")).unwrap();
        publisher.publish([event(2, "a"), event(2, "b")]).unwrap();
        publisher.publish([event(3, "a")]).unwrap();
        assert_eq!(drain(&mut other), ["end 1", "2"]);

        build.append([Event { index: 2, payload: Fact("a", Arc::default()) }]);
        assert_eq!((drain(&mut first), drain(&mut second)), (vec!["2".into()], vec!["2".into()]));
        build.finish(2);
        for subscription in [&mut first, &mut second] {
            assert_eq!(drain(subscription), ["end 2", "3"], "2 is in the snapshot, 3 is not");
        }
        publisher.publish([event(4, "a")]).unwrap();
        let mut late = publisher.subscribe(&request("a")).unwrap();
        assert_eq!(drain(&mut late), ["2", "end 2", "3", "4"], "the same, and what came since");
        assert_eq!(drain(&mut first), ["4"]);
    }
}

#[test]
fn a_build_that_is_given_up_has_failed() {
    let publisher = plain(8);
    let Begun { subscription: mut waits, build } = publisher.begin(&request("a")).unwrap();
    drop(build);
    assert!(matches!(waits.try_next(), Some(Err(SubscriptionError::Snapshot(_)))));
    let mut next = publisher.subscribe(&request("a")).unwrap();
    assert_eq!(drain(&mut next), ["end 1"], "the next one tries again");
}

#[test]
fn a_refresh_during_a_build_outdates_it() {
    let publisher = plain(8);
    let Begun { subscription: mut old, build } = publisher.begin(&request("a")).unwrap();
    publisher.refresh_topic("t").unwrap();
    build.unwrap().finish(99);
    assert_eq!(drain(&mut old), ["ForceClosed"]);
    let mut new = publisher.subscribe(&request("a")).unwrap();
    assert_eq!(drain(&mut new), ["end 1"], "not that of index 99");
    let resumed = publisher.subscribe(&request("a").index(99)).unwrap();
    assert_eq!(resumed.verdict(), Verdict::Full);
}

#[test]
fn a_cursor_is_good_for_its_life_only() {
    let publisher = plain(8);
    publisher.publish([event(2, "a")]).unwrap();
    publisher.publish([event(3, "b")]).unwrap();
    let verdict =
        |cursor: &str| publisher.subscribe(&request("a").cursor(cursor)).unwrap().verdict();
    assert_eq!(verdict("e1.1"), Verdict::Changes);
    assert_eq!(verdict("e1.2"), Verdict::UpToDate);
    assert_eq!(verdict("e1.3"), Verdict::UpToDate, "an index of another subject");
    for outdated in ["e1.4", "e2.2", "2", "", "nonsense"] {
        assert_eq!(verdict(outdated), Verdict::Full, "{outdated}");
    }
    publisher.refresh_all();
    let epoch = publisher.epoch("t").unwrap();
    publisher.publish([event(2, "a")]).unwrap();
    let verdict =
        |cursor: &str| publisher.subscribe(&request("a").cursor(cursor)).unwrap().verdict();
    assert_eq!(verdict("e1.2"), Verdict::Full);
    assert_eq!(verdict(&format!("{}.2", epoch.as_str())), Verdict::UpToDate);
}

#[test]
fn what_is_wrong_is_refused_whole() {
    let publisher = plain(8);
    assert_eq!(publisher.register("", false, |_: &mut _| Ok(1)), Err(RegisterError::NoName));
    assert_eq!(publisher.register("t", false, |_: &mut _| Ok(1)), Err(RegisterError::Twice));
    let mut all = publisher.subscribe(&SubscribeRequest::new("t", Subject::Wildcard)).unwrap();
    publisher.publish([event(5, "a")]).unwrap();
    let elsewhere = Publication::Event {
        topic: "x".into(),
        event: Event { index: 6, payload: Fact("a", Arc::default()) },
    };
    assert_eq!(
        publisher.publish([event(6, "a"), elsewhere]),
        Err(PublishError::UnknownTopic { topic: "x".into() })
    );
    assert_eq!(
        publisher.publish([event(6, "a"), event(6, "*")]),
        Err(PublishError::WildcardSubject { topic: "t".into() })
    );
    for list in [vec![event(5, "b")], vec![event(7, "a"), event(6, "a")]] {
        assert!(matches!(publisher.publish(list), Err(PublishError::IndexRegress { .. })));
    }
    assert_eq!(drain(&mut all), ["end 1", "5"], "nothing of what was refused");
    publisher.publish([]).unwrap();
    publisher.shut_down();
    assert_eq!(publisher.publish([event(9, "a")]), Err(PublishError::ShuttingDown));
    assert!(matches!(publisher.subscribe(&request("a")), Err(SubscribeError::ShuttingDown)));
    assert_eq!(publisher.register("u", false, |_: &mut _| Ok(1)), Err(RegisterError::ShuttingDown));
}

#[test]
fn a_close_reaches_a_token_in_every_topic() {
    let publisher = plain(8);
    publisher.register("u", false, |_: &mut Build<Fact>| Ok(1)).unwrap();
    let subscribe = |topic: &str, token: &str| {
        let request = SubscribeRequest::new(topic, Subject::named("a")).token(token);
        publisher.subscribe(&request).unwrap()
    };
    let (mut t, mut u, mut other) = (subscribe("t", "x"), subscribe("u", "x"), subscribe("u", "y"));
    publisher
        .publish([event(2, "a"), Publication::Close { tokens: vec!["x".into(), "x".into()] }])
        .unwrap();
    assert_eq!(drain(&mut t), ["end 1", "2", "AclChanged"]);
    assert_eq!(drain(&mut u), ["end 1", "AclChanged"]);
    assert_eq!(drain(&mut other), ["end 1"]);
}

#[test]
fn nothing_is_kept_that_nobody_can_reach() {
    let publisher = plain(2);
    let alive = Arc::new(());
    let publish = |index, subject| {
        let event = Event { index, payload: Fact(subject, Arc::clone(&alive)) };
        publisher.publish([Publication::Event { topic: "t".into(), event }]).unwrap();
    };
    // A reader that never reads holds up nothing.
    let stalled = publisher.subscribe(&request("a")).unwrap();
    for index in 2..100 {
        publish(index, "a");
    }
    assert_eq!(Arc::strong_count(&alive) - 1, 2, "the tail, once for all who read it");
    drop(stalled);
    for index in 100..110 {
        publish(index, "b");
    }
    let subjects: Vec<_> = publisher.buffers().into_iter().map(|b| b.subject).collect();
    assert!(!subjects.contains(&Subject::named("a")), "{subjects:?}");

    // Without a tail, what was not read yet stays, and goes with its last reader.
    let publisher = plain(0);
    let alive = Arc::new(());
    let slow = publisher.subscribe(&request("a")).unwrap();
    for index in 2..100 {
        let event = Event { index, payload: Fact("a", Arc::clone(&alive)) };
        publisher.publish([Publication::Event { topic: "t".into(), event }]).unwrap();
    }
    assert_eq!(Arc::strong_count(&alive) - 1, 98);
    drop(slow);
    assert_eq!((Arc::strong_count(&alive) - 1, publisher.buffers().len()), (0, 0));
}

#[test]
fn a_bare_topic_tells_a_slow_reader_so() {
    let publisher = publisher(1);
    publisher.register_bare("t", false).unwrap();
    let Begun { mut subscription, build } = publisher.begin(&request("a")).unwrap();
    build.unwrap().finish(1);
    assert_eq!(drain(&mut subscription), ["end 1"]);
    publisher.publish([event(2, "a")]).unwrap();
    publisher.publish([event(3, "a")]).unwrap();
    assert_eq!(drain(&mut subscription), ["TooSlow"]);
}

#[test]
fn snapshots_are_let_go_of_with_time() {
    let publisher = plain(8);
    let cached = || publisher.buffers().iter().any(|buffer| buffer.cached);
    let _subscription = publisher.subscribe(&request("a")).unwrap();
    publisher.publish([event(2, "a")]).unwrap();
    publisher.tick(highwater_core::Instant::from_millis(9_999));
    assert!(cached());
    publisher.tick(highwater_core::Instant::from_millis(10_000));
    assert!(!cached());
}
