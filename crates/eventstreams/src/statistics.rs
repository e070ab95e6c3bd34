//! What a stream has done since it was activated.

use crate::timestamp::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// What an active stream has done since it was activated, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// When it was activated.
    pub start_time: Timestamp,
    /// When the delivery of the newest batch began.
    pub last_dispatch_time: Option<Timestamp>,
    /// How often that failed.
    #[serde(skip_serializing_if = "is_zero")]
    pub last_dispatch_attempts: u64,
    /// How it failed last.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub last_dispatch_failure: Arc<str>,
    /// How it stands. (The member has had this name from the beginning.)
    #[serde(rename = "lastDispatchComplete")]
    pub last_dispatch_status: DispatchStatus,
    /// The last event that was seen, whether it matched or not.
    pub highest_detected: Arc<str>,
    /// The last event of the newest batch.
    pub highest_dispatched: Arc<str>,
    /// The position that was stored last.
    pub checkpoint: Arc<str>,
    /// How many events the source has handed over that are not delivered yet.
    pub pending: u64,
    /// How far the source is ahead of what is dealt with, in its own units, if it can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
}

/// How the delivery of a batch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DispatchStatus {
    /// There has been none.
    #[default]
    #[serde(rename = "")]
    None,
    /// The first attempt is under way.
    Dispatching,
    /// It failed, and is tried again.
    Retrying,
    /// It failed for so long that it is tried now and then only.
    Blocked,
    /// It was delivered.
    Complete,
    /// It was given up.
    Skipped,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
