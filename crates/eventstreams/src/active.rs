//! A stream that runs: one task around one machine.

use crate::clock::{Anchored, Clock};
use crate::dispatch::{Attempt, Dispatcher, Outcome};
use crate::error::Error;
use crate::machine::{Effect, Input, Machine, Settings};
use crate::offers::{Offer, OfferReceiver, offers};
use crate::persistence::Persistence;
use crate::runtime::{Deliver, Run, Runtime};
use crate::spec::EventStreamSpec;
use crate::statistics::Statistics;
use core::future::pending;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// An activation of a stream. Dropped, it ends at once, with whatever is under way.
#[derive(Debug)]
pub(crate) struct Active {
    cancel: CancellationToken,
    /// Cancelled when it has ended, however it did.
    ended: CancellationToken,
    told: Arc<Mutex<Told>>,
    spec: Arc<EventStreamSpec>,
    runtime: Arc<dyn Runtime>,
    task: tokio::task::AbortHandle,
}

/// What it told last.
#[derive(Debug)]
struct Told {
    statistics: Statistics,
    /// Up to where everything is dealt with.
    position: Option<Arc<str>>,
}

/// What a stream runs with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) id: Arc<str>,
    pub(crate) spec: Arc<EventStreamSpec>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) dispatcher: Arc<dyn Dispatcher>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) persistence: Arc<dyn Persistence>,
    pub(crate) clock: Clock,
    pub(crate) counts: Arc<Counts>,
}

/// What was delivered, and what was not, by all activations since the manager started.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) events: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) failures: AtomicU64,
}

