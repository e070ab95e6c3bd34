//! A topic as a source of events: each change of an item is one.

use super::arrivals::Arrivals;
use super::demand::Demand;
use super::owner::Owner;
use super::place::{Part, Place};
use core::fmt::Write as _;
use highwater_eventstreams::{
    Answer, Batch, Error, Event, EventStreamSpec, Instruction, Persistence, Run, Runtime, Timestamp,
};
use highwater_publisher::engine::{
    self, Append, Engine, Failure, Read, Record, Snapshot, Stored, Watch, Written,
};
use highwater_publisher::{Epoch, Id, Object, Operation};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::yield_now;

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
    fn demand(&self, run: &mut Run) -> Demand {
        Demand::new(run.demand.take().filter(|_| self.is_shared))
    }

    async fn deliver(&self, run: &Run, fence: u64) -> Result<(), Error> {
        let topic = run.spec.source.as_deref().unwrap_or_default();
        let mut at = self.position(run, fence).await?;
        let arrived = self.arrivals.of(&*self.engine, topic).await;
        let mut watch = arrived.map_err(|failure| failed(&failure))?;
        self.newest().entry(topic.into()).or_insert_with(|| watch.clone());
        let mut ahead = None;
        loop {
            let newest = watch.newest();
            let (read, known) = match ahead.take() {
                Some(read) => (read, 0),
                None => self.read(topic, &newest.epoch, at).await?,
            };
            let reached = match read {
                // In a box, as all that a stream with nothing to deliver has no need of.
                Read::Records(records) => {
                    Box::pin(self.hand_over(run, &newest, &records, known, &mut ahead)).await?
                }
                Read::Gone => Box::pin(self.hand_over_items(run)).await?,
            };
            match reached {
                Reached::End => return Ok(()),
                Reached::Place(place) if Some(place) != at => at = Some(place),
                // Nothing new: until there is. A log that was lost is looked at again, too.
                _ if !watch.moved().await => return Ok(()),
                _ => {}
            }
        }
    }

    /// What comes after a place, and how many of the first record's changes are known.
    async fn read(
        &self,
        topic: &str,
        epoch: &Epoch,
        at: Option<Place>,
    ) -> Result<(Read, usize), Error> {
        // Only part of a transaction or of a snapshot: that one again, and what is known skipped.
        let (after, known) = match at {
            Some(Place { index, part: Part::Changes(known) }) => (index.checked_sub(1), known),
            Some(Place { index, part: Part::Snapshot }) => (Some(index), 0),
            Some(Place { part: Part::Items(_), .. }) => (None, 0),
            None => (Some(0), 0),
        };
        let Some(index) = after else { return Ok((Read::Gone, 0)) };
        let place = engine::Place { epoch: epoch.clone(), index };
        let read = self.engine.read(topic, &place, CHUNK).await;
        Ok((read.map_err(|failure| failed(&failure))?, known))
    }

    /// Hands over the changes of records, but for the first few. If there are more records by now, they
    /// are read meanwhile.
    async fn hand_over(
        &self,
        run: &Run,
        newest: &engine::Place,
        records: &[Arc<Record>],
        known: usize,
        ahead: &mut Option<Read>,
    ) -> Result<Reached, Error> {
        let Some(last) = records.last() else { return Ok(Reached::Nothing) };
        let topic = run.spec.source.as_deref().unwrap_or_default();
        let place = engine::Place { epoch: newest.epoch.clone(), index: last.index };
        let more = async {
            if last.index < newest.index {
                *ahead = self.engine.read(topic, &place, CHUNK).await.ok(); // or it is read later
            }
        };
        let (told, ()) = tokio::join!(hand_over(run, changes(records, known, run.since)), more);
        if told? == Instruction::Exit {
            return Ok(Reached::End);
        }
        // As after a snapshot, the next transaction comes next.
        Ok(Reached::Place(Place { index: last.index, part: Part::Snapshot }))
    }

    /// Hands over all items as they are now.
    async fn hand_over_items(&self, run: &Run) -> Result<Reached, Error> {
        let topic = run.spec.source.as_deref().unwrap_or_default();
        let snapshot = self.engine.snapshot(topic).await.map_err(|failure| failed(&failure))?;
        let Some(snapshot) = snapshot else { return Ok(Reached::End) };
        let place = Place { index: snapshot.place.index, part: Part::Snapshot };
        match hand_over(run, items(&snapshot)).await? {
            Instruction::Continue => Ok(Reached::Place(place)),
            Instruction::Exit => Ok(Reached::End),
        }
    }
}

