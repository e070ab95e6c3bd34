//! Streams that another process has made, changed or deleted.

use super::Inner;
use crate::error::Error;
use crate::persistence::Changed;
use crate::spec::{EventStreamSpec, Status};
use std::sync::{Arc, Weak};
use tokio::sync::mpsc::UnboundedReceiver;

/// Has what runs follow what is stored, until the manager is closed or gone.
pub(super) async fn follow(manager: Weak<Inner>, mut changes: UnboundedReceiver<Changed>) {
    let Some(closed) = manager.upgrade().map(|inner| inner.closed.clone()) else { return };
    while let Some(Some(changed)) = closed.run_until_cancelled(changes.recv()).await {
        let Some(inner) = manager.upgrade() else { return };
        match changed {
            Changed::Stream(id) => inner.look_again(id),
            Changed::Any => {
                if let Err(error) = inner.look_at_all().await {
                    tracing::warn!(%error, "what others changed of event streams is not known");
                }
            }
        }
    }
}

impl Inner {
    async fn look_at_all(self: &Arc<Self>) -> Result<(), Error> {
        let mut ids: Vec<String> = self.streams().keys().cloned().collect();
        ids.extend(self.stored().await?.into_iter().filter_map(|spec| spec.id));
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            self.look_again(id);
        }
        Ok(())
    }

    /// In a task of its own: a stream that is slow to stop holds up no other.
    fn look_again(self: &Arc<Self>, id: String) {
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = inner.reconcile(&id).await {
                tracing::warn!(stream = id, %error, "what another server made of a stream does not run here");
            }
        });
    }

    /// Has a stream run as it is stored now. What this process has changed itself is so already.
    async fn reconcile(&self, id: &str) -> Result<(), Error> {
        let _turn = self.turns.of_id(id).await;
        let Some(stream) = self.known(id) else {
            return match self.persistence.by_id(id).await? {
                Some(spec) if !is_deleted(&spec) => self.take_up(id, spec).await,
                _ => Ok(()),
            };
        };
        let _turn = stream.turn.lock().await;
        let stored = self.persistence.by_id(id).await?;
        if stored.as_ref() == Some(&stream.stored()) {
            return Ok(());
        }
        if let Some(ended) = stream.suspend() {
            ended.await;
        }
        let Some(spec) = stored else {
            stream.set_status(Status::Deleted);
            self.streams().remove(id);
            return Ok(());
        };
        let word = spec.status.as_ref().map_or("", |status| status.as_str());
        let status = Status::parse(word).ok_or_else(|| Error::BadStatus(word.into()))?;
        self.validate(&spec)?;
        stream.replace(status, spec, |spec| self.fill_in(spec));
        if status == Status::Started { self.activate(&stream) } else { Ok(()) }
    }
}

/// Whoever deletes it removes it.
fn is_deleted(spec: &EventStreamSpec) -> bool {
    spec.status.as_ref().is_some_and(|status| status.as_str() == Status::Deleted.as_str())
}
