//! All streams of a server: made, changed, started, stopped, and found again.

mod follow;
mod operations;
mod stream;
mod turns;
mod validate;

use crate::active::Counts;
use crate::clock::Clock;
use crate::config::Configuration;
use crate::dispatch::DispatcherFactory;
use crate::error::Error;
use crate::filter::Query;
use crate::keyword::Keyword;
use crate::persistence::Persistence;
use crate::runtime::Runtime;
use crate::spec::{EventStream, EventStreamSpec, Status};
use crate::statistics::{DispatchStatus, Statistics};
use crate::timestamp::Timestamp;
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stream::Stream;
use tokio::time::{Instant, timeout_at};
use turns::Turns;

/// The streams of a server. A clone is another handle to the same.
///
/// An operation that was begun is carried out to its end, also when its caller waits no longer.
///
/// - **EM1**: what is stored is changed before what runs; whatever fails in between, the next start of
///   the manager finds a state that makes sense.
/// - **EM2**: a stream has one activation at a time: the next begins when the one before has ended.
#[derive(Clone, Debug)]
pub struct Manager {
    inner: Arc<Inner>,
    deadline: Option<Instant>,
}

/// What a manager is made of.
#[derive(Debug)]
pub struct Program {
    /// What the operator decided.
    pub configuration: Configuration,
    /// Where streams are kept.
    pub persistence: Arc<dyn Persistence>,
    /// Where events come from.
    pub runtime: Arc<dyn Runtime>,
    /// Who delivers the streams of each type.
    pub dispatchers: HashMap<Box<str>, Arc<dyn DispatcherFactory>>,
    /// What time it is.
    pub clock: Clock,
}

/// A list of streams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamList {
    /// The streams of this page.
    pub items: Vec<EventStream>,
    /// How many there are in all, if that was asked.
    pub total: Option<u64>,
}

/// Where a stream begins again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reset {
    /// After this event. As before, if nothing is said.
    pub sequence_id: Option<String>,
    /// At this time, if no event is named.
    pub time: Option<Timestamp>,
}

/// All streams of a manager in a few figures, however many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Streams that run, and have no trouble with it.
    pub running: u64,
    /// Streams whose newest batch failed, and is tried again.
    pub retrying: u64,
    /// Streams whose newest batch has failed for so long that it is tried now and then only.
    pub blocked: u64,
    /// Streams that do not run.
    pub stopped: u64,
    /// Streams that are stored, and could not be taken up.
    pub failed: u64,
    /// Events that sources have handed over and nobody has taken yet.
    pub pending: u64,
    /// How far streams are behind their sources, together, as far as those can tell.
    pub lag: u64,
    /// How far the one is that is furthest behind.
    pub most_lag: u64,
    /// Events that were delivered since the manager started.
    pub delivered_events: u64,
    /// The batches that those were in.
    pub delivered_batches: u64,
    /// Attempts at batches that failed.
    pub failed_attempts: u64,
}

#[derive(Debug)]
struct Inner {
    configuration: Configuration,
    persistence: Arc<dyn Persistence>,
    runtime: Arc<dyn Runtime>,
    factories: HashMap<Box<str>, Arc<dyn DispatcherFactory>>,
    clock: Clock,
    streams: Mutex<HashMap<String, Arc<Stream>>>,
    turns: Turns,
    /// Whether other processes have the same streams.
    is_shared: bool,
    closed: tokio_util::sync::CancellationToken,
    failed: Mutex<Vec<(String, Error)>>,
    counts: Arc<Counts>,
}

impl Manager {
    /// Takes up all streams that are stored, and starts those that are to run. One that cannot be
    /// taken up holds up no other: see [`failed`](Self::failed).
    pub async fn start(program: Program) -> Result<Self, Error> {
        let Program { configuration, persistence, runtime, dispatchers, clock } = program;
        if configuration.retry.initial_delay.as_nanos() <= 0 {
            return Err(Error::NoRetry);
        }
        // From now on, so that what is changed while streams are taken up is not missed.
        let changes = persistence.changes();
        let inner = Arc::new(Inner {
            is_shared: changes.is_some(),
            configuration,
            persistence,
            runtime,
            factories: dispatchers,
            clock,
            streams: Mutex::default(),
            turns: Turns::default(),
            closed: tokio_util::sync::CancellationToken::new(),
            failed: Mutex::default(),
            counts: Arc::default(),
        });
        inner.take_up_all().await?;
        if let Some(changes) = changes {
            tokio::spawn(follow::follow(Arc::downgrade(&inner), changes));
        }
        Ok(Self { inner, deadline: None })
    }

