//! What only databases do: they are there after the process is gone, and sometimes not there.

use crate::contract::{id, named};
use crate::postgres::Postgres;
use core::time::Duration;
use highwater_eventstreams::{
    Error, Period, Persistence as _, PostgresPersistence, SqlitePersistence,
};
use rusqlite::Connection;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::time::{Instant, sleep};

/// A new database of a server.
pub(crate) async fn create(server: &Postgres, name: &str) {
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let text = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(text).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_file_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("streams.db");
    let storage = SqlitePersistence::open(&file).unwrap();
    storage.upsert(&named(1, "one")).await.unwrap();
    storage.put_checkpoint(&id(1), "7").await.unwrap();
    drop(storage);
    let storage = SqlitePersistence::open(&file).unwrap();
    assert!(storage.by_name("one").await.unwrap().is_some());
    assert_eq!(storage.checkpoint(&id(1)).await.unwrap().as_deref(), Some("7"));
}

/// As FireFly's own migrations make it, with durations as its own programs write them.
#[tokio::test]
async fn a_file_of_fireflys_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("firefly.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch(
            "CREATE TABLE eventstreams (
               seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, created BIGINT NOT NULL,
               updated BIGINT NOT NULL, name VARCHAR(64) NOT NULL, status TEXT, type TEXT,
               initial_sequence_id TEXT, topic_filter TEXT, identity TEXT, error_handling TEXT,
               batch_size BIGINT, batch_timeout BIGINT, retry_timeout BIGINT,
               blocked_retry_delay BIGINT, webhook_config TEXT, websocket_config TEXT);
             CREATE UNIQUE INDEX eventstreams_id ON eventstreams(id);
             CREATE UNIQUE INDEX eventstreams_name ON eventstreams(name);
             INSERT INTO eventstreams (id, created, updated, name, batch_timeout, retry_timeout, webhook_config)
               VALUES ('c0ffee00-0000-4000-8000-000000000001', 1, 2, 'old', '1s', 1500, 'null');",
        )
        .unwrap();
    let storage = SqlitePersistence::open(&file).unwrap();
    let old = storage.by_name("old").await.unwrap().unwrap();
    assert_eq!(old.batch_timeout, Some(Period::from_millis(1000)));
    assert_eq!(old.retry_timeout, Some(Period::from_millis(1500)));
    assert_eq!(old.webhook, None);
    let done = storage.upsert(&old).await.unwrap();
    assert_eq!((done.inserted, done.created.as_nanos()), (false, 1));
    assert_eq!(storage.upsert(&named(2, "old")).await, Err(Error::NameTaken("old".into())));
}

#[tokio::test]
async fn what_is_no_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("streams.db");
    std::fs::write(&file, "this is no database, and long enough to be seen as none").unwrap();
    let error = SqlitePersistence::open(&file).unwrap_err();
    assert!(error.to_string().contains("streams.db"), "{error}");
    let missing = folder.path().join("no/such/folder/streams.db");
    assert_eq!(SqlitePersistence::open(&missing).unwrap_err().status(), 500);
    assert!(PostgresPersistence::check("postgres://localhost/x").is_ok());
    assert!(PostgresPersistence::check("nonsense").is_err());
}

#[tokio::test]
async fn a_server_goes_away_and_comes_back() {
    let Some(mut server) = Postgres::start() else { return };
    create(&server, "away").await;
    let storage = PostgresPersistence::connect(&server.url("away")).await.unwrap();
    storage.upsert(&named(1, "one")).await.unwrap();
    server.stop();
    let error = storage.put_checkpoint(&id(1), "1").await.unwrap_err();
    assert!(matches!(error, Error::Storage(_)), "{error}");
    server.restart();
    let deadline = Instant::now() + Duration::from_mins(1);
    while let Err(error) = storage.put_checkpoint(&id(1), "2").await {
        assert!(Instant::now() < deadline, "{error}");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(storage.checkpoint(&id(1)).await.unwrap().as_deref(), Some("2"));
    assert!(storage.by_name("one").await.unwrap().is_some());
}

#[tokio::test]
async fn processes_that_start_together_make_the_tables_once() {
    let Some(server) = Postgres::start() else { return };
    create(&server, "together").await;
    let url = server.url("together");
    let connect = || PostgresPersistence::connect(&url);
    let (one, other) = tokio::join!(connect(), connect());
    let (one, other) = (one.unwrap(), other.unwrap());
    one.upsert(&named(1, "one")).await.unwrap();
    assert!(other.by_name("one").await.unwrap().is_some());
    let taken = Err(Error::NameTaken("one".into()));
    assert_eq!(other.upsert(&named(2, "one")).await, taken);
}
