//! What is dealt with together, and how that is answered.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use highwater_core::{Event, Instant, Materializer, View};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedSender;

use super::Said;
use crate::{Error, Fault};

/// Events that are to be dealt with together.
///
/// The server waits for its answer. One that is dropped without is refused, and comes again.
#[must_use = "a batch that is dropped is refused, and comes again"]
pub struct Batch {
    delivery: Delivery,
    said: Option<UnboundedSender<Said>>,
    /// The connection that there is now.
    connection: Arc<AtomicU64>,
}

/// A batch as it came.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) connection: u64,
    /// Nothing of a broadcast, which nobody answers for.
    pub(super) number: Option<u64>,
    pub(super) text: Box<str>,
    pub(super) events: Vec<StreamEvent>,
}

/// An event of a batch, whose JSON is looked into when somebody asks.
#[derive(Clone, Debug)]
pub struct StreamEvent {
    topic: Box<str>,
    sequence_id: Box<str>,
    json: Box<RawValue>,
}

/// What is said with a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub message: String,
    /// How long until the batch is to come again; the server's own pause without it.
    pub delay: Option<Duration>,
    /// Which event was at fault, counted from 0: those before it were dealt with.
    pub event: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Ack,
    Nack(Refusal),
    Progress,
}

impl Batch {
    pub(super) fn new(
        delivery: Delivery,
        said: UnboundedSender<Said>,
        connection: Arc<AtomicU64>,
    ) -> Self {
        Self { delivery, said: Some(said), connection }
    }

    /// All of it was dealt with.
    pub fn ack(mut self) {
        self.answer(Answer::Ack);
    }

    /// It was not, and is to come again.
    pub fn nack(self, message: &str) {
        self.refuse(Refusal { message: message.into(), ..Refusal::default() });
    }

    /// The same, and from which event on, or when.
    pub fn refuse(mut self, refusal: Refusal) {
        self.answer(Answer::Nack(refusal));
    }

    /// It takes longer: the server's patience begins anew. Said by itself from time to time.
    pub fn progress(&self) {
        self.say(Answer::Progress);
    }

    /// Whether nobody waits for an answer: its connection is gone, or it is a broadcast's.
    pub fn is_answered(&self) -> bool {
        self.delivery.number.is_none()
            || self.connection.load(Ordering::Relaxed) != self.delivery.connection
    }

    /// How the server calls it; nothing of a broadcast.
    pub fn number(&self) -> Option<u64> {
        self.delivery.number
    }

    /// The events, in order.
    pub fn events(&self) -> &[StreamEvent] {
        &self.delivery.events
    }

    /// The events, in order.
    pub fn iter(&self) -> core::slice::Iter<'_, StreamEvent> {
        self.events().iter()
    }

    /// Has a state follow the stream: one of [`Protocol::eventstream`](crate::Protocol::eventstream).
    /// A batch that comes again changes nothing.
    ///
    /// Kept before the batch is acknowledged, the materializer's
    /// [`checkpoint`](Materializer::checkpoint) is never behind that of the server.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/worker.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let url = serve_batches().await;
    /// # let file = std::env::temp_dir().join(format!("highwater-orders-{}", std::process::id()));
    /// use highwater::{Materializer, Protocol};
    ///
    /// let mut orders = Materializer::new(Protocol::eventstream());
    /// if let Ok(kept) = std::fs::read(&file) {
    ///     orders.restore_checkpoint(Default::default(), &kept)?;
    /// }
    /// let mut stream = highwater::event_stream(url, "billing")?;
    /// while let Some(batch) = stream.next().await {
    ///     batch.apply(&mut orders)?;
    ///     std::fs::write(&file, orders.checkpoint())?;
    ///     batch.ack();
    /// #   break;
    /// }
    /// assert_eq!(orders.state().get("order", "1").unwrap().json().unwrap(), r#"{"total":3}"#);
    /// # std::fs::remove_file(file)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn apply<V: View>(&self, to: &mut Materializer<V>) -> Result<(), Fault> {
        to.begin();
        let event = Event { kind: "message", data: self.text().as_bytes(), id: "" };
        to.event(Instant::default(), &event).map(drop) // time matters to no part of this protocol
    }

    /// The message as it came.
    pub fn text(&self) -> &str {
        &self.delivery.text
    }

    fn say(&self, answer: Answer) {
        let Delivery { connection, number, .. } = self.delivery;
        if let (Some(number), Some(said)) = (number, &self.said) {
            let _ = said.send(Said::Answer { connection, number, answer }); // nobody, on the way out
        }
    }

    fn answer(&mut self, answer: Answer) {
        self.say(answer);
        self.said = None;
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if self.said.is_some() {
            let message = "its reader has gone".into();
            self.answer(Answer::Nack(Refusal { message, ..Refusal::default() }));
        }
    }
}