/// What came of handing over.
enum Reached {
    /// All up to there is handed over.
    Place(Place),
    /// There was nothing.
    Nothing,
    /// There is nothing more to hand over, or to.
    End,
}

impl Runtime for Topics {
    fn run(&self, mut run: Run) -> Answer<'_, ()> {
        Box::pin(async move {
            let cancel = run.cancel.clone();
            let work = async {
                let mut demand = self.demand(&mut run);
                let id = run.spec.id.as_deref().unwrap_or_default();
                demand.there().await;
                let owner = Owner::take(Arc::clone(&self.engine), id).await?;
                let done = tokio::select! {
                    done = self.deliver(&run, owner.fence()) => done,
                    lost = owner.until_lost(), if self.is_shared => Err(lost),
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
            tokio::select! {
                biased;
                () = cancel.cancelled() => Ok(()),
                done = work => done,
            }
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

/// Hands over changes, about as many at once as go out together: while those are under way, the next
/// are written as they go.
async fn hand_over<'r>(
    run: &Run,
    mut changes: impl Iterator<Item = Change<'r>> + Send,
) -> Result<Instruction, Error> {
    let batch = run.spec.batch_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(1);
    let mut texts = Texts::default();
    loop {
        let some = changes.by_ref().take(batch.min(AT_ONCE)).map(|change| texts.event(&change));
        let some: Vec<_> = some.collect::<Result<_, _>>()?;
        if some.is_empty() {
            return Ok(Instruction::Continue);
        }
        if run.deliver.deliver(some).await == Instruction::Exit {
            return Ok(Instruction::Exit);
        }
        yield_now().await; // what is to be sent now goes first
    }
}

/// What is told of one item.
struct Change<'r> {
    place: Place,
    id: &'r Id,
    version: i64,
    /// None if it was deleted.
    object: Option<&'r Object>,
}

/// The changes of records but the first few, from a time on if there is one.
fn changes(
    records: &[Arc<Record>],
    known: usize,
    since: Option<Timestamp>,
) -> impl Iterator<Item = Change<'_>> {
    let late = move |record: &&Arc<Record>| {
        let time = i64::try_from(record.time).unwrap_or(i64::MAX);
        since.is_none_or(|since| time >= since.as_nanos() / 1_000_000)
    };
    let first = records.first().map(|record| record.index);
    records.iter().filter(late).flat_map(move |record| {
        let index = record.index;
        let skip = if Some(index) == first { known } else { 0 };
        record.changes.iter().zip(1..).skip(skip).map(move |(change, number)| {
            let Written { id, version, object } = change;
            let place = Place { index, part: Part::Changes(number) };
            Change { place, id, version: *version, object: object.as_ref() }
        })
    })
}

/// All items of a snapshot.
fn items(snapshot: &Snapshot) -> impl Iterator<Item = Change<'_>> {
    let (index, count) = (snapshot.place.index, snapshot.items.len());
    snapshot.items.iter().zip(1..).map(move |(item, number)| {
        let part = if number == count { Part::Snapshot } else { Part::Items(number) };
        let Stored { id, version, object } = item;
        Change { place: Place { index, part }, id, version: *version, object: Some(object) }
    })
}

/// The texts that events are made of, for one after the other.
#[derive(Default)]
struct Texts {
    topic: String,
    place: String,
    data: String,
}

impl Texts {
    /// Its members are in the order in which they go out, so that nobody has to put them into it.
    fn event(&mut self, change: &Change<'_>) -> Result<Event, Error> {
        let Self { topic, place, data } = self;
        for text in [&mut *topic, place, data] {
            text.clear();
        }
        let Change { id, version, object, .. } = change;
        topic.extend([id.kind(), "/", id.key()]);
        data.push_str(if object.is_some() { "{\"key\":" } else { "{\"deleted\":true,\"key\":" });
        quote(data, id.key());
        data.push_str(",\"kind\":");
        quote(data, id.kind());
        if let Some(object) = object {
            data.extend([",\"object\":", object.as_str()]);
        }
        write!(data, ",\"version\":{version}}}").expect("a String takes everything");
        write!(place, "{}", change.place).expect("a String takes everything");
        Event::new(topic, place, data)
    }
}

/// A JSON string.
fn quote(out: &mut String, text: &str) {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./: ".contains(&byte)) {
        out.extend(["\"", text, "\""]);
    } else {
        out.push_str(&serde_json::to_string(text).expect("a text always has a JSON form"));
    }
}

fn failed(failure: &Failure) -> Error {
    Error::Storage(failure.to_string().into())
}

/// How many bytes of a log are read at once, about.
const CHUNK: usize = 128 << 10;
/// How many events are handed over at once, about, however large the batches.
const AT_ONCE: usize = 100;
