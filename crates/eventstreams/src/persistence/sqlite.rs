//! Streams in a file of SQLite.

use super::Answer;
use super::migrations::MIGRATIONS;
use super::tables::{Cell, Database};
use crate::error::Error;
use crate::filter::Dialect;
use core::time::Duration;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql, ffi, params_from_iter};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;
use tokio::sync::oneshot;

/// Keeps streams in a database of SQLite, which only this process writes to.
///
/// What is acknowledged outlives the process, whatever ends it. A power failure loses nothing but
/// checkpoints of the last second: each batch would have to wait for the disk otherwise, and what it
/// costs is that a little is delivered again. One thread does all that there is to do, in order.
#[derive(Debug)]
pub struct SqlitePersistence {
    statements: mpsc::Sender<Statement>,
}

#[derive(Debug)]
struct Statement {
    text: String,
    values: Vec<Cell>,
    /// Whether it has to be on the disk before it is answered.
    flushed: bool,
    reply: oneshot::Sender<Result<Vec<Vec<Cell>>, Error>>,
}

impl SqlitePersistence {
    /// Opens the file, makes it if there is none, and brings its tables up to date. Blocks.
    ///
    /// The file may be one of FireFly's own.
    pub fn open(file: &Path) -> Result<Self, Error> {
        let db = prepared(file)
            .map_err(|error| Error::Storage(format!("{}: {error}", file.display()).into()))?;
        let (statements, queue) = mpsc::channel::<Statement>();
        let mut writer = Writer { db, flushes: true, due: None };
        let run = move || while writer.next(&queue) {};
        let spawned = thread::Builder::new().name("eventstreams-sqlite".into()).spawn(run);
        spawned.map_err(|error| Error::Storage(error.to_string().into()))?;
        Ok(Self { statements })
    }
}

impl Database for SqlitePersistence {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn run<'a>(
        &'a self,
        _: Option<&'a str>,
        text: &'a str,
        values: Vec<Cell>,
    ) -> Answer<'a, Vec<Vec<Cell>>> {
        self.ask(text, values, true)
    }

    fn note<'a>(
        &'a self,
        _: Option<&'a str>,
        text: &'a str,
        values: Vec<Cell>,
    ) -> Answer<'a, Vec<Vec<Cell>>> {
        self.ask(text, values, false)
    }
}

impl SqlitePersistence {
    fn ask<'a>(
        &'a self,
        text: &'a str,
        values: Vec<Cell>,
        flushed: bool,
    ) -> Answer<'a, Vec<Vec<Cell>>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let gone = || Error::Storage("the thread of the database is gone".into());
            let statement = Statement { text: text.to_owned(), values, flushed, reply };
            self.statements.send(statement).map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        })
    }
}

/// The thread's part.
struct Writer {
    db: Connection,
    /// Whether what it writes is flushed to the disk at once, now.
    flushes: bool,
    /// When what is not on the disk yet has to be.
    due: Option<Instant>,
}

impl Writer {
    /// Does what comes next; false if nothing will.
    fn next(&mut self, queue: &mpsc::Receiver<Statement>) -> bool {
        let next = match self.due.map(|due| due.saturating_duration_since(Instant::now())) {
            None => queue.recv().map_err(RecvTimeoutError::from),
            Some(Duration::ZERO) => Err(RecvTimeoutError::Timeout),
            Some(left) => queue.recv_timeout(left),
        };
        match next {
            Ok(Statement { text, values, flushed, reply }) => {
                let done = self.run(&text, &values, flushed);
                let _ = reply.send(done.map_err(|error| failed(&error))); // nobody may be waiting any more
                true
            }
            Err(end) => {
                // It cannot be told whether that failed; the next one tries again.
                let _ = self.db.query_row("PRAGMA wal_checkpoint", (), |_| Ok(()));
                self.due = None;
                end == RecvTimeoutError::Timeout
            }
        }
    }

    fn run(
        &mut self,
        text: &str,
        values: &[Cell],
        flushed: bool,
    ) -> rusqlite::Result<Vec<Vec<Cell>>> {
        if self.flushes != flushed {
            self.db.execute_batch(if flushed { FULL } else { NORMAL })?;
            self.flushes = flushed;
        }
        if !flushed {
            self.due.get_or_insert_with(|| Instant::now() + WITHIN);
        }
        run(&self.db, text, values)
    }
}

fn prepared(file: &Path) -> rusqlite::Result<Connection> {
    let mut db = Connection::open(file)?;
    db.busy_timeout(PATIENCE)?;
    db.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    db.execute_batch(FULL)?;
    let there: u32 = db.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    let there = there as usize;
    if there > MIGRATIONS.len() {
        let code = ffi::Error::new(ffi::SQLITE_NOTADB);
        let text = "a database of a newer version of this program".to_owned();
        return Err(rusqlite::Error::SqliteFailure(code, Some(text)));
    }
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(there) {
        let step = db.transaction()?;
        step.execute_batch(migration.sqlite)?;
        step.execute_batch(&format!("PRAGMA user_version = {}", at + 1))?;
        step.commit()?;
    }
    Ok(db)
}

fn run(db: &Connection, text: &str, values: &[Cell]) -> rusqlite::Result<Vec<Vec<Cell>>> {
    let mut statement = db.prepare_cached(text)?;
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(values))?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        read.push((0..columns).map(|at| cell(row.get_ref(at)?)).collect::<Result<_, _>>()?);
    }
    Ok(read)
}

fn cell(value: ValueRef<'_>) -> rusqlite::Result<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Text(None),
        ValueRef::Integer(number) => Cell::Integer(Some(number)),
        other => other.as_str()?.into(),
    })
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Integer(None) | Self::Text(None) => ToSqlOutput::Owned(Value::Null),
            Self::Integer(Some(number)) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

fn failed(error: &rusqlite::Error) -> Error {
    let text = error.to_string();
    let unique =
        error.sqlite_error().is_some_and(|e| e.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE);
    if unique && text.contains("eventstreams.name") {
        return Error::NameTaken("".into());
    }
    Error::Storage(text.into())
}

/// Each transaction is on the disk before it is answered.
const FULL: &str = "PRAGMA synchronous = FULL";
/// It is written, and there unless the power fails.
const NORMAL: &str = "PRAGMA synchronous = NORMAL";
/// How long until it is on the disk as well.
const WITHIN: Duration = Duration::from_secs(1);
/// How long others may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);
