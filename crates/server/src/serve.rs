//! Listening, running and stopping; the `serve` sub-command.

use crate::accept::accept;
use crate::access::AccessArguments;
use crate::app::{App, Settings, app};
use crate::cors::Cors;
use crate::durable::EngineArguments;
use crate::eventstreams::EventStreamArguments;
use crate::limits::LimitArguments;
use axum::Router;
use axum::http::HeaderValue;
use clap::Args;
use core::future::Future;
use core::time::Duration;
use highwater_publisher::Options;
use highwater_publisher::engine::Retention;
use std::io::Write as _;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// `highwater serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    limits: LimitArguments,
    #[command(flatten)]
    engine: EngineArguments,
    #[command(flatten)]
    event_streams: EventStreamArguments,
    /// Milliseconds after which a quiet stream gets a heartbeat
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(1..))]
    heartbeat_ms: u64,
    /// An origin whose pages may read and write, such as `https://example.org`, or `*` for any; may be repeated
    #[arg(long, value_name = "ORIGIN", value_parser = crate::cors::origin)]
    cors_origin: Vec<HeaderValue>,
}

impl ServeArguments {
    /// Serves until SIGTERM or Ctrl-C, then drains.
    pub async fn run(self) -> Result<(), Failure> {
        self.run_with(&[], true, |state| Ok(app(state.clone()))).await
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.access.config()
    }

    /// The same, with other answers; `tables` of the configuration file are theirs, and `topics`
    /// says whether those are among them.
    pub(crate) async fn run_with(
        self,
        tables: &[&str],
        topics: bool,
        router: impl FnOnce(&App) -> Result<Router, Misuse>,
    ) -> Result<(), Failure> {
        let cors = match self.cors_origin {
            none if none.is_empty() => Cors::Nobody,
            any if any.iter().any(|origin| origin == "*") => Cors::Anybody,
            origins => Cors::Origins(origins),
        };
        let access = self.access.access(None, tables)?;
        if topics && access.is_open() && !self.listen.is_loopback() {
            tracing::warn!(
                "everybody who reaches this server may read and write: there are no tokens"
            );
        }
        let settings = self.keep.settings(self.heartbeat_ms, cors);
        let settings = Settings { limits: self.limits.into(), ..settings };
        let streams = self.event_streams.choose()?;
        let engine = self.engine.choose(self.keep.retention(), streams);
        let state = engine.app(settings, access);
        let router = router(&state)?;
        if !engine.may_be_away() {
            engine.begin(&state).await?;
            return self.listen.run(state, router).await;
        }
        tokio::select! {
            done = self.listen.run(state.clone(), router) => done,
            Err(failure) = engine.begin(&state) => Err(failure),
        }
    }
}

/// Where to listen and how to stop; the same for every sub-command that serves.
#[derive(Args, Clone, Debug)]
pub(crate) struct Listen {
    /// Address and port; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:7070", value_name = "ADDRESS")]
    listen: String,
    /// Milliseconds that open connections get to end after SIGTERM
    #[arg(long, default_value_t = 5_000)]
    drain_ms: u64,
}

impl Listen {
    /// Whether nobody but this machine can ask.
    pub(crate) fn is_loopback(&self) -> bool {
        crate::cors::is_loopback(&self.listen)
    }

    pub(crate) async fn run(self, state: App, router: Router) -> Result<(), Failure> {
        let listener = TcpListener::bind(&self.listen)
            .await
            .map_err(|error| format!("cannot listen on {}: {error}", self.listen))?;
        let stop = stop_signal();
        // The line by which a script or a test learns the port. A closed stdout is no reason to stop.
        let _ = writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?);
        serve(listener, state, router, stop, Duration::from_millis(self.drain_ms)).await?;
        Ok(())
    }
}

/// What to keep; the same for every sub-command that serves.
#[derive(Args, Clone, Debug)]
pub(crate) struct Keep {
    /// Transactions that each topic keeps for readers that come back
    #[arg(long, default_value_t = 4096, value_name = "COUNT")]
    log_transactions: usize,
    /// Bytes of transactions that each topic keeps for readers that come back
    #[arg(long, default_value_t = 16 << 20, value_name = "BYTES")]
    log_bytes: usize,
    /// The greatest request body
    #[arg(long, default_value_t = 16 << 20, value_name = "BYTES")]
    max_body: usize,
}

impl Keep {
    /// What an engine keeps, to have it again after a restart.
    pub(crate) fn retention(&self) -> Retention {
        let (transactions, bytes) = (self.log_transactions as u64, self.log_bytes as u64);
        Retention { transactions, bytes, ..Retention::default() }
    }

    pub(crate) fn settings(&self, heartbeat_ms: u64, cors: Cors) -> Settings {
        let &Self { log_transactions, log_bytes, max_body } = self;
        let heartbeat = Duration::from_millis(heartbeat_ms);
        let topic = Options { log_transactions, log_bytes, heartbeat };
        Settings { topic, max_body, cors, ..Settings::default() }
    }
}

/// Why a sub-command could not do its work.
pub(crate) type Failure = Box<dyn core::error::Error + Send + Sync>;

/// What was asked for makes no sense: the same to a shell as an option that there is not.
#[derive(Debug)]
pub struct Misuse(pub(crate) Box<str>);

impl core::fmt::Display for Misuse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Misuse {}

/// Serves `router` until `stop`, then drains `state`: says goodbye on streams, takes no new
/// connection, and gives those that are open `grace` to end.
pub async fn serve(
    listener: TcpListener,
    state: App,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> std::io::Result<()> {
    let (stopping, open) = watch::channel(false);
    let taking = tokio::spawn(accept(listener, router, state.clone(), open));
    stop.await;
    tracing::info!("draining");
    state.drain();
    if let Some(streams) = state.event_streams() {
        let closing = streams.clone();
        tokio::spawn(async move { closing.close().await });
    }
    if let Some(websockets) = state.websockets() {
        websockets.close();
    }
    stopping.send_replace(true);
    taking.await.map_err(std::io::Error::other)?;
    if tokio::time::timeout(grace, stopping.closed()).await.is_err() {
        tracing::warn!(?grace, "some connections did not end in time");
    }
    Ok(())
}

/// Ends at SIGTERM or Ctrl-C. They are listened for from the call on, not from the first poll: who
/// has read that we listen may stop us at once.
#[cfg(unix)]
pub(crate) fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let heard = [("SIGINT", SignalKind::interrupt()), ("SIGTERM", SignalKind::terminate())];
    let [interrupt, terminate] = heard.map(|(name, kind)| {
        let listening = signal(kind);
        async move {
            match listening {
                Ok(mut signal) => drop(signal.recv().await),
                Err(error) => {
                    tracing::error!(%error, "cannot listen for {name}");
                    core::future::pending::<()>().await;
                }
            }
        }
    });
    async move {
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}

/// Ends at Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn stop_signal() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "cannot listen for Ctrl-C");
        core::future::pending::<()>().await;
    }
}
