//! A topic as a source of events: each change of an item is one.

use super::arrivals::Arrivals;
use super::demand::Demand;
use super::owner::Owner;
use super::place::{Part, Place};
use highwater_eventstreams::{
    Answer, Batch, Error, Event, EventStreamSpec, Instruction, Persistence, Run, Runtime,
};
use highwater_publisher::engine::{
    self, Append, Engine, Failure, Read, Record, Snapshot, Watch, Written,
};
use highwater_publisher::{Id, Object, Operation};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The topics of an engine.
///
/// A stream names its topic in `source`. Its events are `{kind, key, version, object}`, or with
/// `deleted` in the place of an object, and their topic is `kind/key`. Where the log does not reach
/// back to what is asked for, the items as they are now come instead.
#[derive(Debug)]
pub(super) struct Topics {
    engine: Arc<dyn Engine>,
    /// Where positions are, which another server may have moved on.
    persistence: Arc<dyn Persistence>,
    arrivals: Arrivals,
    /// The newest places of topics that streams are run of.
    newest: Mutex<HashMap<Box<str>, Watch>>,
    /// Whether other servers have the same topics.
    is_shared: bool,
}

impl Topics {
    pub(super) fn new(
        engine: Arc<dyn Engine>,
        persistence: Arc<dyn Persistence>,
        is_shared: bool,
    ) -> Self {
        let (arrivals, newest) = (Arrivals::default(), Mutex::default());
        Self { engine, persistence, arrivals, newest, is_shared }
    }

    /// What a stream begins after. It is not this server's alone: what is stored is what counts.
    async fn position(&self, run: &Run, fence: u64) -> Result<Option<Place>, Error> {
        let id = run.spec.id.as_deref().unwrap_or_default();
        let stored = self.persistence.claim_checkpoint(id, fence).await?;
        let text = stored.as_deref().unwrap_or(&run.position);
        if text.is_empty() {
            return Ok(None);
        }
        Place::parse(text).map(Some).ok_or_else(|| Error::value(text, "sequenceId"))
    }

    fn newest(&self) -> MutexGuard<'_, HashMap<Box<str>, Watch>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of a server that has the stream alone, there always is.
    fn demand(&self, run: &Run) -> Demand {
        Demand::new(self.is_shared.then(|| run.demand.clone()))
    }

    async fn deliver(&self, run: &Run, fence: u64) -> Result<(), Error> {
        let topic = run.spec.source.as_deref().unwrap_or_default();
        let mut at = self.position(run, fence).await?;
        let arrived = self.arrivals.of(&*self.engine, topic).await;
        let mut watch = arrived.map_err(|failure| failed(&failure))?;
        self.newest().entry(topic.into()).or_insert_with(|| watch.clone());
        loop {
            let epoch = watch.newest().epoch;
            // Only part of a transaction or of a snapshot: that one again, and what is known skipped.
            let (after, known) = match at {
                Some(Place { index, part: Part::Changes(known) }) => (index.checked_sub(1), known),
                Some(Place { index, part: Part::Snapshot }) => (Some(index), 0),
                Some(Place { part: Part::Items(_), .. }) => (None, 0),
                None => (Some(0), 0),
            };
            let read = match after {
                Some(index) => {
                    let place = engine::Place { epoch, index };
                    self.engine
                        .read(topic, &place, CHUNK)
                        .await
                        .map_err(|failure| failed(&failure))?
                }
                None => Read::Gone,
            };
            let (events, reached) = match read {
                Read::Records(records) => changes(&records, known, run)?,
                Read::Gone => {
                    match self.engine.snapshot(topic).await.map_err(|failure| failed(&failure))? {
                        Some(snapshot) => items(&snapshot)?,
                        None => return Ok(()),
                    }
                }
            };
            if !events.is_empty() && run.deliver.deliver(events).await == Instruction::Exit {
                return Ok(());
            }
            match reached {
                Some(place) if Some(place) != at => at = Some(place),
                // Nothing new: until there is. A log that was lost is looked at again, too.
                _ if !watch.moved().await => return Ok(()),
                _ => {}
            }
        }
    }
}

