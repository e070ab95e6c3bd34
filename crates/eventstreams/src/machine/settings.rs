//! A stream that has been judged: what the machine goes by.

use crate::config::Retry;
use crate::duration::Period;
use crate::spec::ErrorHandling;
use crate::timestamp::Timestamp;
use crate::topic_filter::TopicFilter;
use std::sync::Arc;

/// What a stream goes by, with every default filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which events are delivered; all without one.
    pub filter: Option<TopicFilter>,
    /// What becomes of what cannot be delivered.
    pub error_handling: ErrorHandling,
    /// Whether events that are given up are put somewhere.
    pub park: bool,
    /// How many events are delivered together at most; at least one.
    pub batch_size: usize,
    /// How long an event waits for others.
    pub batch_timeout: Period,
    /// How long a batch is tried again with growing pauses.
    pub retry_timeout: Period,
    /// How often after that.
    pub blocked_retry_delay: Period,
    /// Where it begins without a checkpoint.
    pub initial_position: Option<Arc<str>>,
    /// From when on events count, without either.
    pub initial_time: Option<Timestamp>,
    /// Whether the next batch need not wait for the checkpoint of the one before.
    pub asynchronous: bool,
    /// How many events may be passed over until a checkpoint is written.
    pub unmatched_event_threshold: u64,
    /// How everything is tried again that failed.
    pub retry: Retry,
}

impl Default for Settings {
    fn default() -> Self {
        let defaults = crate::config::Defaults::default();
        let checkpoints = crate::config::Checkpoints::default();
        Self {
            filter: None,
            error_handling: ErrorHandling::Block,
            park: false,
            batch_size: 50,
            batch_timeout: defaults.batch_timeout,
            retry_timeout: defaults.retry_timeout,
            blocked_retry_delay: defaults.blocked_retry_delay,
            initial_position: None,
            initial_time: None,
            asynchronous: checkpoints.asynchronous,
            unmatched_event_threshold: checkpoints.unmatched_event_threshold,
            retry: Retry::default(),
        }
    }
}
