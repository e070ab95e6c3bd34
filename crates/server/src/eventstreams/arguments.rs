//! Event streams as the command line says them.

use super::source::Topics;
use crate::app::App;
use crate::serve::{Failure, Misuse};
use clap::Args;
use core::time::Duration;
use highwater_eventstreams::{
    Clock, Configuration, DispatcherFactory, Manager, MemoryPersistence, NatsOptions,
    NatsPersistence, Persistence, PostgresPersistence, Program, SqlitePersistence,
    WebSocketFactory, WebhookFactory,
};
use highwater_publisher::engine::Engine;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Whether there are event streams, and where they are kept.
#[derive(Args, Clone, Debug)]
pub(crate) struct EventStreamArguments {
    /// Deliver topics as event streams: kept beside the topics, in --data or in NATS, or else in memory
    #[arg(long = "event-streams", id = "event_streams")]
    wanted: bool,
    /// Keep event streams in PostgreSQL, such as `postgres://user@host/database`
    #[arg(long = "event-streams-database", value_name = "URL", requires = "event_streams", value_parser = database, hide_env_values = true)]
    database: Option<String>,
    /// Defaults, TLS configurations and limits of event streams, as JSON
    #[arg(long = "event-streams-config", value_name = "FILE", requires = "event_streams")]
    configuration: Option<PathBuf>,
}

/// Where topics are kept, and what belongs to them.
#[derive(Clone, Debug)]
pub(crate) enum Beside {
    /// In memory.
    Nothing,
    /// In a folder.
    Folder(PathBuf),
    /// In a NATS, which other servers may use.
    Nats(String, NatsOptions),
}

/// What was chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventStreams {
    configuration: Configuration,
    database: Option<String>,
}

impl EventStreamArguments {
    /// Reads the configuration, if event streams are wanted.
    pub(crate) fn choose(self) -> Result<Option<EventStreams>, Failure> {
        if !self.wanted {
            return Ok(None);
        }
        let configuration = match &self.configuration {
            None => Configuration::default(),
            Some(file) => {
                let named = |error: &dyn core::fmt::Display| {
                    Misuse(format!("{}: {error}", file.display()).into())
                };
                let text = fs::read_to_string(file).map_err(|error| named(&error))?;
                serde_json::from_str(&text).map_err(|error| named(&error))?
            }
        };
        Ok(Some(EventStreams { configuration, database: self.database }))
    }
}

impl EventStreams {
    /// Takes up all streams, of topics of this engine, which is kept there.
    pub(crate) async fn begin(
        self,
        app: &App,
        engine: Arc<dyn Engine>,
        beside: Beside,
    ) -> Result<(), Failure> {
        let Self { configuration, database } = self;
        let is_shared = matches!(beside, Beside::Nats(..));
        let persistence: Arc<dyn Persistence> = match (database, beside) {
            (Some(url), _) => Arc::new(PostgresPersistence::connect(&url).await?),
            (None, Beside::Folder(folder)) => {
                let file = folder.join("eventstreams.db");
                Arc::new(spawn_blocking(move || SqlitePersistence::open(&file)).await??)
            }
            (None, Beside::Nats(servers, options)) => loop {
                // In a box: a large future, of which most programs have no need.
                match Box::pin(NatsPersistence::connect(&servers, options.clone())).await {
                    Ok(persistence) => break Arc::new(persistence),
                    Err(error) => {
                        tracing::warn!(%error, "waiting for NATS");
                        sleep(PAUSE).await;
                    }
                }
            },
            (None, Beside::Nothing) => Arc::new(MemoryPersistence::default()),
        };
        let webhook: Arc<dyn DispatcherFactory> = Arc::new(WebhookFactory::new(&configuration)?);
        let websockets = WebSocketFactory::new(&configuration);
        let websocket: Arc<dyn DispatcherFactory> = Arc::new(websockets.clone());
        let manager = Manager::start(Program {
            configuration,
            persistence: Arc::clone(&persistence),
            runtime: Arc::new(Topics::new(engine, persistence, is_shared)),
            dispatchers: HashMap::from([
                ("webhook".into(), webhook),
                ("websocket".into(), websocket),
            ]),
            clock: Clock::default(),
        })
        .await?;
        app.take_up_event_streams(manager, websockets);
        Ok(())
    }
}

fn database(url: &str) -> Result<String, Failure> {
    PostgresPersistence::check(url)?;
    Ok(url.to_owned())
}

/// Before NATS is tried again.
const PAUSE: Duration = Duration::from_secs(1);
