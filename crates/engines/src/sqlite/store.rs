//! One transaction in the tables: what is known, and what is written.

use super::error::{corrupt, failure};
use crate::codec;
use highwater_publisher::engine::{
    Append, AppendError, Appended, Failure, Head, Known, Place, Record, Retention, Written,
};
use highwater_publisher::{Epoch, Id};
use rusqlite::{Connection, OptionalExtension as _};

/// A topic, as the thread that writes remembers it.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    id: i64,
    head: Head,
    /// The index of the newest record that is no longer in the log.
    base: u64,
    /// What the records of the log take.
    bytes: u64,
}

impl Topic {
    pub(super) fn find(db: &Connection, name: &str) -> Result<Option<Self>, Failure> {
        let found = db
            .prepare_cached("SELECT id, epoch, idx, fence FROM topic WHERE name = ?")
            .and_then(|mut query| {
                let read = |row: &rusqlite::Row<'_>| {
                    Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
                };
                query.query_row([name], read).optional()
            })
            .map_err(failure)?;
        let Some((id, epoch, index, fence)) = found else { return Ok(None) };
        let epoch = Epoch::new(&epoch).map_err(corrupt)?;
        let (oldest, bytes): (Option<u64>, u64) = db
            .prepare_cached(
                "SELECT min(idx), coalesce(sum(length(record)), 0) FROM log WHERE topic = ?",
            )
            .and_then(|mut query| query.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(failure)?;
        let base = oldest.map_or(index, |oldest| oldest.saturating_sub(1));
        Ok(Some(Self { id, head: Head { place: Place { epoch, index }, fence }, base, bytes }))
    }

    fn create(db: &Connection, name: &str) -> Result<Self, Failure> {
        let epoch = Epoch::fresh();
        db.prepare_cached("INSERT INTO topic (name, epoch, idx, fence) VALUES (?, ?, 0, 0)")
            .and_then(|mut insert| insert.insert((name, epoch.as_str())))
            .map(|id| {
                let head = Head { place: Place { epoch, index: 0 }, fence: 0 };
                Self { id, head, base: 0, bytes: 0 }
            })
            .map_err(failure)
    }

    /// Decides an append and writes what it comes to. What fails half-way is for the caller to roll back.
    pub(super) fn append(
        topic: &mut Option<Self>,
        db: &Connection,
        name: &str,
        append: &Append,
        retention: &Retention,
    ) -> Result<Appended, AppendError> {
        let id = topic.as_ref().map(|topic| topic.id);
        let head = topic.as_ref().map(|topic| &topic.head);
        let record = append.decide(head, Record::now(), |item| match id {
            Some(topic) => known(db, topic, item),
            None => Ok(None),
        })?;
        let topic = match topic {
            Some(topic) => topic,
            none => none.insert(Self::create(db, name)?),
        };
        let appended = topic.head.appended(&record);
        topic.write(db, &record, retention).map_err(failure)?;
        Ok(appended)
    }

    fn write(
        &mut self,
        db: &Connection,
        record: &Record,
        retention: &Retention,
    ) -> rusqlite::Result<()> {
        for Written { id, version, object } in &record.changes {
            let object = object.as_ref().map(highwater_publisher::Object::as_str);
            db.prepare_cached(PUT)?.execute((
                self.id,
                id.kind(),
                id.key(),
                version,
                record.index,
                object,
            ))?;
        }
        let text = codec::encode(record);
        db.prepare_cached("INSERT INTO log (topic, idx, time, record) VALUES (?, ?, ?, ?)")?
            .execute((self.id, record.index, record.time, &text))?;
        self.head.advance(record);
        self.bytes += text.len() as u64;
        db.prepare_cached("UPDATE topic SET idx = ?, fence = ? WHERE id = ?")?.execute((
            self.head.place.index,
            self.head.fence,
            self.id,
        ))?;
        self.trim(db, retention, record.time)
    }

    fn trim(&mut self, db: &Connection, retention: &Retention, now: u64) -> rusqlite::Result<()> {
        let (before, newest) = (self.base, self.head.place.index);
        while newest - self.base > 1 {
            let (time, size): (u64, u64) = db
                .prepare_cached("SELECT time, length(record) FROM log WHERE topic = ? AND idx = ?")?
                .query_row((self.id, self.base + 1), |row| Ok((row.get(0)?, row.get(1)?)))?;
            if newest - self.base <= retention.transactions
                && self.bytes <= retention.bytes
                && time >= retention.oldest(now)
            {
                break;
            }
            db.prepare_cached("DELETE FROM log WHERE topic = ? AND idx = ?")?
                .execute((self.id, self.base + 1))?;
            self.base += 1;
            self.bytes -= size;
        }
        if self.base > before {
            db.prepare_cached(
                "DELETE FROM item WHERE topic = ? AND changed <= ? AND object IS NULL",
            )?
            .execute((self.id, self.base))?;
        }
        Ok(())
    }

    pub(super) fn place(&self) -> &Place {
        &self.head.place
    }
}

/// Begins a new life of every topic: the items stay, the log and the deletions are of the past.
pub(super) fn begin_again(db: &Connection) -> rusqlite::Result<()> {
    let mut query = db.prepare("SELECT id FROM topic")?;
    let topics: Vec<i64> = query.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in topics {
        db.prepare_cached("UPDATE topic SET epoch = ?, fence = 0 WHERE id = ?")?
            .execute((Epoch::fresh().as_str(), id))?;
    }
    db.execute("DELETE FROM log", ())?;
    db.execute("DELETE FROM item WHERE object IS NULL", ())?;
    Ok(())
}

/// Drops all of the log but the newest record of each topic. Answers whether there was more.
pub(super) fn make_room(db: &Connection) -> rusqlite::Result<bool> {
    let dropped = db.execute(
        "DELETE FROM log WHERE EXISTS (SELECT 1 FROM topic WHERE topic.id = log.topic AND log.idx < topic.idx)",
        (),
    )?;
    Ok(dropped > 0)
}

fn known(db: &Connection, topic: i64, id: &Id) -> Result<Option<Known>, Failure> {
    db.prepare_cached(
        "SELECT version, object IS NOT NULL FROM item WHERE topic = ? AND kind = ? AND key = ?",
    )
    .and_then(|mut query| {
        let read = |row: &rusqlite::Row<'_>| Ok(Known { version: row.get(0)?, live: row.get(1)? });
        query.query_row((topic, id.kind(), id.key()), read).optional()
    })
    .map_err(failure)
}

const PUT: &str = "
INSERT INTO item (topic, kind, key, version, changed, object) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (topic, kind, key) DO UPDATE
SET version = excluded.version, changed = excluded.changed, object = excluded.object";
