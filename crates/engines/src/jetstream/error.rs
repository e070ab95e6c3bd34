//! What NATS says, in the terms of the engines.

use async_nats::jetstream;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::PublishErrorKind;
use core::error::Error;
use core::time::Duration;
use highwater_publisher::engine::Failure;
use std::sync::Arc;

/// NATS cannot be reached, or does not answer.
pub(super) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    Failure::Unavailable { retry_after: RETRY_AFTER, cause: Arc::from(error.into()) }
}

/// Something in the stream that cannot have been written here.
pub(super) fn corrupt(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    Failure::Corrupt(Arc::from(error.into()))
}

/// What became of a message that was handed over.
#[derive(Debug)]
pub(super) enum Lost {
    /// It is not in the stream: something else came before it, or it came itself, when it was sent the last time.
    Passed,
    /// It was not taken, and may be taken later.
    NotTaken(Failure),
    /// It was not taken, and will not be.
    Refused(Failure),
    /// Nobody knows.
    Unheard,
}

impl Lost {
    pub(super) fn from(error: jetstream::context::PublishError) -> Self {
        let code = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
        match (error.kind(), code.map(jetstream::Error::error_code)) {
            (PublishErrorKind::WrongLastSequence, _) => Self::Passed,
            (PublishErrorKind::StreamNotFound | PublishErrorKind::MaxAckPending, _) => {
                Self::NotTaken(unavailable(error))
            }
            (_, Some(code)) if FULL.contains(&code) => {
                Self::Refused(Failure::Full(Arc::new(error)))
            }
            // The server's own words, not a silence: too large, sealed, not allowed.
            (_, Some(_)) | (PublishErrorKind::MaxPayloadExceeded, _) => {
                Self::Refused(Failure::Storage(Arc::new(error)))
            }
            _ => Self::Unheard,
        }
    }
}

const FULL: [ErrorCode; 3] = [
    ErrorCode::STREAM_STORE_FAILED, // among them: maximum bytes or messages exceeded
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ErrorCode::INSUFFICIENT_RESOURCES,
];
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);
