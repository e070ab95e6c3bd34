//! Which environments there are to run, out of environments and filters.

mod manager;
mod queues;
mod router;

use std::sync::Arc;

use crate::environment::{EnvironmentParams, VariantId};

pub use manager::EnvironmentManager;
pub use queues::{Environments, Queues};
pub use router::ProjectRouter;

/// What a relay has to do.
///
/// An environment is updated or deleted only after it was added, and deleted once for each time that
/// it was added.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Run this environment, or variant of one ([`EnvironmentParams::variant`]).
    Add(Arc<EnvironmentParams>),
    /// What there is to know of it has changed; which one it is has not.
    Update(Arc<EnvironmentParams>),
    /// Run it no longer.
    Delete(VariantId),
    /// All environments that there are have been added: a credential that is unknown now is none.
    ReceivedAll,
}

impl Action {
    /// Which one it is about; all of them, without one.
    pub fn variant(&self) -> Option<VariantId> {
        match self {
            Self::Add(params) | Self::Update(params) => Some(params.variant()),
            Self::Delete(variant) => Some(variant.clone()),
            Self::ReceivedAll => None,
        }
    }
}
