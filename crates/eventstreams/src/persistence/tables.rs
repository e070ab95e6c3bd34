//! Streams and checkpoints as rows of two tables, whichever database has them.

use super::{Answer, Changed, Listed, Persistence, Update, Upserted};
use crate::duration::Period;
use crate::error::Error;
use crate::filter::{Dialect, Parameter, Query};
use crate::keyword::Keyword;
use crate::spec::{EventStreamSpec, Status};
use crate::timestamp::Timestamp;
use core::fmt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// A value of a row, or of a statement; null has a type, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Integer(Option<i64>),
    Text(Option<String>),
}

/// What is done by statements in SQL.
pub(super) trait Database: fmt::Debug + Send + Sync + 'static {
    const DIALECT: Dialect;

    /// Runs one statement to its end, also if nobody waits for it any more, and gives its rows. Those
    /// about the same stream are run in order. In the text, `?1` stands for the first value.
    fn run<'a>(
        &'a self,
        stream: Option<&'a str>,
        text: &'a str,
        values: Vec<Cell>,
    ) -> Answer<'a, Vec<Vec<Cell>>>;

    /// As [`run`](Self::run), of what a power failure may undo for a while: what was there before makes
    /// as much sense.
    fn note<'a>(
        &'a self,
        stream: Option<&'a str>,
        text: &'a str,
        values: Vec<Cell>,
    ) -> Answer<'a, Vec<Vec<Cell>>> {
        self.run(stream, text, values)
    }

    /// Which streams this process has; nothing of a database that others do not use.
    fn claims(&self) -> Option<&Claims> {
        None
    }

    /// Of streams that others have changed, too; nothing of a database that others do not use.
    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Changed>> {
        None
    }
}

/// The streams that this process has claimed, and by which names: the one that is stored counts.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<HashMap<String, String>>);

impl Claims {
    fn of(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all databases have in common.
impl<D: Database> Persistence for D {
    fn upsert<'a>(&'a self, spec: &'a EventStreamSpec) -> Answer<'a, Upserted> {
        Box::pin(async move {
            let now = Timestamp::now();
            let stored = EventStreamSpec { created: Some(now), updated: Some(now), ..spec.clone() };
            let rows = self.run(spec.id.as_deref(), UPSERT, cells(&stored)?).await;
            let rows = rows.map_err(|error| match error {
                Error::NameTaken(_) => {
                    Error::NameTaken(spec.name.as_deref().unwrap_or_default().into())
                }
                other => other,
            })?;
            match rows.first().map(Vec::as_slice) {
                Some([Cell::Integer(Some(created)), Cell::Integer(Some(updated))]) => {
                    Ok(Upserted {
                        inserted: created == updated,
                        created: Timestamp::from_nanos(*created),
                        updated: Timestamp::from_nanos(*updated),
                    })
                }
                _ => Err(Error::Storage("a row that was written has no times".into())),
            }
        })
    }

    fn update<'a>(&'a self, id: &'a str, update: Update) -> Answer<'a, Timestamp> {
        Box::pin(async move {
            let Update { status, initial_sequence_id: position, initial_time: time } = update;
            let flag = |set| Cell::Integer(Some(i64::from(set)));
            let values = vec![
                id.into(),
                Timestamp::now().into(),
                status.map(Status::as_str).into(),
                flag(position.is_some()),
                position.flatten().into(),
                flag(time.is_some()),
                time.flatten().into(),
            ];
            let rows = self.run(Some(id), UPDATE, values).await?;
            match rows.first().map(Vec::as_slice) {
                Some([Cell::Integer(Some(updated))]) => Ok(Timestamp::from_nanos(*updated)),
                _ => Err(Error::NotFound),
            }
        })
    }

    fn by_id<'a>(&'a self, id: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        Box::pin(async move {
            let text = format!("SELECT {COLUMNS} FROM eventstreams WHERE id = ?1");
            let rows = self.run(Some(id), &text, vec![id.into()]).await?;
            rows.into_iter().next().map(spec).transpose()
        })
    }

    fn by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        Box::pin(async move {
            let text = format!("SELECT {COLUMNS} FROM eventstreams WHERE name = ?1");
            let rows = self.run(None, &text, vec![name.into()]).await?;
            rows.into_iter().next().map(spec).transpose()
        })
    }

