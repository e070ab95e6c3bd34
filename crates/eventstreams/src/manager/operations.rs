//! What is done to a stream, and in which order.

use super::stream::Stream;
use super::validate::{kind, requested_status};
use super::{Inner, Reset};
use crate::active::{Active, Parts};
use crate::error::Error;
use crate::keyword::Keyword;
use crate::persistence::{Update, Upserted};
use crate::spec::{EventStream, EventStreamSpec, Status};
use std::sync::Arc;

impl Inner {
    pub(super) async fn upsert(
        &self,
        name_or_id: &str,
        mut spec: EventStreamSpec,
    ) -> Result<(EventStream, bool), Error> {
        let name = spec.name.clone().unwrap_or_default();
        let is_id = self.persistence.id(name_or_id).is_some();
        let _names = self.turns.of_names([if is_id { "" } else { name_or_id }, &name]).await;
        let id = self.id_of(name_or_id, &spec).await?;
        if spec.name.as_ref().is_none_or(String::is_empty) && !name_or_id.is_empty() {
            spec.name = Some(name_or_id.into());
        }
        let status = requested_status(&spec)?;
        spec.status = Some(Keyword::from(status.as_str()));
        self.validate(&spec)?;
        let id = id.unwrap_or_else(|| self.runtime.new_id());
        let _id = self.turns.of_id(&id).await;
        spec = EventStreamSpec { id: Some(id.clone()), created: None, updated: None, ..spec };

        let known = self.known(&id);
        let _turn = match &known {
            Some(stream) => Some(stream.turn.lock().await),
            None => None,
        };
        if let Some(stream) = &known {
            if stream.status() == Status::Deleted {
                return Err(Error::Deleting);
            }
            let before = EventStreamSpec { created: None, updated: None, ..stream.stored() };
            if before == spec && stream.is_active() == (status == Status::Started) {
                return Ok((stream.shown(), false));
            }
        }
        let Upserted { inserted, created, updated } = self.persistence.upsert(&spec).await?;
        spec.created = Some(created);
        spec.updated = Some(updated);
        let stream = if let Some(stream) = known.clone() {
            if let Some(ended) = stream.suspend() {
                ended.await;
            }
            stream.replace(status, spec, |spec| self.fill_in(spec));
            stream
        } else {
            let stream = Arc::new(Stream::new(&id, status, spec, |spec| self.fill_in(spec)));
            self.streams().insert(id, Arc::clone(&stream));
            stream
        };
        if status == Status::Started {
            self.activate(&stream)?;
        }
        Ok((stream.shown(), inserted))
    }

    pub(super) async fn start(&self, stream: &Stream) -> Result<(), Error> {
        let _turn = stream.turn.lock().await;
        match stream.status() {
            Status::Deleted => return Err(Error::Deleting),
            Status::Started if stream.is_active() => return Ok(()),
            Status::Stopped if stream.is_active() => return Err(Error::Stopping),
            Status::Started => {}
            Status::Stopped => self.store_status(stream, Status::Started).await?,
        }
        self.activate(stream)
    }

    pub(super) async fn stop(&self, stream: &Stream) -> Result<(), Error> {
        let turn = stream.turn.lock().await;
        match stream.status() {
            Status::Deleted => return Err(Error::Deleting),
            Status::Started => self.store_status(stream, Status::Stopped).await?,
            Status::Stopped => {}
        }
        let ended = stream.suspend();
        drop(turn); // others hear that it is stopping, or wait for the same
        if let Some(ended) = ended {
            ended.await;
        }
        Ok(())
    }

    pub(super) async fn delete(&self, stream: &Stream) -> Result<(), Error> {
        let turn = stream.turn.lock().await;
        if stream.status() != Status::Deleted {
            self.store_status(stream, Status::Deleted).await?;
        }
        let ended = stream.suspend();
        drop(turn);
        if let Some(ended) = ended {
            ended.await;
        }
        let _turn = stream.turn.lock().await;
        self.remove(&stream.id).await?;
        self.streams().remove(&*stream.id);
        Ok(())
    }

