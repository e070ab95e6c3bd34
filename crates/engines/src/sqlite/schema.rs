//! The database as a file.

use core::time::Duration;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Opens it for the one that writes; makes it if there is none.
pub(super) fn open(file: &Path, most_bytes: Option<u64>) -> rusqlite::Result<Connection> {
    let db = Connection::open(file)?;
    // Whoever copies a backup meanwhile is waited for.
    db.busy_timeout(Duration::from_secs(10))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if tables > 0 || written_by(&db)? != (0, 0) {
        check(&db)?;
    }
    db.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    // FULL: each commit is on the disk before it is acknowledged, and not only in the write-ahead log's cache.
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;")?;
    if let Some(bytes) = most_bytes {
        let page: u64 = db.query_row("PRAGMA page_size", (), |row| row.get(0))?;
        let pages = (bytes / page).max(1);
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(()))?;
    }
    if tables == 0 {
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
    }
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

/// Whether it is one of ours, of a version that is understood here.
pub(super) fn check(db: &Connection) -> rusqlite::Result<()> {
    if written_by(db)? == (APPLICATION, VERSION) { Ok(()) } else { Err(not_ours()) }
}

fn written_by(db: &Connection) -> rusqlite::Result<(i64, i64)> {
    let application = db.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    let version = db.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    Ok((application, version))
}

/// Opens it for one that reads.
pub(super) fn open_to_read(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(Duration::from_secs(10))?;
    Ok(db)
}

fn not_ours() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
    let text = "a database of another program, or of a newer version of this one";
    rusqlite::Error::SqliteFailure(code, Some(text.to_owned()))
}

/// "High", so that `file` and people can tell what it is.
const APPLICATION: i64 = 0x4869_6768;
const VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE head (
    life TEXT NOT NULL,             -- from one opening without a marker to the next
    generation INTEGER NOT NULL     -- commits so far
) STRICT;
CREATE TABLE topic (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    idx INTEGER NOT NULL,           -- of the newest transaction
    fence INTEGER NOT NULL          -- the greatest seen
) STRICT;
CREATE TABLE item (
    topic INTEGER NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed INTEGER NOT NULL,       -- index of the transaction that wrote it last
    object TEXT,                    -- NULL: deleted, remembered as long as the log tells of it
    PRIMARY KEY (topic, kind, key)
) STRICT;
CREATE INDEX deleted ON item (topic, changed) WHERE object IS NULL;
CREATE TABLE log (
    topic INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    time INTEGER NOT NULL,          -- milliseconds since 1970
    record BLOB NOT NULL,           -- JSON
    PRIMARY KEY (topic, idx)
) STRICT;
CREATE TABLE lease (name TEXT PRIMARY KEY, token INTEGER NOT NULL) STRICT;
";
