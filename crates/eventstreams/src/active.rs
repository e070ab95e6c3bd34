//! A stream that runs: one task around one machine.

use crate::clock::{Anchored, Clock};
use crate::dispatch::{Attempt, Dispatcher};
use crate::error::Error;
use crate::machine::{Effect, Input, Machine, Settings};
use crate::persistence::Persistence;
use crate::runtime::{Deliver, Offer, Run, Runtime};
use crate::spec::EventStreamSpec;
use crate::statistics::Statistics;
use core::future::pending;
use core::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// An activation of a stream. Dropped, it ends at once, with whatever is under way.
#[derive(Debug)]
pub(crate) struct Active {
    cancel: CancellationToken,
    /// Cancelled when it has ended, however it did.
    ended: CancellationToken,
    statistics: Arc<Mutex<Statistics>>,
    task: tokio::task::AbortHandle,
}

/// What a stream runs with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) id: Arc<str>,
    pub(crate) spec: Arc<EventStreamSpec>,
    pub(crate) settings: Settings,
    pub(crate) dispatcher: Arc<dyn Dispatcher>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) persistence: Arc<dyn Persistence>,
    pub(crate) clock: Clock,
}

impl Active {
    pub(crate) fn start(parts: Parts) -> Self {
        let ended = CancellationToken::new();
        let clock = parts.clock.anchored();
        let machine = Machine::new(parts.settings.clone(), clock.now());
        let statistics = Arc::new(Mutex::new(machine.statistics()));
        let cancel = CancellationToken::new();
        let driver = Driver {
            parts,
            machine,
            clock,
            cancel: cancel.clone(),
            statistics: Arc::clone(&statistics),
            jobs: Jobs::default(),
        };
        let guard = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            let _guard = guard;
            driver.drive().await;
        });
        Self { cancel, ended, statistics, task: task.abort_handle() }
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

    pub(crate) fn statistics(&self) -> Statistics {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
    run: Job<()>,
    offers: Option<mpsc::Receiver<Offer>>,
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
    statistics: Arc<Mutex<Statistics>>,
    jobs: Jobs,
}

impl Driver {
    async fn drive(mut self) {
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
                () = self.cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    self.interrupt();
                    Input::Cancel
                }
                input = done(&mut jobs.attempt) => input,
                input = done(&mut jobs.store) => input,
                input = done(&mut jobs.read) => input,
                input = done(&mut jobs.park) => input,
                offer = next(&mut jobs.offers) => {
                    jobs.offering = Some(offer.accepted);
                    Input::Offered(offer.events)
                }
                () = done(&mut jobs.run) => {
                    (jobs.offers, jobs.offering) = (None, None);
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
                let (offers, offered) = mpsc::channel(1);
                let deliver = Deliver { offers, cancel: self.cancel.clone() };
                let (spec, cancel) = (Arc::clone(spec), self.cancel.clone());
                let run = Run { spec, position, since, deliver, cancel };
                let (id, runtime) = (Arc::clone(id), Arc::clone(runtime));
                self.jobs.offers = Some(offered);
                self.jobs.run = Some(Box::pin(async move {
                    if let Err(error) = runtime.run(run).await {
                        tracing::warn!(stream = %id, %error, "the source of a stream ended");
                    }
                }));
            }
            Effect::Attempt { number, batch } => {
                let attempt = Attempt { number, batch, cancel: self.cancel.clone() };
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

    fn publish(&self) {
        let Parts { spec, runtime, .. } = &self.parts;
        let mut statistics = self.machine.statistics();
        let position = self.machine.position().map_or("", |position| &**position);
        statistics.lag = runtime.lag(spec, position);
        *self.statistics.lock().unwrap_or_else(PoisonError::into_inner) = statistics;
    }
}

/// The end of a job, which then is none any more.
async fn done<T>(job: &mut Job<T>) -> T {
    let Some(running) = job else { return pending().await };
    let done = running.await;
    *job = None;
    done
}

async fn next(offers: &mut Option<mpsc::Receiver<Offer>>) -> Offer {
    let Some(receiver) = offers else { return pending().await };
    match receiver.recv().await {
        Some(offer) => offer,
        None => pending().await,
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => pending().await,
    }
}
