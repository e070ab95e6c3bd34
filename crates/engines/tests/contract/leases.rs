//! Who may do what only one may do at a time.

use crate::common::*;
use core::time::Duration;
use highwater_publisher::engine::{AppendError, Engine};

pub(crate) fn settings(_: &str) -> Settings {
    Settings { lease: Duration::from_secs(1), ..Settings::default() }
}

pub(crate) async fn only_one_holds_a_lease([engine, other]: [&dyn Engine; 2]) {
    let first = engine.acquire("trim").await.unwrap().expect("nobody has it");
    assert_eq!(first.name(), "trim");
    assert!(other.acquire("trim").await.unwrap().is_none());
    let beside = other.acquire("another").await.unwrap().expect("a lease of its own");
    assert!(engine.renew(&first).await.unwrap());
    assert!(other.renew(&beside).await.unwrap());

    engine.release(first.clone()).await.unwrap();
    let second = other.acquire("trim").await.unwrap().expect("it was given back");
    assert!(second.token() > first.token());
    assert!(!engine.renew(&first).await.unwrap());
    engine.release(first).await.unwrap(); // is not the second's
    assert!(other.renew(&second).await.unwrap());

    // Not renewed, it ends by itself.
    let third = loop {
        match engine.acquire("trim").await.unwrap() {
            Some(lease) => break lease,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert!(third.token() > second.token());
    assert!(!other.renew(&second).await.unwrap());
}

pub(crate) async fn a_lost_lease_does_not_write([engine, other]: [&dyn Engine; 2]) {
    let old = engine.acquire("trim").await.unwrap().unwrap();
    done(engine, "t", all([put("a", 1)]).under(old.token())).await;
    engine.release(old.clone()).await.unwrap();
    let new = other.acquire("trim").await.unwrap().unwrap();
    // Nobody has written under the new one yet: what the old one does is still in order.
    done(engine, "t", all([put("a", 2)]).under(old.token())).await;
    let place = done(other, "t", all([put("a", 3)]).under(new.token())).await.place;
    let late = engine.append("t", all([put("a", 4)]).under(old.token())).await;
    assert!(
        matches!(late, Err(AppendError::Fenced { newest }) if newest == new.token()),
        "{late:?}"
    );
    // Without a fence there is none.
    assert_eq!(done(engine, "t", all([put("a", 5)])).await.place, at(&place, 4));
}
