//! What the log tells, and for how long.

use crate::common::*;
use highwater_publisher::Refusal;
use highwater_publisher::engine::{Engine, Place, Read, Retention};

pub(crate) fn settings(test: &str) -> Settings {
    let short = test != "reading_goes_on_from_any_place";
    let transactions = if short { 5 } else { 4096 };
    Settings {
        retention: Retention { transactions, ..Retention::default() },
        ..Settings::default()
    }
}

pub(crate) async fn reading_goes_on_from_any_place([engine, _]: [&dyn Engine; 2]) {
    let mut last = None;
    for n in 1..=20 {
        last = Some(done(engine, "t", all([put("a", n)])).await.place);
    }
    let newest = last.unwrap();
    for after in 0..=20 {
        let found = records(engine, "t", &at(&newest, after), usize::MAX).await;
        let indexes: Vec<_> = found.iter().map(|record| record.index).collect();
        assert_eq!(indexes, (after + 1..=20).collect::<Vec<_>>());
    }
    // At least one, and no more than fit.
    let one = records(engine, "t", &at(&newest, 3), 0).await;
    assert_eq!(one.iter().map(|record| record.index).collect::<Vec<_>>(), [4]);
    let three = records(engine, "t", &at(&newest, 3), one[0].size() * 3).await;
    assert_eq!(three.len(), 3);
    assert_eq!(three[2].changes[0].object, Some(number(6)));
}

pub(crate) async fn the_log_is_bounded_and_the_items_are_not([engine, _]: [&dyn Engine; 2]) {
    let mut place = None;
    for n in 1..=40 {
        place = Some(done(engine, "t", all([put(&format!("{n:02}"), n)])).await.place);
    }
    let newest = place.unwrap();
    assert_eq!(records(engine, "t", &at(&newest, 35), usize::MAX).await.len(), 5);
    assert_eq!(engine.read("t", &at(&newest, 34), usize::MAX).await.unwrap(), Read::Gone);
    let (place, items) = state(engine, "t").await;
    assert_eq!((place, items.len()), (newest, 40));
}

pub(crate) async fn deletions_are_remembered_as_long_as_the_log([engine, _]: [&dyn Engine; 2]) {
    done(engine, "t", all([put("a", 1).at(100)])).await;
    done(engine, "t", all([delete("a")])).await;
    for n in 3..=6 {
        let stale = refused(engine, all([put("a", n).at(50)])).await;
        assert_eq!(stale, (0, Refusal::Stale { last: 101, current: None }));
        done(engine, "t", all([put("b", n)])).await;
    }
    done(engine, "t", all([put("b", 7)])).await; // the deletion's record leaves the log
    assert_eq!(done(engine, "t", all([put("a", 8).at(50)])).await.versions, [50]);
}

pub(crate) async fn what_is_not_there_is_gone([engine, _]: [&dyn Engine; 2]) {
    let place = done(engine, "t", all([put("a", 1)])).await.place;
    let other = Place::parse("another.1").unwrap();
    for (topic, after) in [("t", &other), ("t", &at(&place, 2)), ("none", &place)] {
        assert_eq!(
            engine.read(topic, after, usize::MAX).await.unwrap(),
            Read::Gone,
            "{topic} {after}"
        );
    }
}