    /// A handle whose operations wait only so long for streams to stop. What they began goes on.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        let deadline = Instant::now().checked_add(patience);
        Self { inner: Arc::clone(&self.inner), deadline }
    }

    /// Stores a stream and has it run as it is described now; true if there was none before.
    ///
    /// It is found by `name_or_id`, or is new; without a name it is called that. If nothing changes,
    /// nothing happens.
    pub async fn upsert(
        &self,
        name_or_id: &str,
        spec: EventStreamSpec,
    ) -> Result<(EventStream, bool), Error> {
        let name_or_id = name_or_id.to_owned();
        self.carry_out(|inner| async move { inner.upsert(&name_or_id, spec).await }).await
    }

    /// The stream of an ID.
    pub async fn by_id(&self, id: &str) -> Result<EventStream, Error> {
        let id = self.inner.persistence.id(id).ok_or(Error::NotFound)?;
        if let Some(stream) = self.inner.known(&id) {
            return Ok(stream.shown());
        }
        let stored = self.inner.persistence.by_id(&id).await?;
        stored.map(unknown).ok_or(Error::NotFound)
    }

    /// The stream of an ID or, if there is none, of a name.
    pub async fn get(&self, name_or_id: &str) -> Result<EventStream, Error> {
        if let Ok(stream) = self.inner.find(name_or_id) {
            return Ok(stream.shown());
        }
        match self.by_id(name_or_id).await {
            Err(Error::NotFound) => {}
            found => return found,
        }
        let stored = self.inner.persistence.by_name(name_or_id).await?;
        stored.map(unknown).ok_or(Error::NotFound)
    }

    /// The streams that a query is about. It looks at what is stored; what is shown is what is now.
    pub async fn list(&self, query: &Query) -> Result<StreamList, Error> {
        let listed = self.inner.persistence.list(query).await?;
        let items = listed.items.into_iter().map(|stored| {
            let known = stored.id.as_deref().and_then(|id| self.inner.known(id));
            known.map_or_else(|| unknown(stored), |stream| stream.shown())
        });
        Ok(StreamList { items: items.collect(), total: listed.total })
    }

    /// Has a stream run.
    pub async fn start_stream(&self, name_or_id: &str) -> Result<(), Error> {
        let stream = self.inner.find(name_or_id)?;
        self.carry_out(|inner| async move { inner.start(&stream).await }).await
    }

    /// Has a stream stop, and waits until it has.
    pub async fn stop_stream(&self, name_or_id: &str) -> Result<(), Error> {
        let stream = self.inner.find(name_or_id)?;
        self.carry_out(|inner| async move { inner.stop(&stream).await }).await
    }

    /// Forgets how far a stream is, and has it go on from elsewhere if it runs.
    pub async fn reset_stream(&self, name_or_id: &str, to: Reset) -> Result<(), Error> {
        let stream = self.inner.find(name_or_id)?;
        self.carry_out(|inner| async move { inner.reset(&stream, to).await }).await
    }

    /// Stops a stream, and removes it with its checkpoint.
    pub async fn delete_stream(&self, name_or_id: &str) -> Result<(), Error> {
        let stream = self.inner.find(name_or_id)?;
        self.carry_out(|inner| async move { inner.delete(&stream).await }).await
    }

    /// Stops everything, and leaves it as it is: what was started runs again with the next manager.
    pub async fn close(&self) {
        self.inner.closed.cancel();
        let streams: Vec<_> = self.inner.streams().values().cloned().collect();
        let ended: Vec<_> = streams.iter().filter_map(|stream| stream.suspend()).collect();
        for ended in ended {
            ended.await;
        }
    }

    /// The streams that could not be taken up when the manager started, and why.
    pub fn failed(&self) -> Vec<(String, Error)> {
        self.inner.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many streams there are, and how many of them run.
    pub fn count(&self) -> (usize, usize) {
        let streams = self.inner.streams();
        (streams.len(), streams.values().filter(|stream| stream.is_active()).count())
    }

    /// All streams in figures.
    pub fn totals(&self) -> Totals {
        let streams: Vec<_> = self.inner.streams().values().cloned().collect();
        let Counts { events, batches, failures } = &*self.inner.counts;
        let mut totals = Totals {
            failed: self.failed().len() as u64,
            delivered_events: events.load(Ordering::Relaxed),
            delivered_batches: batches.load(Ordering::Relaxed),
            failed_attempts: failures.load(Ordering::Relaxed),
            ..Totals::default()
        };
        for stream in streams {
            let (status, statistics) = stream.figures();
            let Some(statistics) = statistics.filter(|_| status == Status::Started) else {
                totals.stopped += 1;
                continue;
            };
            let Statistics { pending, lag, last_dispatch_status, .. } = statistics;
            match last_dispatch_status {
                DispatchStatus::Retrying => totals.retrying += 1,
                DispatchStatus::Blocked => totals.blocked += 1,
                _ => totals.running += 1,
            }
            totals.pending += pending;
            totals.lag += lag.unwrap_or_default();
            totals.most_lag = totals.most_lag.max(lag.unwrap_or_default());
        }
        totals
    }

    async fn carry_out<T: Send + 'static, F>(
        &self,
        operation: impl FnOnce(Arc<Inner>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let task = tokio::spawn(operation(Arc::clone(&self.inner)));
        let done = match self.deadline {
            Some(deadline) => timeout_at(deadline, task).await.map_err(|_| Error::StopTimeout)?,
            None => task.await,
        };
        done.map_err(|_| Error::Cancelled)? // the runtime is on its way out
    }
}

