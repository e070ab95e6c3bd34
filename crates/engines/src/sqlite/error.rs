//! What SQLite says, in the terms of the engines.

use core::error::Error;
use highwater_publisher::engine::Failure;
use rusqlite::ErrorCode;
use std::sync::Arc;

pub(super) fn failure(error: rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Failure::Full(Arc::new(error)),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Failure::InUse(Arc::new(error))
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Failure::Corrupt(Arc::new(error))
        }
        _ => Failure::Storage(Arc::new(error)),
    }
}

/// A failure of no kind of its own.
pub(super) fn plain(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    Failure::Storage(Arc::from(error.into()))
}

/// Something in the database that cannot have been written here.
pub(super) fn corrupt(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
    Failure::Corrupt(Arc::from(error.into()))
}
