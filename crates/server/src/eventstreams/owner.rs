//! Which of several servers runs a stream: the one that holds its lease.

use core::time::Duration;
use highwater_eventstreams::Error;
use highwater_publisher::engine::{Engine, Lease};
use std::sync::Arc;
use tokio::time::sleep;

/// Held by whoever hands over the events of a stream; given back when it is dropped.
pub(super) struct Owner {
    engine: Arc<dyn Engine>,
    lease: Lease,
}

impl Owner {
    /// Waits until nobody else has the stream.
    pub(super) async fn take(engine: Arc<dyn Engine>, stream: &str) -> Result<Self, Error> {
        let name = format!("eventstream/{stream}");
        loop {
            let taken = engine.acquire(&name).await;
            match taken.map_err(|failure| Error::Storage(failure.to_string().into()))? {
                Some(lease) => return Ok(Self { engine, lease }),
                None => sleep(PAUSE).await,
            }
        }
    }

    /// Greater than that of any owner before.
    pub(super) fn fence(&self) -> u64 {
        self.lease.token()
    }

    /// Holds the stream for as long as it can be held, and says why it could no longer.
    pub(super) async fn until_lost(&self) -> Error {
        loop {
            sleep(self.lease.ttl() / 3).await;
            match self.engine.renew(&self.lease).await {
                Ok(true) => {}
                Ok(false) => return Error::Superseded,
                Err(failure) => {
                    // Nobody knows: as if it were lost, before it is another's.
                    tracing::warn!(%failure, lease = self.lease.name(), "a stream is given up");
                    return Error::Superseded;
                }
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let (engine, lease) = (Arc::clone(&self.engine), self.lease.clone());
        // Or it runs out by itself.
        if let Ok(executor) = tokio::runtime::Handle::try_current() {
            executor.spawn(async move { drop(engine.release(lease).await) });
        }
    }
}

/// Between two looks at whether a stream is free.
const PAUSE: Duration = Duration::from_secs(1);
