//! The same assertions for every storage: what [`Persistence`](highwater_eventstreams::Persistence)
//! promises.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod contract;
mod databases;
mod fences;
#[path = "../../../engines/tests/nats/mod.rs"]
mod nats;
#[path = "../postgres/mod.rs"]
mod postgres;

use contract::{CONTRACT, Check};
use highwater_eventstreams::{
    MemoryPersistence, NatsOptions, NatsPersistence, PostgresPersistence, SqlitePersistence,
};
use nats::Nats;
use postgres::Postgres;

#[tokio::test]
async fn memory_keeps_the_contract() {
    for (name, check) in CONTRACT {
        println!("{name}");
        check(&MemoryPersistence::default()).await;
    }
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    for (name, check) in CONTRACT {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        check(&SqlitePersistence::open(&folder.path().join("streams.db")).unwrap()).await;
    }
}

/// On one server, in a database for each part.
#[tokio::test]
async fn postgresql_keeps_the_contract() {
    let Some(server) = Postgres::start() else { return };
    for (name, check) in CONTRACT {
        println!("{name}");
        databases::create(&server, name).await;
        let check: &Check = check;
        check(&PostgresPersistence::connect(&server.url(name)).await.unwrap()).await;
    }
}

/// On one server, in buckets for each part.
#[tokio::test]
async fn nats_keeps_the_contract() {
    let Some(server) = Nats::start() else { return };
    for (name, check) in CONTRACT {
        println!("{name}");
        let check: &Check = check;
        check(&connect(&server, name).await).await;
    }
}

/// One process of those that share the buckets of a name.
async fn connect(server: &Nats, name: &str) -> NatsPersistence {
    let options = NatsOptions { name: name.into(), ..NatsOptions::default() };
    NatsPersistence::connect(&server.url(), options).await.unwrap()
}
