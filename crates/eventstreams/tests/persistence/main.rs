//! The same assertions for every storage: what [`Persistence`](highwater_eventstreams::Persistence)
//! promises.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod contract;
mod databases;
#[path = "../postgres/mod.rs"]
mod postgres;

use contract::{CONTRACT, Check};
use highwater_eventstreams::{MemoryPersistence, PostgresPersistence, SqlitePersistence};
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
