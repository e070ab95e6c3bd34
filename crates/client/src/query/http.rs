//! A stream over HTTP as a materializer.

use highwater_core::View;

use super::entry::Run;
use super::feed::{Feed, Render};
use super::rule::FeedError;
use crate::{Builder, Class, Phase};

impl<V> Builder<V>
where
    V: Render + View + Send + Sync + 'static,
    V::Value: Send + Sync + 'static,
{
    /// Makes a materializer of the stream, for a [`QueryRequest`](crate::QueryRequest). It ends
    /// after a fault that trying again cannot heal, and not before.
    pub fn materialize(self, mut feed: Feed<V::Value>) -> Result<Run, FeedError> {
        // An address or a header that is wrong stays so.
        let store = self.connect().map_err(|error| FeedError::new(Class::Terminal, error))?;
        Ok(Box::pin(async move {
            let mut statuses = store.statuses();
            loop {
                let stopped = statuses.borrow_and_update().phase == Phase::Stopped;
                store.look(|session| feed.follow(session));
                if stopped || statuses.changed().await.is_err() {
                    return;
                }
            }
        }))
    }
}