    fn list<'a>(&'a self, query: &'a Query) -> Answer<'a, Listed> {
        Box::pin(async move {
            let sql = query.to_sql(D::DIALECT);
            let values: Vec<Cell> = sql.parameters.into_iter().map(Cell::from).collect();
            let text = format!(
                "SELECT {COLUMNS} FROM eventstreams WHERE {} ORDER BY {} LIMIT {} OFFSET {}",
                sql.condition, sql.order, query.limit, query.skip
            );
            let rows = self.run(None, &text, values.clone()).await?;
            let items = rows.into_iter().map(spec).collect::<Result<_, _>>()?;
            let mut total = None;
            if query.count {
                let text = format!("SELECT count(*) FROM eventstreams WHERE {}", sql.condition);
                let rows = self.run(None, &text, values).await?;
                if let Some([Cell::Integer(Some(count))]) = rows.first().map(Vec::as_slice) {
                    total = Some(count.unsigned_abs());
                }
            }
            Ok(Listed { items, total })
        })
    }

    fn page(&self, after: Option<i64>, limit: usize) -> Answer<'_, Vec<(i64, EventStreamSpec)>> {
        Box::pin(async move {
            let text = format!(
                "SELECT seq, {COLUMNS} FROM eventstreams WHERE seq > ?1 ORDER BY seq LIMIT {limit}"
            );
            let rows =
                self.run(None, &text, vec![Cell::Integer(Some(after.unwrap_or(-1)))]).await?;
            let keyed = rows.into_iter().map(|mut row| match row.remove(0) {
                Cell::Integer(Some(key)) => Ok((key, spec(row)?)),
                other => Err(unreadable("seq", &other)),
            });
            keyed.collect()
        })
    }

    fn delete<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let text = "DELETE FROM eventstreams WHERE id = ?1";
            self.run(Some(id), text, vec![id.into()]).await.map(drop)
        })
    }

    fn checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let text = "SELECT sequence_id FROM es_checkpoints WHERE id = ?1";
            let rows = self.run(Some(id), text, vec![id.into()]).await?;
            Ok(rows.into_iter().flatten().next().and_then(Cell::text))
        })
    }

    /// Whoever claims it last has it, whatever the fences say: they may be of another life of whatever
    /// gave them.
    fn claim_checkpoint<'a>(&'a self, id: &'a str, _: u64) -> Answer<'a, Option<String>> {
        let Some(claims) = self.claims() else { return self.checkpoint(id) };
        Box::pin(async move {
            let owner = uuid::Uuid::new_v4().to_string();
            let values = vec![id.into(), Timestamp::now().into(), owner.clone().into()];
            let rows = self.run(Some(id), CLAIM_CHECKPOINT, values).await?;
            claims.of().insert(id.to_owned(), owner);
            Ok(rows.into_iter().flatten().next().and_then(Cell::text))
        })
    }

    fn put_checkpoint<'a>(&'a self, id: &'a str, position: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut values = vec![id.into(), Timestamp::now().into(), position.into()];
            let Some(claims) = self.claims() else {
                return self.note(Some(id), PUT_CHECKPOINT, values).await.map(drop);
            };
            let owner = claims.of().get(id).cloned();
            let text = if owner.is_some() { PUT_OWN_CHECKPOINT } else { PUT_NOBODYS_CHECKPOINT };
            values.extend(owner.map(Cell::from));
            let rows = self.note(Some(id), text, values).await?;
            if rows.is_empty() { Err(Error::Superseded) } else { Ok(()) }
        })
    }

    fn delete_checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            if let Some(claims) = self.claims() {
                claims.of().remove(id);
            }
            let text = "DELETE FROM es_checkpoints WHERE id = ?1";
            self.run(Some(id), text, vec![id.into()]).await.map(drop)
        })
    }

    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Changed>> {
        Database::changes(self)
    }
}