impl Runtime for Topics {
    fn run(&self, run: Run) -> Answer<'_, ()> {
        Box::pin(async move {
            let cancel = run.cancel.clone();
            let work = async {
                let id = run.spec.id.as_deref().unwrap_or_default();
                let mut demand = self.demand(&run);
                demand.there().await;
                let owner = Owner::take(Arc::clone(&self.engine), id).await?;
                let done = tokio::select! {
                    done = self.deliver(&run, owner.fence()) => done,
                    lost = owner.until_lost() => Err(lost),
                    () = demand.gone() => Err(Error::Superseded),
                };
                match done {
                    // Before it is taken again another server may have had it: nothing of now counts then.
                    Err(error) if self.is_shared && error != Error::Superseded => {
                        tracing::warn!(stream = id, %error, "the source of a stream ended");
                        Err(Error::Superseded)
                    }
                    Ok(()) if self.is_shared => Err(Error::Superseded),
                    done => done,
                }
            };
            cancel.run_until_cancelled(work).await.unwrap_or(Ok(()))
        })
    }

    fn validate(&self, spec: &EventStreamSpec) -> Result<(), Error> {
        if spec.source.as_deref().is_none_or(str::is_empty) {
            return Err(Error::Missing("source"));
        }
        match spec.initial_sequence_id.as_deref() {
            Some(text) => check(text, "initialSequenceId"),
            None => Ok(()),
        }
    }

    /// As items of another topic: of the stream's name as kind, and the sequence ID as key.
    fn park<'a>(
        &'a self,
        spec: &'a EventStreamSpec,
        topic: &'a str,
        batch: Batch,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let name = spec.name.as_deref().unwrap_or_default();
            let refused = |why: String| Error::Refused(why.into());
            let operations = batch.events().iter().map(|event| {
                let id = Id::new(name, event.sequence_id());
                let object = Object::parse(event.json());
                Ok(Operation::put(
                    id.map_err(|error| refused(error.to_string()))?,
                    object.map_err(|error| refused(error.to_string()))?,
                ))
            });
            let operations: Vec<_> = operations.collect::<Result<_, Error>>()?;
            let parked = self.engine.append(topic, Append::new(operations.into_iter().collect()));
            parked.await.map(drop).map_err(|error| Error::Storage(error.to_string().into()))
        })
    }

    /// Transactions. A stream whose topic this server has not run is behind by nobody knows how many.
    fn lag(&self, spec: &EventStreamSpec, position: &str) -> Option<u64> {
        let newest = self.newest().get_mut(spec.source.as_deref()?)?.newest().index;
        let Some(Place { index, part }) = Place::parse(position) else { return Some(newest) };
        // Of a snapshot that is not all delivered, what comes after it is not the only thing left.
        let under_way = u64::from(matches!(part, Part::Items(_)));
        Some(newest.saturating_sub(index) + under_way)
    }
}

/// Whether a text is a position in a topic; an empty one is its beginning.
pub(super) fn check(text: &str, field: &'static str) -> Result<(), Error> {
    let is_one = text.is_empty() || Place::parse(text).is_some();
    if is_one { Ok(()) } else { Err(Error::value(text, field)) }
}

/// The changes of records but the first few, and the place that they lead to.
fn changes(
    records: &[Arc<Record>],
    known: usize,
    run: &Run,
) -> Result<(Vec<Event>, Option<Place>), Error> {
    let mut events = Vec::new();
    let mut reached = None;
    for (at, record) in records.iter().enumerate() {
        let index = record.index;
        let early = run.since.is_some_and(|since| {
            i64::try_from(record.time).unwrap_or(i64::MAX) < since.as_nanos() / 1_000_000
        });
        let skip = if at == 0 { known } else { 0 };
        for (change, number) in record.changes.iter().zip(1..).skip(skip).filter(|_| !early) {
            let place = Place { index, part: Part::Changes(number) };
            events.push(event(&place, change)?);
        }
        reached = Some(Place { index, part: Part::Changes(record.changes.len()) });
    }
    Ok((events, reached))
}

/// All items of a snapshot.
fn items(snapshot: &Snapshot) -> Result<(Vec<Event>, Option<Place>), Error> {
    let (index, count) = (snapshot.place.index, snapshot.items.len());
    let events = snapshot.items.iter().zip(1..).map(|(item, number)| {
        let part = if number == count { Part::Snapshot } else { Part::Items(number) };
        let (id, version, object) = (item.id.clone(), item.version, Some(item.object.clone()));
        event(&Place { index, part }, &Written { id, version, object })
    });
    let reached = Place { index, part: Part::Snapshot };
    Ok((events.collect::<Result<_, _>>()?, Some(reached)))
}

fn event(place: &Place, change: &Written) -> Result<Event, Error> {
    let Written { id, version, object } = change;
    let [kind, key] = [id.kind(), id.key()].map(|text| json!(text));
    let value = match object {
        Some(object) => format!("\"object\":{}", object.as_str()),
        None => "\"deleted\":true".to_owned(),
    };
    let data = format!("{{\"kind\":{kind},\"key\":{key},\"version\":{version},{value}}}");
    let topic = format!("{}/{}", id.kind(), id.key());
    Event::new(&topic, &place.to_string(), &data)
}

fn failed(failure: &Failure) -> Error {
    Error::Storage(failure.to_string().into())
}

/// How many bytes of a log are read at once, about.
const CHUNK: usize = 256 << 10;
