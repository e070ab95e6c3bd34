//! A stream as its owner describes it.

mod webhook;
mod websocket;

pub use webhook::{HttpOptions, HttpRetry, WebhookOptions};
pub use websocket::{AnswersFrom, DistributionMode, WebSocketOptions};

use crate::duration::Period;
use crate::keyword::Keyword;
use crate::statistics::Statistics;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// A stream as it is written by its owner, stored, and shown.
///
/// Nothing here has been judged yet: a field that is not given follows the server's defaults, also
/// when those change later, and is stored as nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventStreamSpec {
    /// A UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was stored first; set by the storage.
    pub created: Option<Timestamp>,
    /// When it was stored last; set by the storage.
    pub updated: Option<Timestamp>,
    /// How it is dispatched: `websocket` unless given, `webhook`, or a type that was plugged in.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Keyword>,
    /// What it is called; no two streams have the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where its events come from, in the program's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `started` or `stopped`; `deleted` only where it is stored, and others only where it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Keyword>,
    /// Where it begins as long as it has no checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_sequence_id: Option<String>,
    /// From when on it is to see events, where neither a checkpoint nor a sequence ID says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_time: Option<Timestamp>,
    /// A regular expression that the whole topic of an event has to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_filter: Option<String>,
    /// What happens to a batch that cannot be delivered: `block` or `skip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_handling: Option<Keyword>,
    /// Where events go that are skipped, instead of nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_topic: Option<String>,
    /// How many events are delivered together at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<i64>,
    /// How long an event waits for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_timeout: Option<Period>,
    /// How long a batch is tried again with growing pauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_timeout: Option<Period>,
    /// How often it is tried after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_retry_delay: Option<Period>,
    /// How a stream of type `webhook` is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Box<WebhookOptions>>,
    /// How a stream of type `websocket` is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websocket: Option<Box<WebSocketOptions>>,
}

/// A stream as it is shown: with what it is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventStream {
    /// The stream; with its defaults filled in, if it is known here.
    #[serde(flatten)]
    pub spec: EventStreamSpec,
    /// What it has done since it was activated; nothing unless it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
}

/// What a stream is meant to do, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It delivers.
    Started,
    /// It waits to be started.
    Stopped,
    /// It is on its way out.
    Deleted,
}

impl Status {
    /// The status that a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "started" => Self::Started,
            "stopped" => Self::Stopped,
            "deleted" => Self::Deleted,
            _ => return None,
        })
    }

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
        }
    }
}

/// What becomes of a batch that cannot be delivered in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorHandling {
    /// It is tried until it is delivered, and holds up what comes after it.
    #[default]
    Block,
    /// It is given up.
    Skip,
}

impl ErrorHandling {
    /// The choice that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "block" => Self::Block,
            "skip" => Self::Skip,
            _ => return None,
        })
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Skip => "skip",
        }
    }
}
