use super::*;
use crate::event::Event;

const A: Connection = Connection(1);
const B: Connection = Connection(2);
const LOAD_BALANCE: Delivery = Delivery::LoadBalance {
    answers_from_any: false,
    numbered: false,
    timeout: Duration::from_secs(10),
};

struct World {
    trips: RoundTrips,
    now: Duration,
}

impl World {
    fn new() -> Self {
        let limits = Limits { streams: 2, queue: 200, patience: Duration::from_secs(1) };
        let mut world = Self { trips: RoundTrips::new(limits), now: Duration::ZERO };
        world.trips.connected(A);
        world.trips.connected(B);
        world
    }

    fn say(&mut self, connection: Connection, verb: Verb) -> Vec<String> {
        let command = Command { stream: "s".into(), verb };
        self.trips.heard(self.now, connection, command);
        self.told()
    }

    fn attempt(&mut self, delivery: Delivery) -> (AttemptId, Vec<String>) {
        let batch = Batch::new(vec![Event::new("t", "1", "{}").unwrap()]);
        let id = self.trips.attempt(self.now, RoundTrip { stream: "s".into(), batch, delivery });
        (id, self.told())
    }

    fn told(&mut self) -> Vec<String> {
        let told = core::iter::from_fn(|| self.trips.poll());
        let shown = |effect| match effect {
            RoundTripEffect::Send { to, text, .. } => {
                let message: serde_json::Value = serde_json::from_str(&text).unwrap();
                let to: Vec<_> = to.iter().map(|connection| connection.0).collect();
                Some(format!("send {} to {to:?}", message["batchNumber"]))
            }
            RoundTripEffect::Done { outcome: Outcome::Delivered, .. } => Some("delivered".into()),
            RoundTripEffect::Done { outcome: Outcome::Failed(failure), .. } => {
                Some(failure.error.code().into())
            }
            RoundTripEffect::Close(connection) => Some(format!("close {}", connection.0)),
            RoundTripEffect::Deadline { .. } => None,
        };
        told.filter_map(shown).collect()
    }
}

const ACK: Verb = Verb::Ack(None);

fn nack() -> Verb {
    Verb::Nack { number: None, message: "no".into(), delay: None, event: None }
}

#[test]
fn a_batch_waits_for_a_client_and_then_for_its_answer() {
    let mut world = World::new();
    assert_eq!(world.attempt(LOAD_BALANCE).1, [""; 0]);
    assert_eq!(world.say(A, Verb::Start), ["send 1 to [1]"]);
    assert_eq!(world.say(A, Verb::Start), [""; 0]);
    assert_eq!(world.say(A, Verb::Ack(Some(2))), [""; 0]);
    assert_eq!(world.say(A, ACK), ["delivered"]);
    // Twice is not an answer to the next one, nor to nothing.
    assert_eq!(world.say(A, ACK), [""; 0]);
    assert_eq!(world.attempt(LOAD_BALANCE).1, ["send 2 to [1]"]);
    assert_eq!(world.say(A, Verb::Ack(Some(1))), [""; 0]);
    assert_eq!(world.say(A, nack()), ["FF00227"]);
}

#[test]
fn each_batch_goes_to_the_next_client() {
    let mut world = World::new();
    world.say(A, Verb::Start);
    world.say(B, Verb::Start);
    assert_eq!(world.attempt(LOAD_BALANCE).1, ["send 1 to [1]"]);
    assert_eq!(world.say(B, ACK), [""; 0]); // a stranger to this batch
    assert_eq!(world.say(A, ACK), ["delivered"]);
    assert_eq!(world.attempt(LOAD_BALANCE).1, ["send 2 to [2]"]);
    world.trips.closed(world.now, B);
    assert_eq!(world.told(), ["FF00228"]);
    assert_eq!(world.attempt(LOAD_BALANCE).1, ["send 3 to [1]"]);
    assert_eq!(world.say(A, Verb::Stop), ["FF00228"]);
    assert_eq!(world.attempt(LOAD_BALANCE).1, [""; 0]);
}