impl<'b> IntoIterator for &'b Batch {
    type Item = &'b StreamEvent;
    type IntoIter = core::slice::Iter<'b, StreamEvent>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Delivery { number, events, .. } = &self.delivery;
        f.debug_struct("Batch")
            .field("number", number)
            .field("events", events)
            .finish_non_exhaustive()
    }
}

impl StreamEvent {
    /// Where it belongs; of a topic's item `KIND/KEY`.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Where it stands in its source. Those of later events are greater.
    pub fn sequence_id(&self) -> &str {
        &self.sequence_id
    }

    /// All of it, as it came.
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// All of it as a type of the application's.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(self.json()).map_err(|cause| self.unreadable(cause))
    }

    /// The value of the item that it is about; an error if that was deleted, or it is about none.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, Error> {
        #[derive(Deserialize)]
        struct Changed<T> {
            object: T,
        }
        let changed: Changed<T> = self.parse()?;
        Ok(changed.object)
    }

    fn unreadable(&self, cause: serde_json::Error) -> Error {
        let (kind, key) = self.topic.split_once('/').unwrap_or(("event", &self.topic));
        Error::Value { kind: kind.into(), key: key.into(), version: 0, cause }
    }
}

/// A message of a server.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(rename = "type")]
    kind: Option<String>,
    stream: Option<String>,
    batch_number: Option<u64>,
    #[serde(default)]
    events: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    topic: Box<str>,
    sequence_id: Box<str>,
}

impl Delivery {
    /// Reads a message; `None` if it is no batch of this stream.
    pub(super) fn read(
        connection: u64,
        name: &str,
        text: &str,
    ) -> Result<Option<Self>, serde_json::Error> {
        let Message { kind, stream, batch_number, events } = serde_json::from_str(text)?;
        // A broadcast batch may leave out the name.
        let ours = stream.as_deref().is_none_or(|stream| stream.is_empty() || stream == name);
        if kind.as_deref() != Some("event_batch") || !ours {
            return Ok(None);
        }
        let events = events.into_iter().map(|json| {
            let Head { topic, sequence_id } = serde_json::from_str(json.get())?;
            Ok(StreamEvent { topic, sequence_id, json })
        });
        let events = events.collect::<Result<_, serde_json::Error>>()?;
        Ok(Some(Self { connection, number: batch_number, text: text.into(), events }))
    }
}

/// A command to a server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Command<'c> {
    #[serde(rename = "type")]
    kind: &'static str,
    stream: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// In milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<usize>,
}

impl<'c> Command<'c> {
    pub(super) fn start(stream: &'c str) -> Self {
        Self::of("start", stream, None)
    }

    pub(super) fn answer(stream: &'c str, number: u64, answer: Answer) -> Self {
        let of = |kind| Self::of(kind, stream, Some(number));
        match answer {
            Answer::Ack => of("ack"),
            Answer::Progress => of("progress"),
            Answer::Nack(Refusal { message, delay, event }) => Self {
                message: Some(message),
                delay: delay.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
                event,
                ..of("nack")
            },
        }
    }

    fn of(kind: &'static str, stream: &'c str, batch_number: Option<u64>) -> Self {
        Self { kind, stream, batch_number, message: None, delay: None, event: None }
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers can be written")
    }
}