const COLUMNS: &str = "id, created, updated, name, status, type, initial_sequence_id, \
    topic_filter, error_handling, batch_size, batch_timeout, retry_timeout, blocked_retry_delay, \
    webhook_config, websocket_config, initial_time, dead_letter_topic, source";

/// A row that is there keeps the time when it was made, which is never that of its last change: so
/// one can be told from one that is new.
const UPSERT: &str = "INSERT INTO eventstreams (id, created, updated, name, status, type, \
    initial_sequence_id, topic_filter, error_handling, batch_size, batch_timeout, retry_timeout, \
    blocked_retry_delay, webhook_config, websocket_config, initial_time, dead_letter_topic, source) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) \
    ON CONFLICT (id) DO UPDATE SET \
    updated = CASE WHEN excluded.updated > eventstreams.created THEN excluded.updated \
        ELSE eventstreams.created + 1 END, \
    name = excluded.name, status = excluded.status, type = excluded.type, \
    initial_sequence_id = excluded.initial_sequence_id, topic_filter = excluded.topic_filter, \
    error_handling = excluded.error_handling, batch_size = excluded.batch_size, \
    batch_timeout = excluded.batch_timeout, retry_timeout = excluded.retry_timeout, \
    blocked_retry_delay = excluded.blocked_retry_delay, \
    webhook_config = excluded.webhook_config, websocket_config = excluded.websocket_config, \
    initial_time = excluded.initial_time, dead_letter_topic = excluded.dead_letter_topic, \
    source = excluded.source \
    RETURNING created, updated";

const UPDATE: &str = "UPDATE eventstreams SET \
    updated = CASE WHEN ?2 > updated THEN ?2 ELSE updated + 1 END, status = coalesce(?3, status), \
    initial_sequence_id = CASE WHEN ?4 = 1 THEN ?5 ELSE initial_sequence_id END, \
    initial_time = CASE WHEN ?6 = 1 THEN ?7 ELSE initial_time END \
    WHERE id = ?1 RETURNING updated";

const PUT_CHECKPOINT: &str = "INSERT INTO es_checkpoints (id, created, updated, sequence_id) \
    VALUES (?1, ?2, ?2, ?3) ON CONFLICT (id) DO UPDATE SET \
    updated = excluded.updated, sequence_id = excluded.sequence_id";

const CLAIM_CHECKPOINT: &str = "INSERT INTO es_checkpoints (id, created, updated, owner) \
    VALUES (?1, ?2, ?2, ?3) ON CONFLICT (id) DO UPDATE SET owner = excluded.owner \
    RETURNING sequence_id";

/// One that was deleted is not there again: whoever still works on it has to claim it anew.
const PUT_OWN_CHECKPOINT: &str = "UPDATE es_checkpoints SET updated = ?2, sequence_id = ?3 \
    WHERE id = ?1 AND owner = ?4 RETURNING id";

/// Of a program that claims nothing.
const PUT_NOBODYS_CHECKPOINT: &str = "INSERT INTO es_checkpoints (id, created, updated, sequence_id) \
    VALUES (?1, ?2, ?2, ?3) ON CONFLICT (id) DO UPDATE SET \
    updated = excluded.updated, sequence_id = excluded.sequence_id \
    WHERE es_checkpoints.owner IS NULL RETURNING id";

