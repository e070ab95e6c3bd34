//! The one thread that writes.

use super::Bells;
use super::error::{corrupt, failure};
use super::marker::Marker;
use super::store::{self, Topic};
use core::time::Duration;
use highwater_publisher::Epoch;
use highwater_publisher::engine::{Append, AppendError, Appended, Failure, Place, Retention};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::HashMap;
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// What it is asked to do, and who waits for the answer.
pub(super) enum Job {
    Append {
        topic: String,
        append: Append,
        reply: oneshot::Sender<Result<Appended, AppendError>>,
    },
    /// The next token of a lease.
    Token {
        name: String,
        reply: oneshot::Sender<Result<u64, Failure>>,
    },
}

/// The connection that writes, with what it remembers of the database.
pub(super) struct Writer {
    db: Connection,
    marker: Option<Marker>,
    life: String,
    generation: u64,
    /// Forgotten whenever something was rolled back.
    topics: HashMap<String, Option<Topic>>,
    bells: Bells,
    retention: Retention,
}

impl Writer {
    /// Begins new epochs unless the marker vouches for the database.
    pub(super) fn new(
        db: Connection,
        marker: Option<Marker>,
        bells: Bells,
        retention: Retention,
    ) -> Result<Self, Failure> {
        let told = db
            .query_row("SELECT life, generation FROM head", (), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(failure)?;
        let (life, generation): (String, u64) = told.unwrap_or_default();
        let mut writer =
            Self { db, marker, life, generation, topics: HashMap::new(), bells, retention };
        let vouched = |marker: &Marker| marker.vouches(&writer.life, writer.generation);
        if !writer.marker.as_ref().is_some_and(vouched) {
            writer.begin_again().map_err(failure)?;
        }
        writer.mark();
        writer.ring_all()?;
        Ok(writer)
    }

    /// Works until nobody can ask for anything any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            batch.extend(jobs.try_iter().take(MOST_AT_ONCE - 1));
            self.work(batch);
        }
    }

    fn work(&mut self, batch: Vec<Job>) {
        let outcome = match self.attempt(&batch) {
            Err(Trouble::Failure(Failure::Full(_))) if self.make_room() => self.attempt(&batch),
            outcome => outcome,
        };
        match outcome {
            Ok(done) => {
                self.mark();
                for name in batch.iter().filter_map(Job::topic) {
                    if let Some(Some(topic)) = self.topics.get(name) {
                        self.bells.ring(name, topic.place().clone());
                    }
                }
                for (job, done) in batch.into_iter().zip(done) {
                    job.answer(done);
                }
            }
            // What does not fit shall not fail the others.
            Err(Trouble::Failure(Failure::Full(_))) if batch.len() > 1 => {
                for job in batch {
                    self.work(vec![job]);
                }
            }
            Err(trouble) => {
                for job in batch {
                    job.fail(&trouble);
                }
            }
        }
    }

    /// Does all jobs in one commit; those that are refused leave nothing in it.
    fn attempt(&mut self, batch: &[Job]) -> Result<Vec<Done>, Trouble> {
        let result = self.attempt_to_commit(batch);
        if result.is_err() {
            self.topics.clear();
            if !self.db.is_autocommit() {
                // If it fails, so does the next BEGIN, and says why.
                let _ = self.db.execute_batch("ROLLBACK");
            }
        }
        result
    }

    fn attempt_to_commit(&mut self, batch: &[Job]) -> Result<Vec<Done>, Trouble> {
        self.db.execute_batch("BEGIN IMMEDIATE").map_err(failure)?;
        let mut wrote = false;
        let mut outcomes = Vec::with_capacity(batch.len());
        for job in batch {
            let done = match job {
                Job::Append { topic, append, .. } => match self.append(topic, append) {
                    Err(AppendError::Failure(failure)) => return Err(failure.into()),
                    outcome => Done::Append(outcome),
                },
                Job::Token { name, .. } => Done::Token(self.token(name).map_err(failure)?),
            };
            wrote |= !matches!(done, Done::Append(Err(_)));
            outcomes.push(done);
        }
        if !wrote {
            self.db.execute_batch("ROLLBACK").map_err(failure)?;
            return Ok(outcomes);
        }
        self.db
            .prepare_cached("UPDATE head SET generation = ?")
            .and_then(|mut update| update.execute([self.generation + 1]))
            .map_err(failure)?;
        self.db.execute_batch("COMMIT").map_err(|error| match failure(error) {
            // Nothing was written that a recovery would find.
            known @ (Failure::Full(_) | Failure::InUse(_)) => Trouble::Failure(known),
            error => {
                tracing::error!(%error, "a commit failed, and a restart may find it done");
                Trouble::Undecided
            }
        })?;
        self.generation += 1;
        Ok(outcomes)
    }

    fn append(&mut self, name: &str, append: &Append) -> Result<Appended, AppendError> {
        if !self.topics.contains_key(name) {
            // Names that nobody has written to are not worth remembering for long.
            if self.topics.len() >= MOST_REMEMBERED {
                self.topics.clear();
            }
            self.topics.insert(name.to_owned(), Topic::find(&self.db, name)?);
        }
        let topic = self.topics.entry(name.to_owned()).or_default();
        Topic::append(topic, &self.db, name, append, &self.retention)
    }

    fn token(&self, name: &str) -> rusqlite::Result<u64> {
        let next = "INSERT INTO lease (name, token) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET token = token + 1 RETURNING token";
        self.db.prepare_cached(next)?.query_row([name], |row| row.get(0))
    }

    /// Whether there is more room now.
    fn make_room(&mut self) -> bool {
        self.topics.clear();
        store::make_room(&self.db).is_ok_and(|dropped| {
            if dropped {
                tracing::warn!(
                    "no room left: the log of every topic was dropped but for its newest record"
                );
            }
            dropped
        })
    }

    fn begin_again(&mut self) -> rusqlite::Result<()> {
        let life = Epoch::fresh().as_str().to_owned();
        let generation = self.generation + 1;
        let transaction = self.db.transaction()?;
        store::begin_again(&transaction)?;
        transaction.execute("DELETE FROM head", ())?;
        transaction.execute("INSERT INTO head VALUES (?, ?)", (&life, generation))?;
        transaction.commit()?;
        (self.life, self.generation) = (life, generation);
        Ok(())
    }

    fn mark(&mut self) {
        if let Some(marker) = &mut self.marker {
            marker.keep(&self.life, self.generation);
        }
    }

    fn ring_all(&self) -> Result<(), Failure> {
        let mut query = self.db.prepare("SELECT name, epoch, idx FROM topic").map_err(failure)?;
        let mut rows = query.query(()).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            let read = || -> rusqlite::Result<(String, String, u64)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            };
            let (name, epoch, index) = read().map_err(failure)?;
            let epoch = Epoch::new(&epoch).map_err(corrupt)?;
            self.bells.ring(&name, Place { epoch, index });
        }
        Ok(())
    }
}

