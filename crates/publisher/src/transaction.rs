//! What a publisher asks for.

use crate::error::Refusal;
use crate::id::Id;
use crate::object::Object;

/// Operations that happen together or not at all, in their order.
///
/// An operation sees what the ones before it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    pub(crate) operations: Vec<Operation>,
}

impl Transaction {
    /// One without operations; a topic refuses it until something is pushed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation at the end.
    pub fn push(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

impl FromIterator<Operation> for Transaction {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        Self { operations: operations.into_iter().collect() }
    }
}

impl<const N: usize> From<[Operation; N]> for Transaction {
    fn from(operations: [Operation; N]) -> Self {
        operations.into_iter().collect()
    }
}

/// One change of one item, with its condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub(crate) id: Id,
    pub(crate) change: Change,
    pub(crate) version: Option<i64>,
    pub(crate) expect: Expect,
    /// Whatever the item had.
    pub(crate) imposed: bool,
}

impl Operation {
    /// Creates or replaces an item.
    pub fn put(id: Id, object: Object) -> Self {
        Self::new(id, Change::Put(object))
    }

    /// Deletes an item; refused where there is none.
    pub fn delete(id: Id) -> Self {
        Self::new(id, Change::Delete)
    }

    fn new(id: Id, change: Change) -> Self {
        Self { id, change, version: None, expect: Expect::Anything, imposed: false }
    }

    /// The item that it is about.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The version that it gives.
    pub fn version(&self) -> Option<i64> {
        self.version
    }

    /// Gives the version instead of leaving it to the topic. It has to be positive, and greater than
    /// any that the item had, deletions included.
    #[must_use]
    pub fn at(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// Gives the version whatever it is and whatever there was before, also to a deletion of what
    /// is not there: for a topic that shows what is decided elsewhere.
    #[must_use]
    pub fn imposed(self, version: i64) -> Self {
        Self { version: Some(version), imposed: true, ..self }
    }

    /// Sets the condition: compare, then set.
    #[must_use]
    pub fn when(self, expect: Expect) -> Self {
        Self { expect, ..self }
    }

    /// The version that it leads to in the transaction of an index, or why it cannot be done.
    ///
    /// The one place where conditions are judged and versions are given.
    pub(crate) fn decide(&self, known: Option<Known>, index: u64) -> Result<i64, Refusal> {
        if let (true, Some(version)) = (self.imposed, self.version) {
            return Ok(version);
        }
        let current = known.filter(|known| known.live).map(|known| known.version);
        if !self.expect.holds(current) {
            return Err(Refusal::Conflict { current });
        }
        if self.change == Change::Delete && current.is_none() {
            return Err(Refusal::NotFound);
        }
        let last = known.map_or(0, |known| known.version);
        match self.version {
            None => Ok(last.checked_add(1).ok_or(Refusal::Exhausted)?.max(index.cast_signed())),
            Some(version) if version < 1 => Err(Refusal::NotPositive),
            Some(version) if version <= last => Err(Refusal::Stale { last, current }),
            Some(version) => Ok(version),
        }
    }
}

/// What is remembered of an item.
#[cfg_attr(loom, expect(unreachable_pub, reason = "engines are not built for it"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its last version, perhaps that of its deletion.
    pub version: i64,
    /// Whether it is there.
    pub live: bool,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The item has this value from now on.
    Put(Object),
    /// The item is gone.
    Delete,
}

/// What has to be true of the item just before the operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// No condition.
    #[default]
    Anything,
    /// There is no such item.
    Absent,
    /// There is one, at whatever version.
    Present,
    /// There is one, at exactly this version.
    Version(i64),
}

impl Expect {
    /// Reads the number that a request carries: 0 means that the item must not exist.
    pub fn version(version: i64) -> Self {
        if version == 0 { Self::Absent } else { Self::Version(version) }
    }

    pub(crate) fn holds(self, current: Option<i64>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => current.is_none(),
            Self::Present => current.is_some(),
            Self::Version(version) => current == Some(version),
        }
    }
}
