//! How a stream goes to WebSocket clients.

use crate::duration::Period;
use crate::keyword::Keyword;
use serde::{Deserialize, Serialize};

/// The part of a stream that concerns WebSocket clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebSocketOptions {
    /// `load_balance` or `broadcast`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution_mode: Option<Keyword>,
    /// Whose answer to a batch counts: `receiver`, the connection that got it, or `any`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers_from: Option<Keyword>,
    /// Whether an answer has to name its batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_batch_number: Option<bool>,
    /// How long a client may take over a batch, if not as long as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_timeout: Option<Period>,
    /// Whether a broadcast batch carries the name of its stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broadcast_name: Option<bool>,
}

/// Who gets a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DistributionMode {
    /// One of the connections, which answers for it; the next batch goes to the next connection.
    #[default]
    LoadBalance,
    /// All that are connected, as it comes; nobody answers.
    Broadcast,
}

impl DistributionMode {
    /// The choice that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "load_balance" => Self::LoadBalance,
            "broadcast" => Self::Broadcast,
            _ => return None,
        })
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoadBalance => "load_balance",
            Self::Broadcast => "broadcast",
        }
    }
}

/// Whose answer to a batch counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswersFrom {
    /// That of the connection that got the batch.
    #[default]
    Receiver,
    /// Anybody's, as the original has it.
    Any,
}

impl AnswersFrom {
    /// The choice that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "receiver" => Self::Receiver,
            "any" => Self::Any,
            _ => return None,
        })
    }
}
