//! The stream in NATS, read and written a message at a time.

use super::JetStreamOptions;
use super::error::{Lost, corrupt, unavailable};
use super::subjects::Subjects;
use super::topic::{Taken, Topic};
use super::wire::{Batch, Mark, decode_item};
use async_nats::Client;
use async_nats::connection::State;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, RawMessageErrorKind, Stream};
use async_nats::jetstream::{Context, Message};
use futures_util::StreamExt as _;
use highwater_publisher::engine::{Failure, Head, Place};
use tokio::time::timeout;

/// What every task of an engine shares of NATS.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) client: Client,
    pub(super) context: Context,
    pub(super) stream: Stream,
    pub(super) subjects: Subjects,
    pub(super) options: JetStreamOptions,
}

impl Log {
    pub(super) async fn open(
        client: Client,
        context: Context,
        options: JetStreamOptions,
    ) -> Result<Self, Failure> {
        let subjects = Subjects::new(&options.name);
        let stream = context.get_or_create_stream(config(&options)).await.map_err(unavailable)?;
        Ok(Self { client, context, stream, subjects, options })
    }

    /// Makes the stream if it is gone, and answers the sequence of its last message.
    pub(super) async fn last(&self) -> Result<u64, Failure> {
        let stream = self.context.get_or_create_stream(config(&self.options));
        Ok(stream.await.map_err(unavailable)?.cached_info().state.last_sequence)
    }

    pub(super) fn connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// The newest message of a subject.
    pub(super) async fn newest(&self, subject: &str) -> Result<Option<(u64, Vec<u8>)>, Failure> {
        match self.stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => Ok(Some((message.sequence, message.payload.into()))),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Sends a message that is to follow another one of its subject, and waits until it is in the stream.
    pub(super) async fn put(
        &self,
        subject: String,
        after: u64,
        message: PublishMessage,
    ) -> Result<u64, Lost> {
        let message = message.expected_last_subject_sequence(after);
        let sent = self.context.send_publish(subject, message).await.map_err(Lost::from)?;
        Ok(sent.await.map_err(Lost::from)?.sequence)
    }

    /// Reads what the stream has now of a subject or of many, oldest first.
    pub(super) async fn each(
        &self,
        filter: String,
        deliver_policy: DeliverPolicy,
        headers_only: bool,
        mut take: impl FnMut(u64, &Message) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let config = pull::OrderedConfig {
            filter_subject: filter,
            deliver_policy,
            headers_only,
            ..pull::OrderedConfig::default()
        };
        let consumer = self.stream.create_consumer(config).await.map_err(unavailable)?;
        if consumer.cached_info().num_pending == 0 {
            return Ok(());
        }
        let mut messages = consumer.messages().await.map_err(unavailable)?;
        loop {
            let next =
                timeout(self.options.patience, messages.next()).await.map_err(unavailable)?;
            let message = next.ok_or_else(|| unavailable("the stream's reading ended"))?;
            let message = message.map_err(unavailable)?;
            let info = message.info().map_err(corrupt)?;
            take(info.stream_sequence, &message)?;
            if info.pending == 0 {
                return Ok(());
            }
        }
    }

    /// Reads a topic as it is now; `None` if it is not there.
    ///
    /// Items are written down while the log goes on and without stopping it, so that some may be ahead
    /// of the mark. The log after the mark is read afterwards and reaches at least as far as any of them.
    pub(super) async fn load(&self, topic: &str) -> Result<Option<Topic>, Failure> {
        // Between mark and log the log may be trimmed up to a newer mark.
        for _ in 0..ATTEMPTS {
            let mark = self.newest(&self.subjects.mark(topic)).await?;
            let mark = mark.map(|(_, text)| Mark::decode(&text)).transpose().map_err(corrupt)?;
            let mut items = Vec::new();
            if mark.is_some() {
                let items_of = self.subjects.items(topic);
                self.each(items_of, DeliverPolicy::LastPerSubject, false, |_, message| {
                    items.push(decode_item(&message.payload).map_err(corrupt)?);
                    Ok(())
                })
                .await?;
            }
            let mut messages = Vec::new();
            let log = self.subjects.log(topic);
            self.each(log, DeliverPolicy::All, false, |sequence, message| {
                let batch = Batch::decode(&message.payload).map_err(corrupt)?;
                messages.push((sequence, message_id(message), batch));
                Ok(())
            })
            .await?;
            let Some((_, _, first)) = messages.first() else { return Ok(None) };
            let mark = mark.unwrap_or_else(|| Mark {
                log: 0,
                head: Head { place: Place { epoch: first.epoch.clone(), index: 0 }, fence: 0 },
            });
            let (mut before, mut after) = (Vec::new(), Vec::new());
            for (sequence, id, batch) in messages {
                if sequence > mark.log {
                    after.push((sequence, id, batch));
                } else if batch.epoch == mark.head.place.epoch {
                    before.push((sequence, batch));
                }
            }
            let mut loaded = Topic::restore(mark, items, before, self.options.retention);
            let follows = after.into_iter().all(|(sequence, id, batch)| {
                loaded.take(sequence, id.as_deref(), batch) == Taken::News
            });
            if follows {
                return Ok(Some(loaded));
            }
        }
        Err(corrupt(format!("the log of topic {topic} does not follow its mark")))
    }
}

/// The id that a message was sent with.
pub(super) fn message_id(message: &Message) -> Option<String> {
    message.headers.as_ref()?.get(NATS_MESSAGE_ID).map(|id| id.as_str().to_owned())
}

fn config(options: &JetStreamOptions) -> stream::Config {
    stream::Config {
        name: options.name.clone(),
        subjects: vec![Subjects::new(&options.name).all()],
        num_replicas: options.replicas,
        // An item that is written down takes the place of what was written down before.
        allow_rollup: true,
        allow_direct: true,
        description: Some("topics of highwater".to_owned()),
        ..stream::Config::default()
    }
}

const ATTEMPTS: usize = 5;
