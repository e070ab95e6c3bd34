//! What an append does, and why it does not.

use crate::common::*;
use highwater_publisher::engine::{Append, AppendError, Base, Engine, Memory, Place};
use highwater_publisher::{CommitError, Expect, Id, Object, Operation, Refusal, Transaction};

pub(crate) fn settings(_: &str) -> Settings {
    Settings::default()
}

pub(crate) async fn first_append_makes_the_topic([engine, _]: [&dyn Engine; 2]) {
    assert!(engine.topics().await.unwrap().is_empty());
    assert_eq!(engine.snapshot("t").await.unwrap(), None);
    assert!(engine.watch("t").await.unwrap().is_none());
    // A refused one does not make it.
    assert_eq!(refused(engine, all([delete("a")])).await, (0, Refusal::NotFound));
    assert!(engine.snapshot("t").await.unwrap().is_none());

    let first = done(engine, "t", all([put("a", 1), put("b", 2)])).await;
    assert_eq!((first.place.index, first.versions), (1, vec![1, 1]));
    assert_eq!(engine.topics().await.unwrap(), ["t"]);
    let (place, items) = state(engine, "t").await;
    assert_eq!(place, first.place);
    assert_eq!(items, [r#"a@1={"n":1}"#, r#"b@1={"n":2}"#]);
    assert_eq!(engine.watch("t").await.unwrap().unwrap().newest(), first.place);
}

pub(crate) async fn refusals_tell_why_and_change_nothing([engine, _]: [&dyn Engine; 2]) {
    done(engine, "t", all([put("a", 1)])).await;
    done(engine, "t", all([put("gone", 1)])).await;
    let before = done(engine, "t", all([delete("gone")])).await.place;
    let held = state(engine, "t").await;

    let conflict = |current| Refusal::Conflict { current };
    for (operation, refusal) in [
        (put("a", 2).when(Expect::Absent), conflict(Some(1))),
        (put("a", 2).when(Expect::Version(2)), conflict(Some(1))),
        (delete("a").when(Expect::Version(7)), conflict(Some(1))),
        (put("none", 2).when(Expect::Present), conflict(None)),
        (put("gone", 2).when(Expect::Version(2)), conflict(None)),
        (delete("none"), Refusal::NotFound),
        (delete("gone"), Refusal::NotFound),
        (put("a", 2).at(1), Refusal::Stale { last: 1, current: Some(1) }),
        (put("gone", 2).at(3), Refusal::Stale { last: 3, current: None }),
        (put("a", 2).at(0), Refusal::NotPositive),
    ] {
        let told = format!("{operation:?}");
        let outcome = refused(engine, all([put("b", 1), operation])).await;
        assert_eq!(outcome, (1, refusal), "{told}");
    }
    let empty = engine.append("t", Append::new(Transaction::new())).await;
    assert!(matches!(empty, Err(AppendError::Refused(CommitError::Empty))), "{empty:?}");

    assert_eq!(state(engine, "t").await, held);
    assert!(records(engine, "t", &before, usize::MAX).await.is_empty());
}

pub(crate) async fn a_transaction_is_whole([engine, _]: [&dyn Engine; 2]) {
    let made = all([put("a", 1), put("a", 2).when(Expect::Version(1)), put("b", 3), delete("b")]);
    let place = done(engine, "t", made).await;
    assert_eq!(place.versions, [1, 2, 1, 2]);
    assert_eq!(state(engine, "t").await.1, [r#"a@2={"n":2}"#]);
    let record = &records(engine, "t", &at(&place.place, 0), usize::MAX).await[0];
    let changes: Vec<_> = record
        .changes
        .iter()
        .map(|change| (change.id.key(), change.version, change.object.is_some()))
        .collect();
    assert_eq!(changes, [("a", 1, true), ("a", 2, true), ("b", 1, true), ("b", 2, false)]);
}

pub(crate) async fn the_topic_can_be_compared_too([engine, _]: [&dyn Engine; 2]) {
    let moved = |outcome| match outcome {
        Err(AppendError::Moved { now }) => now,
        other => panic!("not told to have moved: {other:?}"),
    };
    let somewhere = Place::parse("nowhere.0").unwrap();
    let on = |base| all([put("a", 1)]).on(base);
    assert_eq!(moved(engine.append("t", on(Base::At(somewhere.clone()))).await), None);
    let first = done(engine, "t", on(Base::Absent)).await.place;
    let now = Some(first.clone());
    assert_eq!(moved(engine.append("t", on(Base::Absent)).await), now);
    assert_eq!(moved(engine.append("t", on(Base::At(at(&first, 0)))).await), now);
    assert_eq!(moved(engine.append("t", on(Base::At(at(&first, 2)))).await), now);
    assert_eq!(moved(engine.append("t", on(Base::At(at(&somewhere, 1)))).await), now);
    assert_eq!(done(engine, "t", on(Base::At(first))).await.place.index, 2);
}

pub(crate) async fn versions_only_grow([engine, _]: [&dyn Engine; 2]) {
    assert_eq!(done(engine, "t", all([put("a", 1).at(10)])).await.versions, [10]);
    assert_eq!(done(engine, "t", all([put("a", 1)])).await.versions, [11]);
    assert_eq!(done(engine, "t", all([delete("a")])).await.versions, [12]);
    assert_eq!(done(engine, "t", all([put("a", 1)])).await.versions, [13]);
    assert_eq!(done(engine, "t", all([put("b", 1)])).await.versions, [5]);
    assert_eq!(done(engine, "t", all([put("b", 1).at(i64::MAX)])).await.versions, [i64::MAX]);
    assert_eq!(refused(engine, all([delete("b")])).await, (0, Refusal::Exhausted));
}

pub(crate) async fn any_name_will_do([engine, _]: [&dyn Engine; 2]) {
    let long = "é".repeat(512);
    let names = ["flags", "a.b", "a b", "*", ">", "$SYS.x", "ключ", "a/b%\n", "-", "=", &long];
    for (n, topic) in names.iter().enumerate() {
        let topic = &topic[..topic.len().min(256)];
        let id = Id::new(names[n], names[names.len() - 1 - n]).unwrap();
        let put = Operation::put(id.clone(), number(n as u64));
        let place = done(engine, topic, Append::new([put].into())).await.place;
        assert_eq!(place.index, 1, "topic {topic:?} is its own");
        let snapshot = engine.snapshot(topic).await.unwrap().unwrap();
        assert_eq!(snapshot.items[0].id, id);
        let told = engine.watch(topic).await.unwrap().unwrap().newest();
        assert_eq!(told, place);
    }
    assert_eq!(engine.topics().await.unwrap().len(), names.len());
}

pub(crate) async fn large_transactions([engine, _]: [&dyn Engine; 2]) {
    let text = format!("{{\"text\":\"{}\"}}", "x".repeat(1000));
    let object = Object::parse(&text).unwrap();
    let operations = (0..500).map(|n| Operation::put(id(&format!("{n:03}")), object.clone()));
    let place = done(engine, "t", Append::new(operations.collect())).await.place;
    let snapshot = engine.snapshot("t").await.unwrap().unwrap();
    assert_eq!((snapshot.place, snapshot.items.len()), (place, 500));
    assert!(snapshot.items.iter().all(|item| item.object == object));
}

/// A long series of small transactions, right and wrong ones, comes to the same in every engine.
pub(crate) async fn outcomes_are_those_of_a_plain_model([engine, _]: [&dyn Engine; 2]) {
    let model = Memory::default();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut dice = |sides: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    };
    for round in 0..300 {
        let mut transaction = Transaction::new();
        for _ in 0..=dice(3) {
            let key = ["a", "b", "c"][dice(3) as usize];
            let operation = if dice(3) == 0 { delete(key) } else { put(key, round) };
            let version = dice(2 * round + 2).cast_signed();
            let operation = match dice(4) {
                0 => operation.at(version),
                _ => operation,
            };
            transaction.push(operation.when(match dice(8) {
                0 => Expect::Absent,
                1 => Expect::Present,
                2 => Expect::Version(version),
                _ => Expect::Anything,
            }));
        }
        let told = |outcome: Result<_, AppendError>| match outcome {
            Ok(highwater_publisher::engine::Appended { place, versions }) => {
                Ok((place.index, versions))
            }
            Err(error) => Err(error.to_string()),
        };
        let expect = told(model.append("t", Append::new(transaction.clone())).await);
        let found = told(engine.append("t", Append::new(transaction)).await);
        assert_eq!(found, expect, "round {round}");
    }
    assert_eq!(state(engine, "t").await.1, state(&model, "t").await.1);
}
