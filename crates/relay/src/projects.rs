//! Which environments there are to run, out of environments and filters.

use std::sync::Arc;

use crate::environment::{EnvironmentParams, VariantId};

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
