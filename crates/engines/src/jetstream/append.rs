//! How the appends of this process get into a topic's log: all that wait in one message, compared and set.

use super::Shared;
use super::error::{Lost, RETRY_AFTER, unavailable};
use super::topic::Topic;
use super::wire::Batch;
use crate::codec;
use async_nats::jetstream::message::PublishMessage;
use core::hash::{BuildHasher as _, Hasher as _};
use core::time::Duration;
use highwater_publisher::engine::{
    Append, AppendError, Appended, Failure, Head, Known, Place, Record,
};
use highwater_publisher::{Epoch, Id};
use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

/// An append, and who waits for it.
pub(super) struct Pending {
    pub(super) append: Append,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
}

/// Appends to one topic until nobody asks any more.
pub(super) async fn run(
    shared: Arc<Shared>,
    name: String,
    mut queue: mpsc::UnboundedReceiver<Pending>,
) {
    while let Some(first) = queue.recv().await {
        let mut waiting = vec![first];
        while waiting.len() < MOST_AT_ONCE
            && let Ok(next) = queue.try_recv()
        {
            waiting.push(next);
        }
        while !waiting.is_empty() {
            waiting = shared.append_all(&name, waiting).await;
        }
    }
}

/// Appends as they were decided against one moment of the topic.
struct Decided {
    after: u64,
    epoch: Epoch,
    /// What goes into the message, in the order of `outcomes`.
    records: Vec<Record>,
    text: Vec<u8>,
    /// For each append that was looked at: what it is told if the moment was the newest.
    outcomes: Vec<Result<Appended, AppendError>>,
}

impl Shared {
    /// Appends as many as one message takes; answers them, and returns the rest.
    async fn append_all(&self, name: &str, mut waiting: Vec<Pending>) -> Vec<Pending> {
        let deadline = Instant::now() + self.log.options.patience;
        loop {
            let appends = waiting.iter().map(|pending| &pending.append);
            let decided = self.decide(name, appends);
            let rest = waiting.split_off(decided.outcomes.len());
            let outcome = if !self.log.connected() {
                Outcome::Failed(unavailable("not connected to NATS"))
            } else if decided.records.is_empty() {
                self.confirm(name, decided.after, deadline).await
            } else {
                self.send(name, &decided, deadline).await
            };
            match outcome {
                Outcome::Newest => {
                    for (pending, outcome) in waiting.into_iter().zip(decided.outcomes) {
                        let _ = pending.reply.send(outcome);
                    }
                }
                Outcome::Passed if Instant::now() < deadline => {
                    waiting.extend(rest);
                    continue;
                }
                Outcome::Passed => fail(waiting, &unavailable("others were always first")),
                Outcome::Failed(failure) => fail(waiting, &failure),
                Outcome::Undecided => {
                    for (pending, outcome) in waiting.into_iter().zip(decided.outcomes) {
                        let _ = pending.reply.send(Err(match outcome {
                            Ok(_) => AppendError::Undecided { retry_after: RETRY_AFTER },
                            Err(_) => unavailable("the topic's place could not be asked").into(),
                        }));
                    }
                }
            }
            return rest;
        }
    }