/// A stream in the order of [`COLUMNS`].
fn cells(spec: &EventStreamSpec) -> Result<Vec<Cell>, Error> {
    let word = |word: &Option<Keyword>| word.as_ref().map(Keyword::as_str).into();
    let period = |period: Option<Period>| period.map(|period| period.to_string()).into();
    Ok(vec![
        spec.id.clone().into(),
        spec.created.into(),
        spec.updated.into(),
        spec.name.clone().into(),
        word(&spec.status),
        word(&spec.kind),
        spec.initial_sequence_id.clone().into(),
        spec.topic_filter.clone().into(),
        word(&spec.error_handling),
        Cell::Integer(spec.batch_size),
        period(spec.batch_timeout),
        period(spec.retry_timeout),
        period(spec.blocked_retry_delay),
        json(spec.webhook.as_ref())?,
        json(spec.websocket.as_ref())?,
        spec.initial_time.into(),
        spec.dead_letter_topic.clone().into(),
        spec.source.clone().into(),
    ])
}

fn spec(row: Vec<Cell>) -> Result<EventStreamSpec, Error> {
    let mut row = row.into_iter();
    let mut next = || row.next().unwrap_or(Cell::Text(None));
    Ok(EventStreamSpec {
        id: next().text(),
        created: next().integer("created")?.map(Timestamp::from_nanos),
        updated: next().integer("updated")?.map(Timestamp::from_nanos),
        name: next().text(),
        status: next().text().map(|word| (*word).into()),
        kind: next().text().map(|word| (*word).into()),
        initial_sequence_id: next().text(),
        topic_filter: next().text(),
        error_handling: next().text().map(|word| (*word).into()),
        batch_size: next().integer("batch_size")?,
        batch_timeout: next().period("batch_timeout")?,
        retry_timeout: next().period("retry_timeout")?,
        blocked_retry_delay: next().period("blocked_retry_delay")?,
        webhook: next().json("webhook_config")?,
        websocket: next().json("websocket_config")?,
        initial_time: next().integer("initial_time")?.map(Timestamp::from_nanos),
        dead_letter_topic: next().text(),
        source: next().text(),
    })
}

fn json<T: Serialize>(value: Option<&T>) -> Result<Cell, Error> {
    let text = value.map(serde_json::to_string).transpose();
    Ok(text.map_err(|error| Error::Storage(error.to_string().into()))?.into())
}

fn unreadable(column: &str, cell: &Cell) -> Error {
    Error::Storage(format!("column {column} holds {cell:?}").into())
}

impl Cell {
    fn text(self) -> Option<String> {
        match self {
            Self::Integer(number) => number.map(|number| number.to_string()),
            Self::Text(text) => text,
        }
    }

    fn integer(self, column: &str) -> Result<Option<i64>, Error> {
        match self {
            Self::Text(None) => Ok(None),
            Self::Integer(number) => Ok(number),
            Self::Text(Some(text)) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(unreadable(column, &text.into())),
            },
        }
    }

    /// Text, or, from others who wrote to the table, a number of milliseconds.
    fn period(self, column: &str) -> Result<Option<Period>, Error> {
        let Some(text) = self.text() else { return Ok(None) };
        text.parse().map(Some).map_err(|_| unreadable(column, &text.into()))
    }

    fn json<T: DeserializeOwned>(self, column: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.text() else { return Ok(None) };
        // Others write null for what is not there.
        serde_json::from_str(&text).map_err(|_| unreadable(column, &text.into()))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Timestamp> for Cell {
    fn from(moment: Timestamp) -> Self {
        Some(moment).into()
    }
}

impl From<Option<Timestamp>> for Cell {
    fn from(moment: Option<Timestamp>) -> Self {
        Self::Integer(moment.map(Timestamp::as_nanos))
    }
}

impl From<Parameter> for Cell {
    fn from(parameter: Parameter) -> Self {
        match parameter {
            Parameter::Text(text) => Self::Text(Some(text)),
            Parameter::Integer(number) => Self::Integer(Some(number)),
        }
    }
}
