//! The task that follows a stream of auto-config, and hands on what comes of it.

use core::future::{Future, pending};
use core::hash::{BuildHasher as _, Hasher as _};
use core::pin::Pin;
use std::hash::RandomState;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use highwater::{Endpoint, Error, Opened};
use highwater_core::Instant;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant as Clock, sleep_until};

use super::cache::Cache;
use super::io::{StreamFault, StreamInput, StreamOutput, StreamPhase};
use super::keep::Keeper;
use super::log;
use super::manager::{StreamManager, StreamOptions};
use super::message::Heard;
use super::source::AutoConfigSource;
use crate::credentials::AutoConfigKey;
use crate::projects::{Environments, ProjectRouter, Queues};

/// Where auto-config comes from, and how it is followed.
#[derive(Clone, Debug)]
pub struct AutoConfigOptions {
    /// The server, such as `https://stream.launchdarkly.com`.
    pub stream_uri: String,
    /// The key to show there.
    pub key: AutoConfigKey,
    /// Where the last good configuration is kept, to be served while the stream is away.
    pub cache: Option<PathBuf>,
    /// How the stream is kept up.
    pub stream: StreamOptions,
}

/// A relay's environments, as they are told by a stream. Dropped, it follows the stream no longer.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use highwater_relay::{
///     Action, AutoConfig, AutoConfigKey, AutoConfigOptions, AutoConfigSource, EnvironmentRep,
///     Environments, auto_config_router,
/// };
///
/// struct Printed(tokio::sync::Notify);
///
/// impl Environments for Printed {
///     async fn apply(&self, action: Action) {
///         match action {
///             Action::Add(params) => println!("there is {}: {:?}", params.variant(), params.sdk_key),
///             Action::ReceivedAll => self.0.notify_one(),
///             _ => {}
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn core::error::Error>> {
/// // A source of our own to follow, in the place of LaunchDarkly.
/// let key = AutoConfigKey::new("rel-0123456789").expect("it is not empty");
/// let source = Arc::new(AutoConfigSource::new());
/// let json = br#"{"envID":"e1","sdkKey":{"value":"sdk-0123456789"},"version":1}"#;
/// source.replace([EnvironmentRep::parse(json)?], []);
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let stream_uri = format!("http://{}", listener.local_addr()?);
/// let router = auto_config_router(source, [key.clone()], Duration::from_secs(180));
/// tokio::spawn(async { axum::serve(listener, router).await });
///
/// let options = AutoConfigOptions { stream_uri, key, cache: None, stream: Default::default() };
/// let printed = Arc::new(Printed(Default::default()));
/// let relay = AutoConfig::start(options, Arc::clone(&printed))?;
/// printed.0.notified().await;
/// assert_eq!(relay.status().borrow().environments, 1);
/// relay.close().await;
/// # Ok(())
/// # }
/// ```
pub struct AutoConfig {
    status: watch::Receiver<AutoConfigStatus>,
    source: Arc<AutoConfigSource>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// How the stream of auto-config is doing.
#[derive(Clone, Debug, Default)]
pub struct AutoConfigStatus {
    /// Where it stands.
    pub phase: StreamPhase,
    /// It has been open.
    pub opened: bool,
    /// The last thing that failed.
    pub fault: Option<Arc<StreamFault>>,
    /// The configuration at present was kept from another life.
    pub kept: bool,
    /// How many environments there are, variants not counted.
    pub environments: usize,
}

impl AutoConfig {
    /// Follows a stream, and hands what it says to whoever runs environments. Fails if the address or
    /// the key is none that a request could be made of. Must be called within a Tokio runtime.
    pub fn start<E: Environments>(
        options: AutoConfigOptions,
        environments: Arc<E>,
    ) -> Result<Self, Error> {
        let AutoConfigOptions { stream_uri, key, cache, mut stream } = options;
        let endpoint = Endpoint::new(address(&stream_uri), &[("authorization", key.reveal())])?;
        // The keys of a hasher come from the system's source of chance.
        stream.seed ^= RandomState::new().build_hasher().finish();
        let source = Arc::new(AutoConfigSource::new());
        let (status, seen) = watch::channel(AutoConfigStatus::default());
        let (stop, stopped) = oneshot::channel();
        let follower = Follower {
            manager: StreamManager::new(stream),
            router: ProjectRouter::default(),
            queues: Queues::new(environments),
            source: Arc::clone(&source),
            keeper: Keeper::new(cache.map(|path| Cache::new(path, key))),
            endpoint: Arc::new(endpoint),
            status,
            began: Clock::now(),
            line: Line::None,
            wake: None,
        };
        let task = tokio::spawn(follower.run(stopped));
        Ok(Self { status: seen, source, stop: Some(stop), task })
    }

    /// Comes back when the stream is open for the first time: `Err` if it was given up before that.
    pub async fn ready(&self) -> Result<(), Arc<StreamFault>> {
        let mut status = self.status.clone();
        let done = |status: &AutoConfigStatus| status.opened || status.phase == StreamPhase::Off;
        match status.wait_for(done).await {
            Ok(status) if status.opened => Ok(()),
            Ok(status) => Err(status.fault.clone().unwrap_or(Arc::new(StreamFault::Closed))),
            Err(_) => Err(Arc::new(StreamFault::Closed)),
        }
    }

    /// How the stream is doing, now and from now on.
    pub fn status(&self) -> watch::Receiver<AutoConfigStatus> {
        self.status.clone()
    }

    /// The same configuration for others to follow.
    pub fn source(&self) -> &Arc<AutoConfigSource> {
        &self.source
    }

    /// Lets go of the stream. Comes back when that is done, and what is to be kept is kept.
    pub async fn close(mut self) {
        drop(self.stop.take());
        let _ = (&mut self.task).await; // its end is all that matters
    }
}

/// The address of the stream. A query of the server's own address is left out, as at the source.
fn address(stream_uri: &str) -> String {
    let base = stream_uri.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    format!("{base}/relay_auto_config?rpacProtocolVersion=2")
}

struct Follower<E> {
    manager: StreamManager,
    router: ProjectRouter,
    queues: Queues<E>,
    source: Arc<AutoConfigSource>,
    keeper: Keeper,
    endpoint: Arc<Endpoint>,
    status: watch::Sender<AutoConfigStatus>,
    began: Clock,
    line: Line,
    wake: Option<Clock>,
}

/// The one connection that there is.
enum Line {
    None,
    Dialing(Pin<Box<dyn Future<Output = Result<Opened, Error>> + Send>>),
    Open(Opened),
}

enum Event {
    Answered(Opened),
    Piece(Bytes),
    Ended,
    Failed(Error),
}

impl<E: Environments> Follower<E> {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        self.input(StreamInput::Start);
        while self.manager.phase() != StreamPhase::Off {
            let wake = self.wake.unwrap_or(self.began);
            tokio::select! {
                _ = &mut stopped => self.input(StreamInput::Stop),
                () = sleep_until(wake), if self.wake.is_some() => {
                    self.wake = None;
                    self.input(StreamInput::Wake);
                }
                event = self.line.next() => self.hear(event),
                put = self.keeper.loaded() => self.restore(&put),
            }
        }
        self.keeper.finish().await;
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Answered(opened) => {
                let (status, retry_after) = (opened.status(), opened.retry_after());
                self.line = Line::Open(opened);
                self.input(StreamInput::Opened { status, retry_after });
            }
            Event::Piece(bytes) => self.input(StreamInput::Bytes(&bytes)),
            Event::Ended => self.input(StreamInput::Ended),
            Event::Failed(Error::Network { what }) => self.input(StreamInput::Failed(&what)),
            Event::Failed(error) => self.input(StreamInput::Failed(&error.to_string())),
        }
    }

    /// Something was kept: it counts if the stream has said nothing yet.
    fn restore(&mut self, put: &[u8]) {
        if !self.source.is_complete() {
            self.status.send_modify(|status| status.kept = true);
            self.input(StreamInput::Restore(put));
        }
    }

    fn input(&mut self, input: StreamInput<'_>) {
        let restores = matches!(input, StreamInput::Restore(_));
        self.manager.handle(self.now(), input);
        while let Some(output) = self.manager.poll() {
            match output {
                StreamOutput::Connect { last_event_id } => {
                    let endpoint = Arc::clone(&self.endpoint);
                    let dialing = async move { endpoint.open(last_event_id.as_deref()).await };
                    self.line = Line::Dialing(Box::pin(dialing));
                }
                StreamOutput::Disconnect => self.line = Line::None,
                StreamOutput::WakeAt(at) => {
                    let millis = core::time::Duration::from_millis(at.as_millis());
                    self.wake = self.began.checked_add(millis);
                }
                StreamOutput::Heard(heard) => self.heard(heard, restores),
                StreamOutput::Phase(phase) => {
                    log::phase(phase);
                    self.status.send_modify(|status| {
                        status.phase = phase;
                        status.opened |= phase == StreamPhase::Valid;
                    });
                }
                StreamOutput::Fault { fault, wait } => {
                    log::fault(&fault, wait);
                    self.status.send_modify(|status| status.fault = Some(Arc::new(fault)));
                }
            }
        }
    }

    fn heard(&mut self, heard: Heard, restored: bool) {
        let Heard { messages, notes, .. } = heard;
        for note in &notes {
            log::note(note);
        }
        if messages.is_empty() {
            return;
        }
        self.source.relay(&messages);
        for message in messages {
            for action in self.router.handle(message) {
                log::action(&action);
                self.queues.push(action);
            }
        }
        if !restored {
            let receiver = self.manager.receiver();
            self.keeper.keep(receiver.environments(), receiver.filters());
        }
        let environments =
            self.router.projects().map(|(_, project)| project.environments().count());
        let environments = environments.sum();
        self.status.send_modify(|status| {
            status.environments = environments;
            status.kept &= restored;
        });
    }

    fn now(&self) -> Instant {
        let millis = self.began.elapsed().as_millis();
        Instant::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl Line {
    /// What happens next; never, without a connection. May be dropped while it waits.
    async fn next(&mut self) -> Event {
        match self {
            Self::None => pending().await,
            Self::Dialing(answer) => match answer.await {
                Ok(opened) => Event::Answered(opened),
                Err(error) => Event::Failed(error),
            },
            Self::Open(opened) => match opened.next().await {
                Some(Ok(bytes)) => Event::Piece(bytes),
                Some(Err(error)) => Event::Failed(error),
                None => Event::Ended,
            },
        }
    }
}

impl Drop for AutoConfig {
    fn drop(&mut self) {
        // The task hears that the sender is gone, unless it was closed before.
        drop(self.stop.take());
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_address_has_the_protocols_query_alone() {
        let wanted = "https://h/base/relay_auto_config?rpacProtocolVersion=2";
        for uri in ["https://h/base", "https://h/base/", "https://h/base?x=y", "https://h/base/#x"]
        {
            assert_eq!(address(uri), wanted);
        }
    }
}
