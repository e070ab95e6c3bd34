//! Where streams and their checkpoints are kept.

mod memory;
mod migrations;
mod nats;
mod postgres;
mod sqlite;
mod tables;

pub use memory::MemoryPersistence;
pub use nats::{NatsOptions, NatsPersistence};
pub use postgres::PostgresPersistence;
pub use sqlite::SqlitePersistence;

use crate::error::Error;
use crate::filter::Query;
use crate::spec::{EventStreamSpec, Status};
use crate::timestamp::Timestamp;
use core::fmt;
use core::pin::Pin;
use tokio::sync::mpsc;

/// What is asked of something that may take a while: a future, so that anything can stand behind `dyn`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Two collections: streams by ID, and a checkpoint for each.
///
/// A future that is dropped may have done its work or not, but what it still does comes before what
/// is asked next about the same stream.
pub trait Persistence: fmt::Debug + Send + Sync + 'static {
    /// The ID that a text is, as it is stored: a UUID, in any of its spellings, unless said otherwise.
    fn id(&self, text: &str) -> Option<String> {
        uuid::Uuid::parse_str(text).ok().map(|id| id.hyphenated().to_string())
    }

    /// Stores a stream under its ID; what was stored before is replaced, down to the fields that are
    /// not given now. [`Error::NameTaken`] if another one has the name.
    fn upsert<'a>(&'a self, spec: &'a EventStreamSpec) -> Answer<'a, Upserted>;

    /// Changes fields of a stream that is stored, and tells when that was: later than any time before.
    /// [`Error::NotFound`] if it is not.
    fn update<'a>(&'a self, id: &'a str, update: Update) -> Answer<'a, Timestamp>;

    /// The stream of an ID.
    fn by_id<'a>(&'a self, id: &'a str) -> Answer<'a, Option<EventStreamSpec>>;

    /// The stream of a name.
    fn by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<EventStreamSpec>>;

    /// The streams that a query is about, in its order.
    fn list<'a>(&'a self, query: &'a Query) -> Answer<'a, Listed>;

    /// All streams a page at a time, oldest first: those whose key is greater than `after`, with their keys.
    fn page(&self, after: Option<i64>, limit: usize) -> Answer<'_, Vec<(i64, EventStreamSpec)>>;

    /// Removes a stream. One that is not there is no error.
    fn delete<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// The checkpoint of a stream.
    fn checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, Option<String>>;

    /// The checkpoint of a stream, for one who has the stream from now on and no longer than until
    /// somebody else claims it. `fence` is greater than that of whoever had it before.
    ///
    /// A storage that several processes share refuses with [`Error::Superseded`] checkpoints of others
    /// from then on, and claims that come late where it knows of the fences of all.
    fn claim_checkpoint<'a>(&'a self, id: &'a str, fence: u64) -> Answer<'a, Option<String>> {
        let _ = fence;
        self.checkpoint(id)
    }

    /// Stores the checkpoint of a stream. [`Error::Superseded`] if somebody else has it now.
    fn put_checkpoint<'a>(&'a self, id: &'a str, position: &'a str) -> Answer<'a, ()>;

    /// Removes the checkpoint of a stream. One that is not there is no error.
    fn delete_checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// Tells of streams that were changed, by other processes too; nothing of a storage that others
    /// do not use.
    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Changed>> {
        None
    }
}

/// What may not be as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The stream of this ID.
    Stream(String),
    /// Anything: changes may have been missed.
    Any,
}

/// What storing a stream came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upserted {
    /// Whether there was none of the ID.
    pub inserted: bool,
    /// When it was stored first.
    pub created: Timestamp,
    /// When it was stored now.
    pub updated: Timestamp,
}

/// Fields to change; the others stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// What it is meant to do.
    pub status: Option<Status>,
    /// Where it begins without a checkpoint: to be set, or to be removed.
    pub initial_sequence_id: Option<Option<String>>,
    /// From when on it sees events without either: to be set, or to be removed.
    pub initial_time: Option<Option<Timestamp>>,
}

/// Streams of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// Those of the part of the list that was asked for.
    pub items: Vec<EventStreamSpec>,
    /// How many there are in all, if that was asked.
    pub total: Option<u64>,
}
