//! A worker of an event stream: batches over WebSocket that come until somebody says that they were
//! dealt with.

mod batch;
mod socket;
mod worker;

pub use batch::{Batch, Refusal, StreamEvent};

use core::fmt;
use core::hash::{BuildHasher as _, Hasher as _};
use core::sync::atomic::AtomicU64;
use core::time::Duration;
use std::hash::RandomState;
use std::sync::Arc;

use hyper::header::HeaderMap;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use url::Url;

use crate::Error;
use crate::builder::{add_header, address};
use batch::{Answer, Delivery};
use socket::Socket;
use worker::Worker;

/// Takes part in an event stream of a server's `/ws`, such as `ws://127.0.0.1:7070/ws`. To send
/// headers and to choose waits, there is [`EventStream::builder`].
///
/// Returns at once; the connection is made, and made again, behind it. Must be called within a Tokio
/// runtime.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/worker.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), highwater::Error> {
/// # let url = serve_batches().await;
/// #[derive(serde::Deserialize)]
/// struct Order {
///     total: u64,
/// }
///
/// let mut orders = highwater::event_stream(url, "billing")?;
/// let mut sum = 0;
/// while let Some(batch) = orders.next().await {
///     for event in &batch {
///         sum += event.object::<Order>()?.total;
///     }
///     batch.ack(); // one that is dropped instead is refused, and comes again
/// #   break;
/// }
/// assert_eq!(sum, 5);
/// # Ok(())
/// # }
/// ```
pub fn event_stream(url: impl AsRef<str>, name: impl AsRef<str>) -> Result<EventStream, Error> {
    EventStream::builder(url, name).connect()
}

/// An event stream that is worked on. Dropped, it leaves: what was not answered comes again, to
/// whoever is there then.
///
/// What was not acknowledged when a connection broke comes again over the next one, too: an event is
/// delivered at least once, in order. While a batch is being dealt with, the server is told so.
pub struct EventStream {
    batches: mpsc::Receiver<Delivery>,
    said: mpsc::UnboundedSender<Said>,
    connection: Arc<AtomicU64>,
}

/// What the application says to the task that has the socket.
#[derive(Debug)]
enum Said {
    Answer { connection: u64, number: u64, answer: Answer },
    Close,
}

impl EventStream {
    /// Begins with the address and the name, and leaves the rest to choose.
    pub fn builder(url: impl AsRef<str>, name: impl AsRef<str>) -> EventStreamBuilder {
        let url = url.as_ref();
        let plain = match url.split_once(':') {
            Some(("ws", rest)) => format!("http:{rest}"),
            Some(("wss", rest)) => format!("https:{rest}"),
            _ => url.to_owned(),
        };
        EventStreamBuilder {
            url: address(&plain),
            name: name.as_ref().into(),
            headers: HeaderMap::new(),
            bad_header: None,
            progress: PROGRESS,
            retry: (Duration::from_millis(250), Duration::from_secs(30)),
            max_bytes: 64 << 20,
            on_error: Box::new(|_| {}),
        }
    }

    /// The next batch; waits until there is one. Nothing when the runtime is shutting down.
    ///
    /// A server has one batch of a stream on its way at a time: the next comes when this one is
    /// answered.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            let delivery = self.batches.recv().await?;
            let (said, connection) = (self.said.clone(), Arc::clone(&self.connection));
            let batch = Batch::new(delivery, said, connection);
            // One whose connection is gone comes again.
            if !batch.is_answered() || batch.number().is_none() {
                return Some(batch);
            }
        }
    }

    /// Has every batch dealt with: it is acknowledged when that went well, and refused with the
    /// error's words if not. Goes on for ever; to end it, drop its future.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/worker.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// # let url = serve_batches().await;
    /// # let (done, wait) = tokio::sync::oneshot::channel();
    /// # let mut done = Some(done);
    /// let orders = highwater::event_stream(url, "billing")?;
    /// let worker = tokio::spawn(orders.handle(async move |batch| {
    ///     for event in batch {
    ///         println!("{} {}", event.sequence_id(), event.json());
    ///     }
    /// #   if let Some(done) = done.take() { let _ = done.send(()); }
    ///     Ok::<(), String>(())
    /// }));
    /// # let _ = wait.await;
    /// # worker.abort();
    /// # Ok(())
    /// # }
    /// ```
    pub async fn handle<E: fmt::Display>(
        mut self,
        mut handler: impl AsyncFnMut(&Batch) -> Result<(), E>,
    ) {
        while let Some(batch) = self.next().await {
            match handler(&batch).await {
                Ok(()) => batch.ack(),
                Err(error) => batch.nack(&error.to_string()),
            }
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let _ = self.said.send(Said::Close); // after what was answered
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

/// The choices that an event stream leaves open, from [`EventStream::builder`].
#[must_use = "nothing is connected before `connect` is called"]
pub struct EventStreamBuilder {
    url: Result<Url, Error>,
    name: Box<str>,
    headers: HeaderMap,
    bad_header: Option<Box<str>>,
    progress: Duration,
    retry: (Duration, Duration),
    max_bytes: usize,
    on_error: OnError,
}

pub(crate) type OnError = Box<dyn FnMut(&str) + Send>;

impl EventStreamBuilder {
    /// Sends a header when it connects, such as `authorization`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if add_header(&mut self.headers, name, value).is_none() {
            self.bad_header = Some(name.into());
        }
        self
    }

    /// How often the server is told that a batch is still being dealt with: well within the time that
    /// it waits for an answer, which is two minutes unless the stream says otherwise. Default: 30 s.
    pub fn progress_every(mut self, interval: Duration) -> Self {
        self.progress = interval.max(Duration::from_millis(1));
        self
    }

    /// The first and the longest pause before connecting again. Default: 250 ms, 30 s.
    pub fn retry(mut self, first: Duration, longest: Duration) -> Self {
        self.retry = (first.max(Duration::from_millis(1)), longest);
        self
    }

    /// The largest batch, in bytes. Default: 64 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Hears of connections that were lost or refused, and of messages that are none.
    pub fn on_error(mut self, listener: impl FnMut(&str) + Send + 'static) -> Self {
        self.on_error = Box::new(listener);
        self
    }

    /// Takes part in the stream.
    pub fn connect(self) -> Result<EventStream, Error> {
        if let Some(name) = self.bad_header {
            return Err(Error::Header { name });
        }
        let url = self.url?;
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        // The keys of a hasher come from the system's source of chance.
        let seed = RandomState::new().build_hasher().finish();
        let (batches, received) = mpsc::channel(WAITING);
        let (said, hears) = mpsc::unbounded_channel();
        let connection = Arc::new(AtomicU64::new(0));
        let socket = Socket {
            url,
            headers: self.headers,
            max_bytes: self.max_bytes,
            on_error: self.on_error,
            batches,
            said: hears,
            connection: Arc::clone(&connection),
        };
        let worker = Worker::new(self.name, self.progress, self.retry, seed);
        runtime.spawn(socket.run(worker));
        Ok(EventStream { batches: received, said, connection })
    }
}

impl fmt::Debug for EventStreamBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStreamBuilder").field("url", &self.url).finish_non_exhaustive()
    }
}

const PROGRESS: Duration = Duration::from_secs(30);
/// More than one wait only of a broadcast; what does not fit waits in the socket.
const WAITING: usize = 16;
