//! All items at once: what of them differs.

use super::Topic;
use crate::error::{CommitError, Refusal};
use crate::id::Id;
use crate::item::{Committed, Item, Replacement};
use crate::transaction::{Operation, Transaction};
use std::collections::HashSet;

/// What has to be done for a list of items to be the only ones.
#[derive(Clone, Debug)]
pub struct Replacing {
    /// What differs; empty if nothing does.
    pub transaction: Transaction,
    /// For each put of the transaction, in its order: its item's position in the list.
    positions: Vec<usize>,
}

impl Replacing {
    /// A refusal of the transaction, in terms of the list: its item instead of our operation.
    pub fn refused(&self, error: CommitError) -> CommitError {
        match error {
            CommitError::Refused { operation, refusal } => {
                let operation = self.positions.get(operation).copied().unwrap_or(operation);
                CommitError::Refused { operation, refusal }
            }
            other @ CommitError::Empty => other,
        }
    }
}

impl Topic {
    /// Makes the given items the only ones, in one transaction of what differs.
    ///
    /// Nothing differs: nothing is committed, and the answer is `None`.
    pub fn replace_all(&mut self, items: &[Replacement]) -> Result<Option<Committed>, CommitError> {
        let mut replacing = self.replacing(items)?;
        let transaction = core::mem::take(&mut replacing.transaction);
        if transaction.is_empty() {
            return Ok(None);
        }
        let done = self.commit(transaction);
        done.map(Some).map_err(|error| replacing.refused(error))
    }

    /// What [`replace_all`](Self::replace_all) does, for who commits it elsewhere.
    pub fn replacing(&self, items: &[Replacement]) -> Result<Replacing, CommitError> {
        let mut seen = HashSet::with_capacity(items.len());
        if let Some(operation) = items.iter().position(|item| !seen.insert(&item.id)) {
            return Err(CommitError::Refused { operation, refusal: Refusal::Repeated });
        }
        let (mut positions, mut transaction) = (Vec::new(), Transaction::new());
        for (position, Replacement { id, object, version }) in items.iter().enumerate() {
            let same = self.item(id.kind(), id.key()).is_some_and(|item| {
                item.object == object.as_str().as_bytes()
                    && version.is_none_or(|version| version == item.version)
            });
            if !same {
                positions.push(position);
                let put = Operation::put(id.clone(), object.clone());
                transaction.push(Operation { version: *version, ..put });
            }
        }
        let kept =
            |item: &Item<'_>| Id::new(item.kind, item.key).ok().filter(|id| !seen.contains(id));
        transaction
            .operations
            .extend(self.items(None).filter_map(|item| kept(&item)).map(Operation::delete));
        Ok(Replacing { transaction, positions })
    }
}
