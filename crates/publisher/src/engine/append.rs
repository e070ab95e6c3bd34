//! What is appended, and how it is decided: the same for every engine.

use super::error::{AppendError, Failure};
use super::record::{Place, Record, Written};
use crate::error::CommitError;
use crate::id::Id;
use crate::transaction::{Change, Known, Transaction};
use std::collections::HashMap;

/// A transaction with its conditions on the topic as a whole.
#[derive(Clone, Debug)]
pub struct Append {
    transaction: Transaction,
    base: Base,
    fence: Option<u64>,
}

impl Append {
    /// A transaction without other conditions than those of its operations.
    pub fn new(transaction: Transaction) -> Self {
        Self { transaction, base: Base::Anything, fence: None }
    }

    /// Sets where the topic has to be: compare, then set.
    #[must_use]
    pub fn on(self, base: Base) -> Self {
        Self { base, ..self }
    }

    /// Appends as the holder of a lease, with the lease's token.
    #[must_use]
    pub fn under(self, fence: u64) -> Self {
        Self { fence: Some(fence), ..self }
    }

    /// The record that this is for a topic that stands at `head`, with `known` telling of its items.
    ///
    /// This is the one place where conditions are judged and versions are given, whatever the engine.
    pub fn decide(
        &self,
        head: Option<&Head>,
        time: u64,
        mut known: impl FnMut(&Id) -> Result<Option<Known>, Failure>,
    ) -> Result<Record, AppendError> {
        self.base.holds(head)?;
        if let (Some(fence), Some(head)) = (self.fence, head)
            && fence < head.fence
        {
            return Err(AppendError::Fenced { newest: head.fence });
        }
        if self.transaction.is_empty() {
            return Err(CommitError::Empty.into());
        }
        let index = head.map_or(0, |head| head.place.index) + 1;
        // What the operations before this one have done.
        let mut staged: HashMap<Id, Known> = HashMap::new();
        let mut changes = Vec::with_capacity(self.transaction.operations.len());
        for (position, operation) in self.transaction.operations.iter().enumerate() {
            let before = match staged.get(&operation.id) {
                Some(&known) => Some(known),
                None => known(&operation.id)?,
            };
            let version = operation
                .decide(before, index)
                .map_err(|refusal| CommitError::Refused { operation: position, refusal })?;
            let id = operation.id.clone();
            let object = match &operation.change {
                Change::Put(object) => Some(object.clone()),
                Change::Delete => None,
            };
            staged.insert(id.clone(), Known { version, live: object.is_some() });
            changes.push(Written { id, version, object });
        }
        Ok(Record { index, time, fence: self.fence, changes })
    }
}

/// Where a topic has to be for an append to happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// No condition.
    #[default]
    Anything,
    /// It does not exist yet.
    Absent,
    /// It is at exactly this place.
    At(Place),
}

impl Base {
    fn holds(&self, head: Option<&Head>) -> Result<(), AppendError> {
        let now = head.map(|head| &head.place);
        let holds = match self {
            Self::Anything => true,
            Self::Absent => now.is_none(),
            Self::At(place) => now == Some(place),
        };
        if holds { Ok(()) } else { Err(AppendError::Moved { now: now.cloned() }) }
    }
}

/// What an append came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where the topic was directly after it.
    pub place: Place,
    /// The version that each operation led to, in the order of the operations.
    pub versions: Vec<i64>,
}

/// Where a topic stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its newest place.
    pub place: Place,
    /// The greatest fence of an append; 0 before the first.
    pub fence: u64,
}

impl Head {
    /// Moves over the next record.
    pub fn advance(&mut self, record: &Record) {
        self.place.index = record.index;
        self.fence = self.fence.max(record.fence.unwrap_or(0));
    }

    /// What is told of a record when it is in the log of this topic.
    pub fn appended(&self, record: &Record) -> Appended {
        let versions = record.changes.iter().map(|change| change.version).collect();
        let place = Place { epoch: self.place.epoch.clone(), index: record.index };
        Appended { place, versions }
    }
}
