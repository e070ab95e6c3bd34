//! Many writers, and those who watch.

use crate::common::*;
use core::time::Duration;
use highwater_publisher::Expect;
use highwater_publisher::engine::{Append, AppendError, Engine, Place};
use highwater_publisher::{CommitError, Operation, Refusal};
use std::collections::BTreeMap;

pub(crate) fn settings(_: &str) -> Settings {
    Settings::default()
}

/// Sixteen writers, half at each end, each count two counters: their own, and one of all by compare-and-set.
pub(crate) async fn nothing_is_lost_or_repeated_among_writers(ends: [&dyn Engine; 2]) {
    done(ends[0], "t", all([put("all", 0)])).await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        writers.push(count(ends[writer % 2], writer));
    }
    let mut told = BTreeMap::new();
    for (writer, places) in futures(writers).await.into_iter().enumerate() {
        for (n, place) in places.into_iter().enumerate() {
            let before = told.insert(place.index, (writer, n as u64 + 1));
            assert_eq!(before, None, "one place, two appends");
        }
    }
    let most = (WRITERS * ROUNDS) as u64;
    let [engine, other] = ends;
    let start = engine.snapshot("t").await.unwrap().unwrap().place;
    let found = records(engine, "t", &at(&start, 1), usize::MAX).await;
    assert_eq!(found.len() as u64, most);
    for (record, (index, (writer, n))) in found.iter().zip(&told) {
        assert_eq!((record.index, record.changes.len()), (*index, 2));
        assert_eq!(record.changes[0].id, id(&format!("own-{writer}")));
        assert_eq!(record.changes[0].object, Some(number(*n)));
        assert_eq!(record.changes[1].object, Some(number(*index - 1)));
    }
    // The other end comes to the same.
    let mut watch = watch(other, "t").await;
    while watch.newest() != start {
        assert!(watch.moved().await);
    }
    assert_eq!(state(other, "t").await, state(engine, "t").await);
    assert_eq!(records(other, "t", &at(&start, 1), usize::MAX).await, found);
}

async fn count(engine: &dyn Engine, writer: usize) -> Vec<Place> {
    let mut places = Vec::new();
    while places.len() < ROUNDS {
        watch(engine, "t").await;
        let snapshot = engine.snapshot("t").await.unwrap().unwrap();
        let all = snapshot.items.iter().find(|item| item.id == id("all")).unwrap();
        let n: u64 = all.object.as_str()[5..].trim_end_matches('}').parse().unwrap();
        let operations: [Operation; 2] = [
            put(&format!("own-{writer}"), places.len() as u64 + 1),
            put("all", n + 1).when(Expect::Version(all.version)),
        ];
        match engine.append("t", Append::new(operations.into())).await {
            Ok(appended) => places.push(appended.place),
            Err(AppendError::Refused(CommitError::Refused {
                operation: 1,
                refusal: Refusal::Conflict { current: Some(current) },
            })) => assert!(current > all.version),
            Err(other) => panic!("{other:?}"),
        }
    }
    places
}

pub(crate) async fn others_are_told([engine, other]: [&dyn Engine; 2]) {
    let first = done(engine, "t", all([put("a", 0)])).await.place;
    let mut watch = watch(other, "t").await;
    let follow = async {
        let mut seen = at(&first, 1);
        while seen.index < 101 {
            let found = records(other, "t", &seen, usize::MAX).await;
            for record in found {
                assert_eq!(record.index, seen.index + 1);
                seen.index = record.index;
            }
            assert!(seen.index >= 101 || watch.moved().await);
        }
        seen
    };
    let write = async {
        for n in 1..=100 {
            done(engine, "t", all([put("a", n)])).await;
        }
    };
    let both = async { tokio::join!(follow, write) };
    let (seen, ()) = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
    assert_eq!(seen, at(&first, 101));
}

/// All at once, their results in order.
async fn futures<T>(all: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    core::future::poll_fn(|context| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let core::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            core::task::Poll::Ready(())
        } else {
            core::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

const WRITERS: usize = 16;
const ROUNDS: usize = 10;
