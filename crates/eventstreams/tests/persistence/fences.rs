//! What storages that several processes share do about the others.

use crate::connect;
use crate::contract::{id, named};
use crate::databases::create;
use crate::nats::Nats;
use crate::postgres::Postgres;
use core::time::Duration;
use highwater_eventstreams::{Changed, Error, Persistence, PostgresPersistence, Status, Update};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_owner_that_wakes_up_late_moves_no_checkpoint() {
    let Some(server) = Nats::start() else { return };
    let (one, other) = (connect(&server, "fences").await, connect(&server, "fences").await);
    let id = id(1);
    assert_eq!(one.claim_checkpoint(&id, 1).await, Ok(None));
    one.put_checkpoint(&id, "0001").await.unwrap();
    one.put_checkpoint(&id, "0002").await.unwrap();

    // The other takes over, and is further on when the first wakes up.
    assert_eq!(other.claim_checkpoint(&id, 2).await, Ok(Some("0002".into())));
    assert_eq!(one.put_checkpoint(&id, "0003").await, Err(Error::Superseded));
    other.put_checkpoint(&id, "0009").await.unwrap();
    for _ in 0..2 {
        assert_eq!(one.put_checkpoint(&id, "0004").await, Err(Error::Superseded));
        assert_eq!(one.claim_checkpoint(&id, 1).await, Err(Error::Superseded));
    }
    assert_eq!(one.checkpoint(&id).await, Ok(Some("0009".into())));

    // When it is its turn again, it goes on from there.
    assert_eq!(one.claim_checkpoint(&id, 3).await, Ok(Some("0009".into())));
    assert_eq!(other.put_checkpoint(&id, "0010").await, Err(Error::Superseded));
    one.put_checkpoint(&id, "0010").await.unwrap();

    // A position that is forgotten is not remembered by whoever still works on it.
    other.delete_checkpoint(&id).await.unwrap();
    assert_eq!(one.put_checkpoint(&id, "0011").await, Err(Error::Superseded));
    assert_eq!(one.checkpoint(&id).await, Ok(None));
    assert_eq!(one.claim_checkpoint(&id, 3).await, Ok(None));
    one.put_checkpoint(&id, "0001").await.unwrap();
}

/// In a database it is whoever claimed last, by whatever fence.
#[tokio::test]
async fn an_owner_that_wakes_up_late_moves_no_checkpoint_of_a_database() {
    let Some(server) = Postgres::start() else { return };
    create(&server, "fences").await;
    let url = server.url("fences");
    let one = PostgresPersistence::connect(&url).await.unwrap();
    let other = PostgresPersistence::connect(&url).await.unwrap();
    let id = id(1);
    one.put_checkpoint(&id, "0001").await.unwrap(); // nobody has claimed it
    assert_eq!(one.claim_checkpoint(&id, 7).await, Ok(Some("0001".into())));
    one.put_checkpoint(&id, "0002").await.unwrap();

    assert_eq!(other.claim_checkpoint(&id, 2).await, Ok(Some("0002".into())));
    other.put_checkpoint(&id, "0009").await.unwrap();
    for _ in 0..2 {
        assert_eq!(one.put_checkpoint(&id, "0003").await, Err(Error::Superseded));
    }
    assert_eq!(one.checkpoint(&id).await, Ok(Some("0009".into())));
    let unclaimed = PostgresPersistence::connect(&url).await.unwrap();
    assert_eq!(unclaimed.put_checkpoint(&id, "0004").await, Err(Error::Superseded));

    assert_eq!(one.claim_checkpoint(&id, 3).await, Ok(Some("0009".into())));
    assert_eq!(other.put_checkpoint(&id, "0010").await, Err(Error::Superseded));
    other.delete_checkpoint(&id).await.unwrap();
    assert_eq!(one.put_checkpoint(&id, "0011").await, Err(Error::Superseded));
    assert_eq!(one.checkpoint(&id).await, Ok(None));
    assert_eq!(one.claim_checkpoint(&id, 3).await, Ok(None));
    one.put_checkpoint(&id, "0001").await.unwrap();
}

/// Until this one is told of, or anything may have changed.
async fn told_of(changes: &mut UnboundedReceiver<Changed>, id: &str) {
    loop {
        match timeout(LONG, changes.recv()).await.expect("it is told").unwrap() {
            Changed::Stream(other) if other != id => {}
            _ => return,
        }
    }
}

async fn processes_hear_of_each_other(one: &dyn Persistence, other: &dyn Persistence) {
    let mut changes = other.changes().unwrap();
    let at_one = async |changes: &mut UnboundedReceiver<Changed>| {
        let expect = one.by_id(&id(1)).await.unwrap();
        while other.by_id(&id(1)).await.unwrap() != expect {
            told_of(changes, &id(1)).await;
        }
        expect
    };
    one.upsert(&named(1, "one")).await.unwrap();
    assert!(at_one(&mut changes).await.is_some());
    let update = Update { status: Some(Status::Started), ..Update::default() };
    let updated = one.update(&id(1), update).await.unwrap();
    assert_eq!(at_one(&mut changes).await.unwrap().updated, Some(updated));
    one.upsert(&named(1, "renamed")).await.unwrap();
    assert_eq!(at_one(&mut changes).await.unwrap().name.as_deref(), Some("renamed"));
    // The name that was given up is free, and the new one is not, at once and at both.
    assert_eq!(other.upsert(&named(2, "renamed")).await, Err(Error::NameTaken("renamed".into())));
    other.upsert(&named(2, "one")).await.unwrap();
    one.delete(&id(1)).await.unwrap();
    assert_eq!(at_one(&mut changes).await, None);
}

#[tokio::test]
async fn processes_hear_of_each_other_over_nats() {
    let Some(mut server) = Nats::start() else { return };
    let (one, other) = (connect(&server, "shared").await, connect(&server, "shared").await);
    processes_hear_of_each_other(&one, &other).await;
    // Also after NATS was away; and nothing was lost with it.
    server.kill();
    let error = one.upsert(&named(3, "three")).await.unwrap_err();
    assert!(matches!(error, Error::Storage(_)), "{error}");
    server.restart();
    let mut changes = other.changes().unwrap();
    while let Err(error) = one.upsert(&named(3, "three")).await {
        assert!(matches!(error, Error::Storage(_)), "{error}");
    }
    while other.by_name("three").await.unwrap().is_none() {
        told_of(&mut changes, &id(3)).await;
    }
    assert!(connect(&server, "shared").await.by_name("one").await.unwrap().is_some());
}

#[tokio::test]
async fn processes_hear_of_each_other_over_postgresql() {
    let Some(server) = Postgres::start() else { return };
    create(&server, "shared").await;
    let url = server.url("shared");
    let one = PostgresPersistence::connect(&url).await.unwrap();
    let other = PostgresPersistence::connect(&url).await.unwrap();
    processes_hear_of_each_other(&one, &other).await;
}
