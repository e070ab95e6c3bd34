//! The engine of several processes over one NATS: JetStream.

mod append;
mod error;
mod follow;
mod keep;
mod lease;
mod log;
mod subjects;
mod topic;
mod wire;

use self::append::Pending;
use self::error::unavailable;
use self::lease::Leases;
use self::log::Log;
use self::topic::Topic;
use async_nats::{ConnectOptions, Event, ServerAddr, jetstream};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use highwater_publisher::engine::{
    Answer, Append, AppendError, Appended, Engine, Failure, Lease, Place, Read, Retention,
    Snapshot, Watch,
};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

/// Topics in a JetStream stream, which any number of processes write to and follow.
///
/// A topic has one subject for its log; a message of it is what one process had waiting, and names
/// the message that it follows. NATS takes it only if that is the newest (compare-and-set), so that
/// whoever has decided was up to date. What is lost on the way is sent again under the same id, and
/// what became of it is read from the log: an append is reported as it is.
///
/// Every process follows all logs and has the state in memory: reading goes on without NATS. One of
/// them, under a lease, writes the items down, each as the last message of a subject of its own, and
/// shortens the log. A process that starts reads the last message of each, and the log from there.
///
/// # Epochs
///
/// Whether NATS has lost something can be told by a process that knows how far the log had come. It
/// begins new epochs when it sees that. A process that starts when no other is alive begins new
/// epochs in any case. So to put a backup of NATS back: stop all processes, restore, start them.
///
/// # Without NATS
///
/// Appends fail with [`Failure::Unavailable`], and are not done later. Only one that was under way
/// when the connection broke, and whose fate is not known within [`JetStreamOptions::patience`], is
/// [`AppendError::Undecided`].
///
/// How safe an acknowledged append is, is NATS's matter: with one replica, as safe as its host's
/// page cache between two of its flushes (`sync_interval`); with three, as any one of them.
#[derive(Debug)]
pub struct JetStream {
    shared: Arc<Shared>,
    /// Who appends to which topic.
    appenders: Mutex<HashMap<String, mpsc::UnboundedSender<Pending>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// How NATS is used.
#[derive(Clone, Debug)]
pub struct JetStreamOptions {
    /// The stream's name, and the first part of all its subjects: letters, digits, `-` and `_`.
    pub name: String,
    /// How much of each topic's log.
    pub retention: Retention,
    /// How long a lease lasts, and how long a process counts as alive that is not heard of. Fixed by
    /// the first process that ever uses the stream.
    pub lease: Duration,
    /// On how many NATS servers the stream is kept, if it is made.
    pub replicas: usize,
    /// How long an append waits for NATS.
    pub patience: Duration,
    /// After how many transactions of a topic its items are written down.
    pub keep_after: u64,
    /// A file of credentials (`.creds`), if NATS asks for them.
    pub credentials: Option<PathBuf>,
}

impl Default for JetStreamOptions {
    fn default() -> Self {
        Self {
            name: "highwater".to_owned(),
            retention: Retention::default(),
            lease: Duration::from_secs(10),
            replicas: 1,
            patience: Duration::from_secs(5),
            keep_after: 1024,
            credentials: None,
        }
    }
}

impl JetStream {
    /// Connects to NATS (`nats://host:port`, several with commas between), and reads all topics.
    pub async fn open(servers: &str, options: JetStreamOptions) -> Result<Self, Failure> {
        let (told, connections) = watch::channel(0_u64);
        let mut connect = ConnectOptions::new()
            .name(&options.name)
            .connection_timeout(options.patience)
            .reconnect_delay_callback(|attempt| {
                Duration::from_millis(50 * attempt as u64).min(Duration::from_secs(1))
            })
            .event_callback(move |event| {
                if matches!(event, Event::Connected) {
                    told.send_modify(|connection| *connection += 1);
                }
                core::future::ready(())
            });
        if let Some(file) = &options.credentials {
            connect = connect.credentials_file(file).await.map_err(unavailable)?;
        }
        let servers: Vec<&str> = servers.split(',').map(str::trim).collect();
        let client = connect.connect(servers).await.map_err(unavailable)?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(options.patience.min(ANSWERED_WITHIN));
        let leases = Leases::open(&context, &options.name, options.lease, options.replicas).await?;
        let shared = Arc::new(Shared {
            log: Log::open(client, context, options).await?,
            leases,
            topics: Mutex::default(),
            progress: watch::Sender::new(0),
            seen: AtomicU64::new(0),
            connections,
        });
        shared.arrive().await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&shared).follow());
        tasks.spawn(Arc::clone(&shared).stay_alive());
        tasks.spawn(Arc::clone(&shared).keep());
        Ok(Self { shared, appenders: Mutex::default(), tasks: Mutex::new(tasks) })
    }

    /// Whether [`open`](Self::open) can make sense of the addresses, wherever they lead.
    pub fn check_servers(servers: &str) -> std::io::Result<()> {
        servers.split(',').map(str::trim).try_for_each(|server| match server {
            "" => Err(std::io::Error::other("an address is empty")),
            server => server.parse::<ServerAddr>().map(drop),
        })
    }

    /// Hands an append to the task that appends to its topic.
    fn hand_over(&self, name: &str, pending: Pending) {
        let mut appenders = self.appenders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(appender) = appenders.get(name) {
            // It ends only with this engine.
            let _ = appender.send(pending);
            return;
        }
        let (appender, queue) = mpsc::unbounded_channel();
        let _ = appender.send(pending);
        appenders.insert(name.to_owned(), appender);
        let run = append::run(Arc::clone(&self.shared), name.to_owned(), queue);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(run);
    }
}

