//! How batches leave: what stands behind a type of stream.

use crate::error::Error;
use crate::event::Batch;
use crate::spec::EventStreamSpec;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Makes the dispatchers of one type of stream.
pub trait DispatcherFactory: fmt::Debug + Send + Sync + 'static {
    /// Checks the part of a stream that concerns its dispatcher. It comes after all other checks,
    /// before the stream is stored: fields that are not given are not there.
    fn validate(&self, spec: &EventStreamSpec) -> Result<(), Error>;

    /// Fills the server's defaults into the part of a stream that concerns its dispatcher, which has
    /// been validated; what comes out is what is shown, and what the dispatcher is made from.
    fn fill_in(&self, spec: &mut EventStreamSpec);

    /// The dispatcher of a stream that is about to be activated.
    fn dispatcher(&self, spec: &EventStreamSpec) -> Result<Arc<dyn Dispatcher>, Error>;
}

/// Delivers the batches of one stream, one at a time.
pub trait Dispatcher: fmt::Debug + Send + Sync + 'static {
    /// Tries to deliver a batch, once. It should end soon when it is cancelled, with a failure unless
    /// the batch was delivered; the stream waits for it in any case.
    fn attempt(&self, attempt: Attempt) -> Pin<Box<dyn Future<Output = Outcome> + Send + '_>>;

    /// Whether there is somebody to deliver to, now and later: always, unless it says otherwise.
    fn demand(&self) -> Option<watch::Receiver<bool>> {
        None
    }
}

/// One try to deliver a batch.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// How often this batch was tried before.
    pub number: u64,
    /// What is delivered.
    pub batch: Batch,
    /// Ends when the stream has no use for it any more.
    pub cancel: CancellationToken,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The batch was taken.
    Delivered,
    /// It was not, or not all of it.
    Failed(Failure),
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// How long to wait before the next attempt, if the receiver has said so.
    pub retry_after: Option<Duration>,
    /// Which event of the batch it was, counted from 0: those before it were taken. The whole batch,
    /// if the receiver has not said.
    pub event: Option<usize>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None, event: None }
    }
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}
