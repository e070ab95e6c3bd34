//! Streams in PostgreSQL.

use super::migrations::MIGRATIONS;
use super::tables::{Cell, Claims, Database};
use super::{Answer, Changed};
use crate::error::Error;
use crate::filter::Dialect;
use core::hash::{BuildHasher as _, BuildHasherDefault};
use core::time::Duration;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgListener, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column as _, PgPool, Postgres, Row as _, TypeInfo as _};
use std::collections::hash_map::DefaultHasher;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};
use tokio::time::sleep;

/// Keeps streams in PostgreSQL, which several processes may share.
///
/// When the database is away, everything fails until it is back; connections are made again.
#[derive(Debug)]
pub struct PostgresPersistence {
    pool: PgPool,
    /// What is asked about a stream is asked in order: one lock for all streams of a hash.
    turns: [Arc<Mutex<()>>; TURNS],
    claims: Claims,
}

impl PostgresPersistence {
    /// Connects to `postgres://user:password@host:port/database`, and brings its tables up to date.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse().map_err(|error| failed(&error))?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options.application_name("highwater"))
            .await
            .map_err(|error| failed(&error))?;
        migrate(&pool).await.map_err(|error| failed(&error))?;
        let turns = core::array::from_fn(|_| Arc::default());
        Ok(Self { pool, turns, claims: Claims::default() })
    }

    /// Whether a URL is one to connect to, wherever it leads.
    pub fn check(url: &str) -> Result<(), Error> {
        url.parse::<PgConnectOptions>().map(drop).map_err(|error| failed(&error))
    }

    fn turn(&self, stream: &str) -> Arc<Mutex<()>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(stream);
        Arc::clone(&self.turns[hash as usize % TURNS])
    }
}

impl Database for PostgresPersistence {
    const DIALECT: Dialect = Dialect::Postgres;

    fn run<'a>(
        &'a self,
        stream: Option<&'a str>,
        text: &'a str,
        values: Vec<Cell>,
    ) -> Answer<'a, Vec<Vec<Cell>>> {
        Box::pin(async move {
            let mut turn = None;
            if let Some(stream) = stream {
                turn = Some(self.turn(stream).lock_owned().await);
            }
            let (pool, text) = (self.pool.clone(), text.replace('?', "$"));
            // A task of its own comes to its end, with its turn, whoever waits for it.
            let run = tokio::spawn(async move {
                let _turn = turn;
                let query = values.into_iter().fold(sqlx::query(AssertSqlSafe(text)), bind);
                let rows = query.fetch_all(&pool).await.map_err(|error| failed(&error))?;
                rows.iter().map(cells).collect::<Result<_, _>>().map_err(|error| failed(&error))
            });
            run.await.unwrap_or_else(|ended| Err(Error::Storage(ended.to_string().into())))
        })
    }

    fn claims(&self) -> Option<&Claims> {
        Some(&self.claims)
    }

    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Changed>> {
        let (listener, changes) = mpsc::unbounded_channel();
        tokio::spawn(listen(self.pool.clone(), listener));
        Some(changes)
    }
}

/// Tells of every change until nobody listens any more.
async fn listen(pool: PgPool, to: mpsc::UnboundedSender<Changed>) {
    while !to.is_closed() {
        let heard = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen("eventstreams").await?;
            let mut changed = Changed::Any;
            while to.send(changed).is_ok() {
                let next = tokio::select! {
                    next = listener.try_recv() => next?,
                    () = to.closed() => break,
                };
                // Without a notification, the connection was lost and is there again.
                changed =
                    next.map_or(Changed::Any, |heard| Changed::Stream(heard.payload().into()));
            }
            Ok::<(), sqlx::Error>(())
        };
        if let Err(error) = heard.await {
            tracing::warn!(%error, "changes of event streams are not heard of");
            sleep(AGAIN).await;
        }
    }
}

/// One process at a time.
async fn migrate(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut step = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *step).await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS es_migrations (version INT PRIMARY KEY)")
        .execute(&mut *step)
        .await?;
    let there: Option<i32> =
        sqlx::query_scalar("SELECT max(version) FROM es_migrations").fetch_one(&mut *step).await?;
    for (version, migration) in
        (1..).zip(MIGRATIONS).skip(there.unwrap_or(0).unsigned_abs() as usize)
    {
        sqlx::raw_sql(migration.postgres).execute(&mut *step).await?;
        let insert = sqlx::query("INSERT INTO es_migrations VALUES ($1)").bind(version);
        insert.execute(&mut *step).await?;
    }
    step.commit().await
}

fn bind(query: Query<'_, Postgres, PgArguments>, value: Cell) -> Query<'_, Postgres, PgArguments> {
    match value {
        Cell::Integer(number) => query.bind(number),
        Cell::Text(text) => query.bind(text),
    }
}

fn cells(row: &PgRow) -> Result<Vec<Cell>, sqlx::Error> {
    let cell = |column: &sqlx::postgres::PgColumn| {
        let at = column.ordinal();
        Ok(if column.type_info().name() == "INT8" {
            Cell::Integer(row.try_get(at)?)
        } else {
            Cell::Text(row.try_get(at)?)
        })
    };
    row.columns().iter().map(cell).collect()
}

fn failed(error: &sqlx::Error) -> Error {
    let refused = error.as_database_error();
    if refused.and_then(|refused| refused.constraint()) == Some("eventstreams_name") {
        return Error::NameTaken("".into());
    }
    Error::Storage(error.to_string().into())
}

/// Before changes are listened for again.
const AGAIN: Duration = Duration::from_secs(1);
const TURNS: usize = 64;
const CONNECTIONS: u32 = 8;
/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// "Highwtr", so that nobody else has it.
const LOCK: i64 = 0x0048_6967_6877_7472;