impl Engine for JetStream {
    fn topics(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async { Ok(self.shared.topics().keys().cloned().collect()) })
    }

    fn append<'a>(&'a self, topic: &'a str, append: Append) -> Answer<'a, Appended, AppendError> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.hand_over(topic, Pending { append, reply });
            answer.await.unwrap_or_else(|_| Err(unavailable("the engine was shut down").into()))
        })
    }

    /// A place that this process has not heard of yet, and another has told, is waited for a little.
    fn read<'a>(&'a self, topic: &'a str, after: &'a Place, limit: usize) -> Answer<'a, Read> {
        Box::pin(async move {
            let deadline = Instant::now() + BEHIND;
            let mut progress = self.shared.progress.subscribe();
            loop {
                let ahead = match self.shared.topics().get(topic) {
                    None => return Ok(Read::Gone),
                    Some(topic) => {
                        let place = &topic.head().place;
                        let ahead = after.epoch == place.epoch && after.index > place.index;
                        if !ahead {
                            return Ok(topic.replica.read(after, limit));
                        }
                        ahead
                    }
                };
                let moved = timeout_at(deadline, progress.changed());
                if ahead && (!self.shared.log.connected() || moved.await.is_err()) {
                    return Ok(Read::Gone);
                }
            }
        })
    }

    fn snapshot<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Snapshot>> {
        Box::pin(async move {
            Ok(self.shared.topics().get(topic).map(|topic| topic.replica.snapshot()))
        })
    }

    fn watch<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Watch>> {
        Box::pin(async move { Ok(self.shared.topics().get(topic).map(|topic| topic.bell.watch())) })
    }

    fn acquire<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Lease>> {
        Box::pin(self.shared.within(self.shared.leases.acquire(name)))
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, bool> {
        Box::pin(self.shared.within(self.shared.leases.renew(lease)))
    }

    fn release(&self, lease: Lease) -> Answer<'_, ()> {
        Box::pin(self.shared.within(async move { self.shared.leases.release(&lease).await }))
    }
}

/// What the tasks of an engine share.
#[derive(Debug)]
struct Shared {
    log: Log,
    leases: Leases,
    topics: Mutex<HashMap<String, Topic>>,
    /// The sequence in the stream up to which it was followed.
    progress: watch::Sender<u64>,
    /// The greatest sequence that was seen there at all: it never goes back, unless NATS has lost something.
    seen: AtomicU64,
    /// How often a connection was made.
    connections: watch::Receiver<u64>,
}

impl Shared {
    fn topics(&self) -> MutexGuard<'_, HashMap<String, Topic>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reached(&self) -> u64 {
        *self.progress.borrow()
    }

    fn has_reached(&self, sequence: u64) {
        self.has_seen(sequence);
        self.progress.send_modify(|reached| *reached = sequence.max(*reached));
    }

    fn has_seen(&self, sequence: u64) {
        self.seen.fetch_max(sequence, Ordering::Relaxed);
    }

    /// Sets both, also back.
    fn is_at(&self, sequence: u64) {
        self.seen.store(sequence, Ordering::Relaxed);
        self.progress.send_replace(sequence);
    }

    async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        timeout(self.log.options.patience, answer)
            .await
            .unwrap_or_else(|late| Err(unavailable(late)))
    }
}

/// How far one process may be behind another without clients having to begin again.
const BEHIND: Duration = Duration::from_secs(2);
/// What is not answered by then is lost, and asked for again.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
