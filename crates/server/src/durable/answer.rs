//! What a client is told when a write did not succeed.

use crate::error::ApiError;
use axum::http::StatusCode;
use core::time::Duration;
use highwater_publisher::CommitError;
use highwater_publisher::engine::{AppendError, Failure, Place};

/// Why a write was not done, or is not known to be done.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// An operation cannot be done.
    Refused(CommitError),
    /// The topic was not where it had to be, but there.
    Moved(Option<Place>),
    /// Anything else, with its answer.
    Failed(ApiError),
}

impl WriteError {
    /// The answer to a request for one item.
    pub(crate) fn of_item(self) -> ApiError {
        self.answer(ApiError::item)
    }

    /// The answer to a request whose operations stand in the list of this name.
    pub(crate) fn of_list(self, list: &str) -> ApiError {
        self.answer(|error| ApiError::commit(list, error))
    }

    fn answer(self, refused: impl FnOnce(CommitError) -> ApiError) -> ApiError {
        match self {
            Self::Refused(error) => refused(error),
            Self::Moved(_) => later("busy", "others have always been quicker", SOON),
            Self::Failed(error) => error,
        }
    }
}

impl From<ApiError> for WriteError {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<AppendError> for WriteError {
    fn from(error: AppendError) -> Self {
        let message = error.to_string();
        Self::Failed(match error {
            AppendError::Refused(refused) => return Self::Refused(refused),
            AppendError::Moved { now } => return Self::Moved(now),
            AppendError::TooLarge { .. } => {
                ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message).at("body")
            }
            AppendError::Undecided { retry_after } => {
                let more = "look at what is there before writing it again";
                later("undecided", format!("{message}; {more}"), retry_after)
            }
            AppendError::Failure(failure) => failed(&failure),
            _ => ApiError::new(StatusCode::CONFLICT, "refused", message),
        })
    }
}

/// The storage does not do its part.
pub(super) fn failed(failure: &Failure) -> ApiError {
    tracing::warn!(%failure, "the storage failed a request");
    let message = failure.to_string();
    match failure {
        Failure::Unavailable { retry_after, .. } => later("storage-away", message, *retry_after),
        Failure::InUse(_) => later("storage-in-use", message, SOON),
        Failure::Full(_) => {
            ApiError::new(StatusCode::INSUFFICIENT_STORAGE, "storage-full", message)
        }
        // What exactly is for the operator, and in the log.
        _ => {
            let message = "the storage of this server failed";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "storage-failed", message)
        }
    }
}

fn later(code: &'static str, message: impl Into<String>, retry_after: Duration) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, message).retry_after(retry_after)
}

const SOON: Duration = Duration::from_secs(1);
