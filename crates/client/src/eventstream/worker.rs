//! What a worker does next: no I/O, no clock. Times count from whenever its caller began.

use core::time::Duration;

use highwater_core::{Backoff, Forgive, Jitter, Profile};

use super::batch::{Answer, Command, Delivery};

/// Is told what happened, and says what to do; and with [`wake_at`](Self::wake_at) when to be
/// [woken](Self::woken).
#[derive(Debug)]
pub(super) struct Worker {
    name: Box<str>,
    progress: Duration,
    backoff: Backoff,
    random: u64,
    phase: Phase,
    /// The number of the connection, or of the one that is tried next.
    connection: u64,
    /// Batches of this connection that wait for an answer.
    unanswered: Vec<u64>,
    progress_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting(Duration),
    Connecting,
    Open,
}

/// What is to be done, in order.
#[derive(Debug)]
pub(super) enum Effect {
    /// Make a connection; in the place of one that there may be.
    Connect,
    /// Send a text over it.
    Send(String),
    /// Hand this to the application.
    Deliver(Delivery),
    /// Tell the application of a fault.
    Report(String),
}

impl Worker {
    pub(super) fn new(
        name: Box<str>,
        progress: Duration,
        (first, longest): (Duration, Duration),
        seed: u64,
    ) -> Self {
        let profile = Profile {
            factor: first,
            max: longest,
            jitter: Jitter::Subtract(50), // not all at the same moment
            forgive: Forgive::Update,
            ..Profile::STANDARD
        };
        Self {
            name,
            progress,
            backoff: Backoff::new(profile),
            random: seed | 1,
            phase: Phase::Waiting(Duration::ZERO),
            connection: 1,
            unanswered: Vec::new(),
            progress_at: None,
        }
    }

    /// Which connection there is: answers to batches of others are for nobody.
    pub(super) fn connection(&self) -> u64 {
        self.connection
    }

    pub(super) fn wake_at(&self) -> Option<Duration> {
        match self.phase {
            Phase::Waiting(at) => Some(at),
            Phase::Connecting => None,
            Phase::Open => self.progress_at,
        }
    }

