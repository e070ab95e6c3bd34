//! Which engine, as the command line says it.

use crate::access::Access;
use crate::app::{App, Settings};
use crate::eventstreams::{Beside, EventStreams};
use crate::serve::{Failure, Misuse};
use clap::Args;
use core::time::Duration;
use highwater_engines::{JetStream, JetStreamOptions, Sqlite, SqliteOptions};
use highwater_eventstreams::NatsOptions;
use highwater_publisher::engine::{self, Engine, Memory, MemoryOptions, Retention};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Where topics are kept.
#[derive(Args, Clone, Debug)]
pub(crate) struct EngineArguments {
    /// Keep topics in this folder (SQLite), and not only in memory
    #[arg(long, value_name = "DIR", conflicts_with = "nats")]
    data: Option<PathBuf>,
    /// The greatest size of the database file in --data
    #[arg(long, value_name = "BYTES", requires = "data")]
    data_max_bytes: Option<u64>,
    /// Keep topics in NATS JetStream, which several servers can share; more than one address with commas between
    #[arg(long, value_name = "URL", value_parser = servers)]
    nats: Option<String>,
    /// The stream in NATS, and the first part of its subjects
    #[arg(long, value_name = "NAME", default_value = "highwater", value_parser = stream)]
    nats_stream: String,
    /// On how many NATS servers the stream is kept, if it has to be made
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    nats_replicas: u8,
    /// A file of credentials, if NATS asks for them
    #[arg(long, value_name = "FILE", requires = "nats")]
    nats_credentials: Option<PathBuf>,
}

/// What was chosen.
pub(crate) struct Chosen {
    place: Where,
    streams: Option<EventStreams>,
}

enum Where {
    /// Nothing outlives the process.
    Memory(Retention),
    /// A folder.
    Sqlite(PathBuf, SqliteOptions),
    /// A NATS.
    JetStream(String, JetStreamOptions),
}

impl EngineArguments {
    /// The engine, with the same log as is kept in memory.
    pub(crate) fn choose(self, retention: Retention, streams: Option<EventStreams>) -> Chosen {
        let place = if let Some(folder) = self.data {
            let most_bytes = self.data_max_bytes;
            Where::Sqlite(
                folder,
                SqliteOptions { retention, most_bytes, lease: ALONE, ..SqliteOptions::default() },
            )
        } else if let Some(servers) = self.nats {
            let options = JetStreamOptions {
                name: self.nats_stream,
                retention,
                replicas: self.nats_replicas.into(),
                credentials: self.nats_credentials,
                ..JetStreamOptions::default()
            };
            Where::JetStream(servers, options)
        } else {
            Where::Memory(retention)
        };
        Chosen { place, streams }
    }
}

impl Chosen {
    /// Topics in memory, and event streams of them.
    pub(crate) fn in_memory(retention: Retention) -> Self {
        Self { place: Where::Memory(retention), streams: Some(EventStreams::default()) }
    }

    /// An application that has its topics there.
    pub(crate) fn app(&self, settings: Settings, access: Access) -> App {
        match (&self.place, &self.streams) {
            (Where::Memory(_), None) => App::guarded(settings, access),
            _ => App::durable(settings, access),
        }
    }

    /// Whether it may be away for a while, so that the server is to be up before it.
    pub(crate) fn may_be_away(&self) -> bool {
        matches!(self.place, Where::JetStream(..))
    }

    /// Opens the engine, however long it takes to be there, and has its topics taken up.
    pub(crate) async fn begin(self, app: &App) -> Result<(), Failure> {
        let Self { place, streams } = self;
        let mut beside = Beside::Nothing;
        let engine: Arc<dyn Engine> = match place {
            Where::Memory(_) if streams.is_none() => return Ok(()),
            Where::Memory(retention) => {
                Arc::new(Memory::new(MemoryOptions { retention, lease: ALONE }))
            }
            Where::Sqlite(folder, options) => {
                let named = folder.display().to_string();
                beside = Beside::Folder(folder.clone());
                let opened = spawn_blocking(move || Sqlite::open(&folder, &options)).await?;
                Arc::new(opened.map_err(|failure| format!("{named}: {failure}"))?)
            }
            Where::JetStream(servers, options) => {
                let engine = loop {
                    match JetStream::open(&servers, options.clone()).await {
                        Ok(engine) => break Arc::new(engine),
                        Err(failure @ engine::Failure::Unavailable { .. }) => {
                            tracing::warn!(%failure, "waiting for NATS");
                            sleep(PAUSE).await;
                        }
                        Err(failure) => return Err(failure.into()),
                    }
                };
                let JetStreamOptions { name, replicas, patience, credentials, .. } = options;
                beside =
                    Beside::Nats(servers, NatsOptions { name, replicas, patience, credentials });
                engine
            }
        };
        app.begin(Arc::clone(&engine)).await?;
        match streams {
            Some(streams) => streams.begin(app, engine, beside).await,
            None => Ok(()),
        }
    }
}

fn servers(text: &str) -> Result<String, Box<dyn core::error::Error + Send + Sync>> {
    JetStream::check_servers(text)?;
    Ok(text.to_owned())
}

fn stream(name: &str) -> Result<String, Misuse> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    Err(Misuse("a stream's name has letters, digits, - and _".into()))
}

const PAUSE: Duration = Duration::from_secs(1);

/// How long leases last where no other server could take them: nobody has to renew them.
const ALONE: Duration = Duration::from_hours(24 * 365);