impl Inner {
    fn streams(&self) -> MutexGuard<'_, HashMap<String, Arc<Stream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, id: &str) -> Option<Arc<Stream>> {
        self.streams().get(id).cloned()
    }

    /// A stream that was taken up, by its ID or else by its name.
    fn find(&self, name_or_id: &str) -> Result<Arc<Stream>, Error> {
        let by_id = self.persistence.id(name_or_id).and_then(|id| self.known(&id));
        let named = || self.streams().values().find(|stream| stream.has_name(name_or_id)).cloned();
        by_id.or_else(named).ok_or(Error::NotFound)
    }

    async fn take_up_all(&self) -> Result<(), Error> {
        for spec in self.stored().await? {
            let id = spec.id.clone().unwrap_or_default();
            if let Err(error) = self.take_up(&id, spec).await {
                tracing::error!(stream = id, %error, "a stream could not be taken up");
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).push((id, error));
            }
        }
        Ok(())
    }

    /// All streams that are stored, oldest first.
    async fn stored(&self) -> Result<Vec<EventStreamSpec>, Error> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.persistence.page(after, PAGE).await?;
            let Some(&(last, _)) = page.last() else { return Ok(all) };
            all.extend(page.into_iter().map(|(_, spec)| spec));
            after = Some(last);
        }
    }

    async fn take_up(&self, id: &str, spec: EventStreamSpec) -> Result<(), Error> {
        let word = spec.status.as_ref().map_or("", |status| status.as_str());
        let status = Status::parse(word).ok_or_else(|| Error::BadStatus(word.into()))?;
        if status == Status::Deleted {
            return self.remove(id).await;
        }
        self.validate(&spec)?;
        let stream = Arc::new(Stream::new(id, status, spec, |spec| self.fill_in(spec)));
        if status == Status::Started {
            self.activate(&stream)?;
        }
        self.streams().insert(id.into(), stream);
        Ok(())
    }
}

/// What is stored of a stream that was not taken up.
fn unknown(spec: EventStreamSpec) -> EventStream {
    let status = Some(Keyword::from("unknown"));
    EventStream { spec: EventStreamSpec { status, ..spec }, statistics: None }
}

/// How many streams are read at once when the manager starts.
const PAGE: usize = 100;