    pub(super) fn woken(&mut self, now: Duration) -> Vec<Effect> {
        match self.phase {
            Phase::Waiting(at) if at <= now => {
                self.phase = Phase::Connecting;
                vec![Effect::Connect]
            }
            Phase::Open if self.progress_at.is_some_and(|at| at <= now) => {
                self.progress_at = Some(now + self.progress);
                let name = &self.name;
                let command = |number| Command::answer(name, number, Answer::Progress).text();
                self.unanswered.iter().map(|&number| Effect::Send(command(number))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The connection is there.
    pub(super) fn opened(&mut self) -> Vec<Effect> {
        self.phase = Phase::Open;
        vec![Effect::Send(Command::start(&self.name).text())]
    }

    /// A message came.
    pub(super) fn heard(&mut self, now: Duration, text: &str) -> Vec<Effect> {
        match Delivery::read(self.connection, &self.name, text) {
            Ok(Some(delivery)) => {
                self.backoff.reset();
                if let Some(number) = delivery.number {
                    self.unanswered.push(number);
                    self.progress_at.get_or_insert(now + self.progress);
                }
                vec![Effect::Deliver(delivery)]
            }
            Ok(None) => Vec::new(),
            Err(error) => {
                vec![Effect::Report(format!("a message that is no batch: {error}"))]
            }
        }
    }

    /// The application answers for a batch: the first answer counts, over its own connection.
    pub(super) fn said(&mut self, connection: u64, number: u64, answer: Answer) -> Vec<Effect> {
        let place = self.unanswered.iter().position(|&other| other == number);
        let Some(place) = place.filter(|_| connection == self.connection) else {
            return Vec::new();
        };
        if answer != Answer::Progress {
            self.unanswered.remove(place);
        }
        if self.unanswered.is_empty() {
            self.progress_at = None;
        }
        vec![Effect::Send(Command::answer(&self.name, number, answer).text())]
    }

    /// There is no connection, or none any more: what came over it comes again.
    pub(super) fn lost(&mut self, now: Duration, why: &str) -> Vec<Effect> {
        self.connection += 1;
        self.unanswered.clear();
        self.progress_at = None;
        let chance = self.chance();
        let pause = self.backoff.fail(chance);
        self.phase = Phase::Waiting(now + pause);
        let (name, pause) = (&self.name, pause.as_millis());
        vec![Effect::Report(format!("event stream '{name}': {why}; again in {pause} ms"))]
    }

    /// xorshift: enough to not come back all at once.
    fn chance(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn worker() -> Worker {
        Worker::new("s".into(), at(100), (at(250), at(1000)), 7)
    }

    fn texts(effects: Vec<Effect>) -> Vec<String> {
        effects
            .into_iter()
            .map(|effect| match effect {
                Effect::Connect => "connect".into(),
                Effect::Send(text) => text,
                Effect::Deliver(delivery) => format!("deliver {:?}", delivery.number),
                Effect::Report(_) => "report".into(),
            })
            .collect()
    }

    const BATCH: &str = r#"{"type":"event_batch","stream":"s","batchNumber":3,"events":[{"sequenceId":"1","topic":"t"}]}"#;

    #[test]
    fn a_batch_is_said_to_be_worked_on_until_it_is_answered() {
        let mut worker = worker();
        assert_eq!(
            (worker.wake_at(), texts(worker.woken(at(0)))),
            (Some(at(0)), vec!["connect".into()])
        );
        assert_eq!(texts(worker.opened()), [r#"{"type":"start","stream":"s"}"#]);
        assert_eq!(worker.wake_at(), None);
        assert_eq!(texts(worker.heard(at(10), BATCH)), ["deliver Some(3)"]);
        assert_eq!(worker.wake_at(), Some(at(110)));
        assert_eq!(
            texts(worker.woken(at(110))),
            [r#"{"type":"progress","stream":"s","batchNumber":3}"#]
        );
        assert_eq!(worker.wake_at(), Some(at(210)));
        let refusal =
            super::super::Refusal { message: "no".into(), delay: Some(at(5)), event: Some(2) };
        let nack =
            r#"{"type":"nack","stream":"s","batchNumber":3,"message":"no","delay":5,"event":2}"#;
        assert_eq!(texts(worker.said(1, 3, Answer::Nack(refusal))), [nack]);
        assert_eq!(worker.wake_at(), None);
        assert!(worker.said(1, 3, Answer::Ack).is_empty(), "the first answer counts");
    }

    #[test]
    fn answers_do_not_outlive_their_connection_and_pauses_grow() {
        let mut worker = worker();
        worker.woken(at(0));
        worker.opened();
        worker.heard(at(0), BATCH);
        assert_eq!(texts(worker.lost(at(0), "gone")), ["report"]);
        assert!(worker.said(1, 3, Answer::Ack).is_empty());
        let mut pauses = Vec::new();
        let mut now = at(0);
        for _ in 0..5 {
            let wake = worker.wake_at().unwrap();
            pauses.push(wake.checked_sub(now).unwrap());
            now = wake;
            assert_eq!(texts(worker.woken(now)), ["connect"]);
            worker.lost(now, "refused");
        }
        for (pause, full) in pauses.into_iter().zip([250, 500, 1000, 1000, 1000]) {
            assert!(at(full / 2) <= pause && pause <= at(full), "{pause:?} of {full}");
        }
        // A batch of the next connection may have the same number.
        worker.woken(worker.wake_at().unwrap());
        worker.opened();
        worker.heard(now, BATCH);
        let connection = worker.connection();
        assert_eq!(
            texts(worker.said(connection, 3, Answer::Ack)),
            [r#"{"type":"ack","stream":"s","batchNumber":3}"#]
        );
    }

    #[test]
    fn what_is_no_batch_of_the_stream_is_passed_over() {
        let mut worker = worker();
        worker.woken(at(0));
        worker.opened();
        for text in [
            r#"{"type":"event_batch","stream":"other","batchNumber":1,"events":[]}"#,
            r#"{"type":"x"}"#,
            "{}",
        ] {
            assert!(worker.heard(at(0), text).is_empty(), "{text}");
        }
        for text in ["", "[]", r#"{"type":"event_batch","events":[{}]}"#] {
            assert_eq!(texts(worker.heard(at(0), text)), ["report"], "{text}");
        }
        let broadcast = r#"{"stream":"","type":"event_batch","events":[]}"#;
        assert_eq!(texts(worker.heard(at(0), broadcast)), ["deliver None"]);
    }
}