impl Job {
    fn topic(&self) -> Option<&str> {
        match self {
            Self::Append { topic, .. } => Some(topic),
            Self::Token { .. } => None,
        }
    }

    /// Whoever no longer waits is not told.
    fn answer(self, done: Done) {
        match (self, done) {
            (Self::Append { reply, .. }, Done::Append(outcome)) => drop(reply.send(outcome)),
            (Self::Token { reply, .. }, Done::Token(token)) => drop(reply.send(Ok(token))),
            _ => unreachable!("jobs are done in their order"),
        }
    }

    fn fail(self, trouble: &Trouble) {
        match self {
            Self::Append { reply, .. } => drop(reply.send(Err(match trouble {
                Trouble::Failure(failure) => failure.clone().into(),
                Trouble::Undecided => AppendError::Undecided { retry_after: RETRY_AFTER },
            }))),
            Self::Token { reply, .. } => drop(reply.send(Err(match trouble {
                Trouble::Failure(failure) => failure.clone(),
                Trouble::Undecided => super::plain("the commit failed"),
            }))),
        }
    }
}

enum Done {
    Append(Result<Appended, AppendError>),
    Token(u64),
}

/// Why a whole batch failed.
enum Trouble {
    /// Nothing of it is in the database.
    Failure(Failure),
    /// It may be there when the database is opened the next time.
    Undecided,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Bounds how long the first of a batch waits for the last.
const MOST_AT_ONCE: usize = 1024;
const MOST_REMEMBERED: usize = 65_536;
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema;
    use highwater_publisher::{Id, Object, Operation};
    use std::sync::mpsc;

    #[test]
    fn appends_that_wait_are_one_commit() {
        let folder = tempfile::tempdir().unwrap();
        let open = || schema::open(&folder.path().join("highwater.db"), None).unwrap();
        let writer = Writer::new(open(), None, Bells::default(), Retention::default()).unwrap();
        let generation = writer.generation;
        let (jobs, queue) = mpsc::channel();
        let ask = |key: &str| {
            let (reply, answer) = oneshot::channel();
            let put = Operation::put(Id::new("k", key).unwrap(), Object::parse("{}").unwrap());
            let append = Append::new([put].into());
            jobs.send(Job::Append { topic: "t".into(), append, reply }).unwrap();
            answer
        };
        let answers: Vec<_> = (0..256).map(|n| ask(&n.to_string())).collect();
        drop(jobs);
        writer.run(&queue);
        for (n, mut answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.try_recv().unwrap().unwrap().place.index, n as u64 + 1);
        }
        let after: u64 =
            open().query_row("SELECT generation FROM head", (), |row| row.get(0)).unwrap();
        assert_eq!(after, generation + 1);
    }
}