    /// Decides appends against what is known of the topic, each after those before it.
    fn decide<'a>(&self, name: &str, appends: impl Iterator<Item = &'a Append>) -> Decided {
        let most = self.log.client.max_payload().saturating_sub(HEADERS);
        let topics = self.topics();
        let topic = topics.get(name);
        let mut head = topic.map(Topic::head).cloned();
        let epoch = head.as_ref().map_or_else(Epoch::fresh, |head| head.place.epoch.clone());
        let after = topic.map_or(0, |topic| topic.log);
        let text = Batch::opening(name, &epoch, after);
        let mut decided = Decided {
            after,
            epoch: epoch.clone(),
            records: Vec::new(),
            text,
            outcomes: Vec::new(),
        };
        let mut staged: HashMap<Id, Known> = HashMap::new();
        for append in appends {
            let known = |id: &Id| {
                let known = staged.get(id).copied();
                Ok(known.or_else(|| topic.and_then(|topic| topic.replica.known(id))))
            };
            let record = match append.decide(head.as_ref(), Record::now(), known) {
                Ok(record) => record,
                Err(refused) => {
                    decided.outcomes.push(Err(refused));
                    continue;
                }
            };
            let line = codec::encode(&record);
            let bytes = decided.text.len() + 1 + line.len();
            if bytes > most {
                if decided.records.is_empty() {
                    decided.outcomes.push(Err(AppendError::TooLarge { bytes, most }));
                    continue;
                }
                break; // the next message takes it
            }
            decided.text.push(b'\n');
            decided.text.extend_from_slice(&line);
            for change in &record.changes {
                let known = Known { version: change.version, live: change.object.is_some() };
                staged.insert(change.id.clone(), known);
            }
            let head = head.get_or_insert_with(|| Head {
                place: Place { epoch: epoch.clone(), index: 0 },
                fence: 0,
            });
            decided.outcomes.push(Ok(head.appended(&record)));
            head.advance(&record);
            decided.records.push(record);
        }
        decided
    }

    /// Whether the moment that everything was refused at is the newest.
    async fn confirm(&self, name: &str, after: u64, deadline: Instant) -> Outcome {
        let subject = self.log.subjects.log(name);
        match timeout_at(deadline, self.log.newest(&subject)).await {
            Ok(Ok(newest)) if newest.as_ref().map_or(0, |&(log, _)| log) == after => {
                Outcome::Newest
            }
            Ok(Ok(_)) => self.catch_up(name, after, deadline).await,
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(late) => Outcome::Failed(unavailable(late)),
        }
    }

    /// Sends a message until it is known what became of it.
    ///
    /// It names the message that it follows. Once another follows that one, it can never come itself:
    /// so what the log has there tells for certain whether it came, however often it was sent.
    async fn send(&self, name: &str, decided: &Decided, deadline: Instant) -> Outcome {
        let id = fresh_id();
        self.expect(name, &id);
        let mut unheard = false;
        loop {
            let message = message(&id, decided.text.clone());
            let sent = self.log.put(self.log.subjects.log(name), decided.after, message);
            // Not for longer than it takes to notice that the connection is gone.
            let patience = deadline.min(Instant::now() + ACKNOWLEDGED_WITHIN);
            let lost = match timeout_at(patience, sent).await {
                Ok(Ok(log)) => {
                    self.acknowledged(name, log, &id, decided);
                    return Outcome::Newest;
                }
                Ok(Err(lost)) => lost,
                Err(_) => Lost::Unheard,
            };
            match lost {
                Lost::Passed if unheard => return self.look(name, &id, decided, deadline).await,
                Lost::Passed => return self.catch_up(name, decided.after, deadline).await,
                Lost::Refused(failure) if !unheard => return Outcome::Failed(failure),
                Lost::NotTaken(failure) if !unheard && Instant::now() >= deadline => {
                    return Outcome::Failed(failure);
                }
                Lost::NotTaken(_) => {}
                Lost::Refused(_) | Lost::Unheard => unheard = true,
            }
            match self.arrived(name, &id) {
                Some(true) => return Outcome::Newest,
                Some(false) => return Outcome::Passed,
                None if Instant::now() >= deadline => return Outcome::Undecided,
                None => sleep(PAUSE).await,
            }
        }
    }

    /// Waits until the log shows what follows, and whether it is the message of this id.
    async fn look(&self, name: &str, id: &str, decided: &Decided, deadline: Instant) -> Outcome {
        match self.catch_up(name, decided.after, deadline).await {
            Outcome::Passed if self.arrived(name, id) == Some(true) => Outcome::Newest,
            // Read anew, past the place: nobody saw.
            Outcome::Passed if self.arrived(name, id).is_none() => Outcome::Undecided,
            Outcome::Passed => Outcome::Passed,
            _ => Outcome::Undecided,
        }
    }

    /// Waits until more of the topic is known than up to a message.
    async fn catch_up(&self, name: &str, after: u64, deadline: Instant) -> Outcome {
        let mut progress = self.progress.subscribe();
        while self.topics().get(name).map_or(0, |topic| topic.log) == after {
            if !matches!(timeout_at(deadline, progress.changed()).await, Ok(Ok(()))) {
                return Outcome::Failed(unavailable("others' transactions are not to be had"));
            }
        }
        Outcome::Passed
    }

    fn expect(&self, name: &str, id: &str) {
        if let Some(topic) = self.topics().get_mut(name) {
            topic.sends(id);
        }
    }

    fn arrived(&self, name: &str, id: &str) -> Option<bool> {
        self.topics().get(name).and_then(|topic| topic.arrived(id))
    }

    /// Takes the message over, unless it has been read from the log already.
    fn acknowledged(&self, name: &str, log: u64, id: &str, decided: &Decided) {
        self.has_seen(log);
        let Decided { after, epoch, records, .. } = decided;
        let batch = Batch {
            topic: name.to_owned(),
            epoch: epoch.clone(),
            after: *after,
            records: records.clone(),
        };
        let mut topics = self.topics();
        let topic = topics.entry(name.to_owned());
        let topic = topic.or_insert_with(|| Topic::new(epoch.clone(), self.log.options.retention));
        topic.take(log, Some(id), batch);
    }
}

fn fail(waiting: Vec<Pending>, failure: &Failure) {
    for pending in waiting {
        let _ = pending.reply.send(Err(failure.clone().into()));
    }
}

/// What became of a message.
#[derive(Debug)]
enum Outcome {
    /// What was decided holds, and is in the log.
    Newest,
    /// Others were first: decide again.
    Passed,
    /// Nothing happened, and nothing will.
    Failed(Failure),
    /// It may be in the log.
    Undecided,
}

/// A message under an id, by which NATS knows it when it comes again.
pub(super) fn message(id: &str, text: Vec<u8>) -> PublishMessage {
    PublishMessage::build().message_id(id).payload(text.into())
}

/// An id that no other message has.
pub(super) fn fresh_id() -> String {
    let chance = RandomState::new().build_hasher().finish();
    format!("{}{chance:016x}", Epoch::fresh().as_str())
}

const MOST_AT_ONCE: usize = 1024;
/// More than the headers of our messages take.
const HEADERS: usize = 1024;
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);