#[test]
fn anybody_may_answer_where_a_stream_allows_it_and_nobody_without_a_number_where_it_asks_for_one() {
    let mut world = World::new();
    world.say(A, Verb::Start);
    let timeout = Duration::from_secs(10);
    let delivery = Delivery::LoadBalance { answers_from_any: true, numbered: true, timeout };
    world.attempt(delivery);
    assert_eq!(world.say(B, ACK), [""; 0]);
    assert_eq!(world.say(B, Verb::Ack(Some(1))), ["delivered"]);
}

#[test]
fn a_client_that_is_at_it_gets_more_time() {
    let mut world = World::new();
    world.say(A, Verb::Start);
    let (attempt, _) = world.attempt(LOAD_BALANCE);
    world.now = Duration::from_secs(9);
    world.say(A, Verb::Progress(Some(1)));
    world.now = Duration::from_secs(18);
    world.trips.expire(world.now, attempt);
    assert_eq!(world.told(), [""; 0]);
    world.now = Duration::from_secs(19);
    world.trips.expire(world.now, attempt);
    assert_eq!(world.told(), ["FF00244"]);
    assert_eq!(world.say(A, ACK), [""; 0]);
}

#[test]
fn a_stream_has_one_batch_in_flight_and_one_that_is_given_up_is_not_answered() {
    let mut world = World::new();
    world.say(A, Verb::Start);
    let (attempt, _) = world.attempt(LOAD_BALANCE);
    assert_eq!(world.attempt(LOAD_BALANCE).1, ["FF00243"]);
    world.trips.cancel(attempt);
    assert_eq!(world.say(A, Verb::Ack(Some(1))), [""; 0]);
    assert_eq!(world.attempt(LOAD_BALANCE).1, ["send 2 to [1]"]);
}

#[test]
fn a_client_that_takes_nothing_is_passed_over_or_closed() {
    let mut world = World::new();
    world.say(A, Verb::Start);
    let (attempt, _) = world.attempt(LOAD_BALANCE);
    world.trips.cancel(attempt);
    world.now = Duration::from_secs(1);
    // Nothing was written to A since: the next one waits for somebody who reads.
    assert_eq!(world.attempt(LOAD_BALANCE).1, [""; 0]);
    assert_eq!(world.say(B, Verb::Start), ["send 2 to [2]"]);
    world.say(B, ACK);
    world.trips.sent(world.now, B, 1_000);
    world.trips.sent(world.now, A, 1_000);
    assert_eq!(world.attempt(LOAD_BALANCE).1, ["send 3 to [1]"]);
    world.trips.cancel(AttemptId(3));

    let broadcast = Delivery::Broadcast { named: false };
    world.trips.sent(world.now, A, 1_000);
    assert_eq!(world.attempt(broadcast).1, ["send null to [1, 2]", "delivered"]);
    world.trips.sent(world.now, B, 1_000);
    assert_eq!(world.attempt(broadcast).1, ["send null to [1, 2]", "delivered"]);
    world.trips.sent(world.now, B, 1_000);
    assert_eq!(world.attempt(broadcast).1, ["send null to [2]", "close 1", "delivered"]);
}

#[test]
fn names_that_nobody_needs_are_forgotten_and_a_client_has_so_many() {
    let mut world = World::new();
    for name in ["a", "b", "c"] {
        let command = Command { stream: name.into(), verb: Verb::Start };
        world.trips.heard(world.now, A, command);
    }
    assert_eq!(world.told(), ["close 1"]);
    let command = Command { stream: "x".repeat(65).into(), verb: Verb::Start };
    world.trips.heard(world.now, B, command);
    assert_eq!((world.told(), world.trips.streams.len()), (vec![], 2));
    world.trips.closed(world.now, A);
    assert!(world.trips.streams.is_empty());
}
