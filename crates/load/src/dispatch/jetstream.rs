//! The peer: a consumer of NATS JetStream that is pushed to and acknowledges, from a stream on disk.

use super::tally::{Computed, Measured, Tally};
use crate::mark::Mark;
use crate::process::Process;
use crate::{Failure, Result};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, push};
use async_nats::jetstream::{self, Context, stream};
use core::time::Duration;
use futures_util::StreamExt as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::Instant;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until, timeout};

/// What is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acks {
    /// Each message, as `AckPolicy::Explicit` demands.
    Each,
    /// The last of so many, and with it all before: `AckPolicy::All`.
    Every(usize),
}

pub(super) struct JetStream {
    process: Process,
    context: Context,
    _folder: TempDir,
}

impl JetStream {
    pub(super) async fn start(program: &Path) -> Result<Self> {
        let folder = TempDir::new()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let (port, store) = (address.port().to_string(), folder.path().to_string_lossy());
        let arguments = ["-js", "-a", "127.0.0.1", "-p", &port, "-sd", &store, "-l", "/dev/null"];
        let mut process = Process::start(0, &program.to_string_lossy(), &arguments)?;
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = process.ended()? {
                return Err(format!("nats-server: {status}").into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        let client = async_nats::connect(format!("nats://{address}")).await?;
        let context = jetstream::new(client);
        let config = stream::Config {
            name: "bench".into(),
            subjects: vec!["bench.*".into()],
            storage: stream::StorageType::File,
            ..stream::Config::default()
        };
        context.create_stream(config).await?;
        Ok(Self { process, context, _folder: folder })
    }

    pub(super) async fn fill(&self, events: u64, bytes: usize) -> Result {
        let mut unanswered = Vec::new();
        for number in 1..=events {
            let payload = Mark { number, due: 0 }.payload(bytes);
            unanswered.push(self.context.publish("bench.backlog", payload.into()).await?);
            if unanswered.len() == AHEAD || number == events {
                for answer in unanswered.drain(..) {
                    answer.await?;
                }
            }
        }
        Ok(())
    }

    /// Delivers all that there is.
    pub(super) async fn drain(&self, acks: Acks, events: u64) -> Result<Measured> {
        let before = Computed::now(&self.process)?;
        let tally = Tally::of(events);
        let mut consumer = self.consumer(acks, "bench.backlog", DeliverPolicy::All).await?;
        let tally = work(&consumer, acks, tally).await?;
        let measured = tally.measured(&self.process, before)?;
        settle(&mut consumer).await?;
        Ok(measured)
    }

    /// Delivers what is written at a pace.
    pub(super) async fn paced(&self, acks: Acks, bytes: usize, seconds: f64) -> Result<Measured> {
        let events = super::paced_events(seconds);
        let mut consumer = self.consumer(acks, "bench.paced", DeliverPolicy::New).await?;
        let before = Computed::now(&self.process)?;
        let tally = Tally::of(events);
        let (context, zero) = (self.context.clone(), tally.began);
        let writing = tokio::spawn(async move {
            let mut answers = Vec::new();
            for number in 1..=events {
                let due = super::due(number);
                sleep_until((zero + due).into()).await;
                let due = u64::try_from(due.as_nanos())?;
                let payload = Mark { number, due }.payload(bytes);
                answers.push(context.publish("bench.paced", payload.into()).await?);
            }
            for answer in answers {
                answer.await?;
            }
            Ok::<_, Failure>(())
        });
        let tally = work(&consumer, acks, tally).await?;
        writing.await??;
        let measured = tally.measured(&self.process, before)?;
        settle(&mut consumer).await?;
        Ok(measured)
    }

    async fn consumer(
        &self,
        acks: Acks,
        subject: &str,
        deliver_policy: DeliverPolicy,
    ) -> Result<Consumer<push::Config>> {
        let stream = self.context.get_stream("bench").await?;
        let config = push::Config {
            deliver_subject: self.context.client().new_inbox(),
            deliver_policy,
            filter_subject: subject.into(),
            ack_policy: if acks == Acks::Each { AckPolicy::Explicit } else { AckPolicy::All },
            max_ack_pending: MAX_ACK_PENDING,
            ..push::Config::default()
        };
        Ok(stream.create_consumer(config).await?)
    }
}

/// Takes messages until everything has come.
async fn work(consumer: &Consumer<push::Config>, acks: Acks, mut tally: Tally) -> Result<Tally> {
    let mut messages = consumer.messages().await?;
    let mut unanswered = 0;
    while !tally.is_whole() {
        let message = timeout(PATIENCE, messages.next()).await;
        let message = message.map_err(|_| format!("nothing comes after {} events", tally.count))?;
        let message = message.ok_or("the subscription ended")??;
        tally.take(&message.payload);
        unanswered += 1;
        let due = match acks {
            Acks::Each => true,
            Acks::Every(count) => unanswered == count || tally.is_whole(),
        };
        if due {
            unanswered = 0;
            message.ack().await?;
        }
    }
    Ok(tally)
}

/// Waits until everything is acknowledged.
async fn settle(consumer: &mut Consumer<push::Config>) -> Result {
    let begun = Instant::now();
    loop {
        let info = consumer.info().await?;
        if info.num_ack_pending == 0 && info.num_pending == 0 {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("{} were not acknowledged", info.num_ack_pending).into());
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Messages that were published and not acknowledged by JetStream yet.
const AHEAD: usize = 1000;
/// The server's own default.
const MAX_ACK_PENDING: i64 = 1000;
const PATIENCE: Duration = Duration::from_secs(30);