    pub(super) async fn reset(&self, stream: &Stream, to: Reset) -> Result<(), Error> {
        let _turn = stream.turn.lock().await;
        if stream.status() == Status::Deleted {
            return Err(Error::Deleting);
        }
        if let Some(ended) = stream.suspend() {
            ended.await;
        }
        let reset = self.move_to(stream, to).await;
        // Also if that failed: the stream goes on from where it was.
        if stream.status() == Status::Started {
            self.activate(stream)?;
        }
        reset
    }

    /// Has a stream run that does not.
    pub(super) fn activate(&self, stream: &Stream) -> Result<(), Error> {
        let spec = stream.filled();
        let settings = self.settings(&spec)?;
        let kind = kind(&spec);
        let factory = self.factories.get(kind).ok_or_else(|| Error::NoDispatcher(kind.into()))?;
        let dispatcher = factory.dispatcher(&spec)?;
        stream.set_active(Active::start(Parts {
            id: Arc::clone(&stream.id),
            settings: settings.into(),
            dispatcher,
            runtime: Arc::clone(&self.runtime),
            persistence: Arc::clone(&self.persistence),
            clock: self.clock,
            counts: Arc::clone(&self.counts),
            spec,
        }));
        if self.closed.is_cancelled() {
            // Whoever closes the manager may have looked before it was there.
            drop(stream.suspend());
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// Removes what is stored of a stream; its row last, so that it is found again if that fails.
    pub(super) async fn remove(&self, id: &str) -> Result<(), Error> {
        self.persistence.delete_checkpoint(id).await?;
        self.persistence.delete(id).await
    }

    async fn store_status(&self, stream: &Stream, status: Status) -> Result<(), Error> {
        let update = Update { status: Some(status), ..Update::default() };
        let updated = self.persistence.update(&stream.id, update).await?;
        stream.set_status(status);
        stream.set_updated(updated);
        Ok(())
    }

    async fn move_to(&self, stream: &Stream, to: Reset) -> Result<(), Error> {
        let stored = stream.stored();
        let (initial_sequence_id, initial_time) = match to {
            Reset { sequence_id: None, time: None } => {
                (stored.initial_sequence_id.clone(), stored.initial_time)
            }
            Reset { sequence_id: Some(position), .. } => (Some(position), None),
            Reset { sequence_id: None, time } => (None, time),
        };
        let update = Update {
            status: None,
            initial_sequence_id: Some(initial_sequence_id.clone()),
            initial_time: Some(initial_time),
        };
        // Before the checkpoint: whoever runs the stream elsewhere then knows where it begins without one.
        let updated = Some(self.persistence.update(&stream.id, update).await?);
        let stored = EventStreamSpec { updated, initial_sequence_id, initial_time, ..stored };
        stream.replace(stream.status(), stored, |spec| self.fill_in(spec));
        self.persistence.delete_checkpoint(&stream.id).await?;
        if self.is_shared {
            // Whoever runs it may have begun again before that, and nothing else tells of it.
            stream.set_updated(self.persistence.update(&stream.id, Update::default()).await?);
        }
        Ok(())
    }

    /// The ID of the stream that is meant, if there is one or the caller has chosen one.
    async fn id_of(
        &self,
        name_or_id: &str,
        spec: &EventStreamSpec,
    ) -> Result<Option<String>, Error> {
        if let Some(id) = self.persistence.id(name_or_id) {
            return Ok(Some(id));
        }
        if !name_or_id.is_empty() {
            let named = self.persistence.by_name(name_or_id).await?;
            return Ok(named.and_then(|stored| stored.id));
        }
        let Some(id) = &spec.id else { return Ok(None) };
        self.persistence.id(id).map(Some).ok_or_else(|| Error::value(id, "id"))
    }
}