impl Active {
    pub(crate) fn start(parts: Parts) -> Self {
        let ended = CancellationToken::new();
        let clock = parts.clock.anchored();
        let machine = Machine::new(Arc::clone(&parts.settings), clock.now());
        let told = Told { statistics: machine.statistics(), position: None };
        let told = Arc::new(Mutex::new(told));
        let (spec, runtime) = (Arc::clone(&parts.spec), Arc::clone(&parts.runtime));
        let cancel = CancellationToken::new();
        // In a box: what is handed from future to future is in each of them.
        let mut driver = Box::new(Driver {
            parts,
            machine,
            clock,
            tenure: cancel.child_token(),
            cancel: cancel.clone(),
            told: Arc::clone(&told),
            attempting: 0,
            jobs: Jobs::default(),
        });
        let guard = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            let _guard = guard;
            driver.drive().await;
        });
        Self { cancel, ended, told, spec, runtime, task: task.abort_handle() }
    }

    /// Lets it stop.
    pub(crate) fn stop(&self) {
        self.cancel.cancel();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Comes back when it has ended.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + use<> {
        self.ended.clone().cancelled_owned()
    }

    /// As of now; how far it is behind, the source is asked.
    pub(crate) fn statistics(&self) -> Statistics {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (statistics, position) = (told.statistics.clone(), told.position.clone());
        drop(told);
        let lag = self.runtime.lag(&self.spec, position.as_deref().unwrap_or_default());
        Statistics { lag, ..statistics }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Job<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// What is under way.
#[derive(Default)]
struct Jobs {
    /// The source, and where it hands over events.
    run: Job<Result<(), Error>>,
    offers: Option<OfferReceiver>,
    offering: Option<oneshot::Sender<()>>,
    /// An attempt is waited for, whatever happens.
    attempt: Job<Input>,
    read: Job<Input>,
    store: Job<Input>,
    park: Job<Input>,
}

struct Driver {
    parts: Parts,
    machine: Machine,
    clock: Anchored,
    cancel: CancellationToken,
    /// Ends, too, when another process has the stream.
    tenure: CancellationToken,
    told: Arc<Mutex<Told>>,
    /// How many events are in the batch that is being delivered.
    attempting: usize,
    jobs: Jobs,
}

impl Driver {
    /// Runs until it is stopped. When another process has taken the stream over, everything is given
    /// up at once, and begins anew: from the checkpoint that is stored when it is this one's turn again.
    async fn drive(&mut self) {
        loop {
            self.serve().await;
            if self.cancel.run_until_cancelled(sleep(PAUSE)).await.is_none() {
                return;
            }
            self.tenure = self.cancel.child_token();
            self.machine = Machine::new(Arc::clone(&self.parts.settings), self.clock.now());
        }
    }

    async fn serve(&mut self) {
        let mut cancelled = false;
        let mut stopped = false;
        loop {
            while let Some(effect) = self.machine.poll() {
                stopped |= effect == Effect::Stopped;
                self.begin(effect, cancelled);
            }
            self.publish();
            if stopped && self.jobs.run.is_none() {
                return;
            }
            let wake = self.machine.wake_at().map(|at| self.clock.instant(at));
            let jobs = &mut self.jobs;
            let input = tokio::select! {
                biased;
                () = self.tenure.cancelled(), if !cancelled => {
                    cancelled = true;
                    self.interrupt();
                    Input::Cancel
                }
                input = done(&mut jobs.attempt) => {
                    self.count(&input);
                    input
                }
                input = done(&mut jobs.store) => {
                    if input == Input::Stored(Err(Error::Superseded)) {
                        self.tenure.cancel();
                    }
                    input
                }
                input = done(&mut jobs.read) => input,
                input = done(&mut jobs.park) => input,
                offer = next(jobs.offers.as_ref()) => {
                    jobs.offering = Some(offer.accepted);
                    Input::Offered(offer.events)
                }
                ran = done(&mut jobs.run) => {
                    (jobs.offers, jobs.offering) = (None, None);
                    if let Err(error) = ran {
                        tracing::warn!(stream = %self.parts.id, %error, "the source of a stream ended");
                        if error == Error::Superseded {
                            self.tenure.cancel();
                        }
                    }
                    if cancelled { continue }
                    Input::SourceEnded
                }
                () = until(wake) => Input::Wake,
            };
            self.machine.handle(self.clock.now(), input);
        }
    }

    fn begin(&mut self, effect: Effect, cancelled: bool) {
        let Parts { id, spec, dispatcher, runtime, persistence, .. } = &self.parts;
        match effect {
            Effect::Accepted => {
                if let Some(accepted) = self.jobs.offering.take() {
                    let _ = accepted.send(()); // a source that does not wait any more needs no answer
                }
            }
            Effect::Run { position, since } => {
                let (offers, offered) = offers();
                let deliver = Deliver { offers, cancel: self.tenure.clone() };
                let (spec, cancel) = (Arc::clone(spec), self.tenure.clone());
                let demand = dispatcher.demand();
                let run = Run { spec, position, since, deliver, demand, cancel };
                let runtime = Arc::clone(runtime);
                self.jobs.offers = Some(offered);
                self.jobs.run = Some(Box::pin(async move { runtime.run(run).await }));
            }
            Effect::Attempt { number, batch } => {
                self.attempting = batch.events().len();
                let attempt = Attempt { number, batch, cancel: self.tenure.clone() };
                let dispatcher = Arc::clone(dispatcher);
                let attempt = async move { Input::Attempted(dispatcher.attempt(attempt).await) };
                self.jobs.attempt = Some(Box::pin(attempt));
            }
            Effect::Read => {
                let (id, persistence) = (Arc::clone(id), Arc::clone(persistence));
                let read = async move { Input::Read(persistence.checkpoint(&id).await) };
                self.jobs.read = Some(Box::pin(read));
            }
            Effect::Store { position } if cancelled => {
                // A stream that stops waits for no storage: it is asked, and given up at once.
                drop(persistence.put_checkpoint(id, &position));
                self.machine.handle(self.clock.now(), Input::Stored(Err(Error::Cancelled)));
            }
            Effect::Store { position } => {
                let (id, persistence) = (Arc::clone(id), Arc::clone(persistence));
                self.jobs.store = Some(Box::pin(async move {
                    Input::Stored(persistence.put_checkpoint(&id, &position).await)
                }));
            }
            Effect::Park { batch } => {
                let (spec, runtime) = (Arc::clone(spec), Arc::clone(runtime));
                self.jobs.park = Some(Box::pin(async move {
                    let topic = spec.dead_letter_topic.as_deref().unwrap_or_default();
                    Input::Parked(runtime.park(&spec, topic, batch).await)
                }));
            }
            Effect::Stopped => {}
        }
    }

    /// Gives up what need not end by itself.
    fn interrupt(&mut self) {
        (self.jobs.offers, self.jobs.offering) = (None, None);
        let now = self.clock.now();
        let cancelled = Err(Error::Cancelled);
        if self.jobs.read.take().is_some() {
            self.machine.handle(now, Input::Read(Err(Error::Cancelled)));
        }
        if self.jobs.store.take().is_some() {
            self.machine.handle(now, Input::Stored(cancelled.clone()));
        }
        if self.jobs.park.take().is_some() {
            self.machine.handle(now, Input::Parked(cancelled));
        }
    }

    fn count(&self, attempted: &Input) {
        let Counts { events, batches, failures } = &*self.parts.counts;
        match attempted {
            Input::Attempted(Outcome::Delivered) => {
                batches.fetch_add(1, Ordering::Relaxed);
                events.fetch_add(self.attempting as u64, Ordering::Relaxed);
            }
            Input::Attempted(Outcome::Failed(failure)) if failure.error != Error::Cancelled => {
                failures.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn publish(&self) {
        let (statistics, position) = (self.machine.statistics(), self.machine.position().cloned());
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Told { statistics, position };
    }
}

/// Between what another process has taken over and the next try to have it.
const PAUSE: Duration = Duration::from_millis(250);

/// The end of a job, which then is none any more.
async fn done<T>(job: &mut Job<T>) -> T {
    let Some(running) = job else { return pending().await };
    let done = running.await;
    *job = None;
    done
}

async fn next(offers: Option<&OfferReceiver>) -> Offer {
    match offers {
        Some(offers) => offers.next().await,
        None => pending().await,
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => pending().await,
    }
}
