//! Reading, beside the thread that writes.

use super::error::{corrupt, failure, plain};
use super::schema;
use crate::codec;
use highwater_publisher::engine::{Failure, Place, Read, Snapshot, Stored};
use highwater_publisher::{Epoch, Id, Object};
use rusqlite::{Connection, OptionalExtension as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections that are not in use.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    file: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file: Arc::new(file), idle: Arc::default() }
    }

    /// Reads at one moment of the database, on a thread that may block.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let readers = self.clone();
        let work = move || {
            let mut db = readers.connection().map_err(failure)?;
            let moment = db.transaction().map_err(failure)?;
            let done = read(&moment);
            moment.finish().map_err(failure)?;
            readers.give_back(db);
            done
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|gone| Err(plain(gone)))
    }

    /// Closes what is not in use.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| schema::open_to_read(&self.file), Ok)
    }

    fn give_back(&self, db: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(db);
        }
    }
}

/// See [`Engine::read`](highwater_publisher::engine::Engine::read).
pub(super) fn read(
    db: &Connection,
    topic: &str,
    after: &Place,
    limit: usize,
) -> Result<Read, Failure> {
    let Some((id, place)) = find(db, topic)? else { return Ok(Read::Gone) };
    let oldest: Option<u64> = db
        .prepare_cached("SELECT min(idx) FROM log WHERE topic = ?")
        .and_then(|mut query| query.query_row([id], |row| row.get(0)))
        .map_err(failure)?;
    let base = oldest.map_or(place.index, |oldest| oldest.saturating_sub(1));
    if after.epoch != place.epoch || !(base..=place.index).contains(&after.index) {
        return Ok(Read::Gone);
    }
    let mut query = db
        .prepare_cached("SELECT record FROM log WHERE topic = ? AND idx > ? ORDER BY idx")
        .map_err(failure)?;
    let mut rows = query.query((id, after.index)).map_err(failure)?;
    let (mut records, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next().map_err(failure)? {
        let text = row.get_ref(0).map_err(failure)?.as_blob().map_err(corrupt)?;
        let record = codec::decode(text).map_err(corrupt)?;
        if record.index != after.index + 1 + records.len() as u64 {
            return Err(corrupt(format!(
                "record {} of topic {topic} is out of place",
                record.index
            )));
        }
        size += record.size();
        if size > limit && !records.is_empty() {
            break;
        }
        records.push(Arc::new(record));
    }
    Ok(Read::Records(records))
}

/// See [`Engine::snapshot`](highwater_publisher::engine::Engine::snapshot).
pub(super) fn snapshot(db: &Connection, topic: &str) -> Result<Option<Snapshot>, Failure> {
    let Some((id, place)) = find(db, topic)? else { return Ok(None) };
    let mut query = db
        .prepare_cached(
            "SELECT kind, key, version, object FROM item
             WHERE topic = ? AND object IS NOT NULL ORDER BY kind, key",
        )
        .map_err(failure)?;
    let mut rows = query.query([id]).map_err(failure)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next().map_err(failure)? {
        let text = |column| {
            row.get_ref(column).map_err(failure).and_then(|text| text.as_str().map_err(corrupt))
        };
        items.push(Stored {
            id: Id::new(text(0)?, text(1)?).map_err(corrupt)?,
            version: row.get(2).map_err(failure)?,
            object: Object::parse(text(3)?).map_err(corrupt)?,
        });
    }
    Ok(Some(Snapshot { place, items }))
}

fn find(db: &Connection, topic: &str) -> Result<Option<(i64, Place)>, Failure> {
    let found: Option<(i64, String, u64)> = db
        .prepare_cached("SELECT id, epoch, idx FROM topic WHERE name = ?")
        .and_then(|mut query| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            query.query_row([topic], read).optional()
        })
        .map_err(failure)?;
    let Some((id, epoch, index)) = found else { return Ok(None) };
    Ok(Some((id, Place { epoch: Epoch::new(&epoch).map_err(corrupt)?, index })))
}

/// A herd may take more, which are closed afterwards.
const MOST_IDLE: usize = 4;
