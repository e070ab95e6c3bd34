//! Named cases; chance is in `tests/machine.rs`.

use super::*;
use crate::dispatch::Failure;
use crate::duration::Period;

fn events(ids: core::ops::RangeInclusive<u32>) -> Vec<Event> {
    ids.map(|id| Event::new("t", &format!("{id:04}"), "{}").unwrap()).collect()
}

struct World {
    machine: Machine,
    now: Timestamp,
}

impl World {
    fn new(settings: Settings) -> Self {
        let now = Timestamp::from_nanos(0);
        let mut machine = Machine::new(Settings { asynchronous: false, ..settings }, now);
        machine.handle(now, Input::Read(Ok(None)));
        let mut world = Self { machine, now };
        world.told();
        world
    }

    fn hear(&mut self, input: Input) -> Vec<String> {
        self.machine.handle(self.now, input);
        self.told()
    }

    fn wait(&mut self, millis: i64) -> Vec<String> {
        self.now = self.now.after(Period::from_millis(millis).wait());
        self.hear(Input::Wake)
    }

    fn fail(&mut self, retry_after: Option<Duration>, event: Option<usize>) -> Vec<String> {
        let error = Error::Nack("no".into());
        self.hear(Input::Attempted(Outcome::Failed(Failure { error, retry_after, event })))
    }

    fn told(&mut self) -> Vec<String> {
        let told = core::iter::from_fn(|| self.machine.poll());
        let ids = |batch: &Batch| {
            let ids: Vec<_> = batch.events().iter().map(|event| &**event.sequence_id()).collect();
            ids.join(" ")
        };
        told.filter(|effect| *effect != Effect::Accepted)
            .map(|effect| match effect {
                Effect::Attempt { number, batch } => format!("attempt {number}: {}", ids(&batch)),
                Effect::Park { batch } => format!("park {}", ids(&batch)),
                Effect::Store { position } => format!("store {position}"),
                other => format!("{other:?}"),
            })
            .collect()
    }
}

fn small() -> Settings {
    let [retry_timeout, blocked_retry_delay] = [1_000, 5_000].map(Period::from_millis);
    Settings { batch_size: 3, retry_timeout, blocked_retry_delay, ..Settings::default() }
}

#[test]
fn events_before_the_one_that_failed_are_done_with() {
    let mut world = World::new(small());
    assert_eq!(world.hear(Input::Offered(events(1..=3))), ["attempt 0: 0001 0002 0003"]);
    assert_eq!(world.fail(None, Some(1)), ["store 0001"]);
    assert_eq!(world.wait(250), ["attempt 1: 0002 0003"]);
    // The pauses of what is left have begun anew, and so has its time.
    assert_eq!(world.fail(None, Some(1)), [""; 0]);
    assert_eq!(world.hear(Input::Stored(Ok(()))), ["store 0002"]);
    assert_eq!(world.wait(250), ["attempt 1: 0003"]);
    assert_eq!(world.hear(Input::Stored(Ok(()))), [""; 0]);
    assert_eq!(world.hear(Input::Attempted(Outcome::Delivered)), ["store 0003"]);
}

#[test]
fn only_the_event_that_fails_is_given_up_and_parked() {
    let skip = ErrorHandling::Skip;
    let mut world = World::new(Settings { error_handling: skip, park: true, ..small() });
    world.hear(Input::Offered(events(1..=3)));
    world.now = world.now.after(Duration::from_secs(1));
    assert_eq!(world.fail(None, Some(0)), ["park 0001"]);
    // Where it goes is away for a while.
    assert_eq!(world.hear(Input::Parked(Err(Error::Cancelled))), [""; 0]);
    assert_eq!(world.machine.statistics().last_dispatch_status, DispatchStatus::Blocked);
    assert_eq!(world.wait(250), ["park 0001"]);
    assert_eq!(world.hear(Input::Parked(Ok(()))), ["attempt 0: 0002 0003", "store 0001"]);
    assert_eq!(world.hear(Input::Stored(Ok(()))), [""; 0]);
    assert_eq!(world.hear(Input::Attempted(Outcome::Delivered)), ["store 0003"]);
}

#[test]
fn a_receiver_says_when_it_wants_to_be_asked_again() {
    let mut world = World::new(small());
    world.hear(Input::Offered(events(1..=3)));
    assert_eq!(world.fail(Some(Duration::from_millis(700)), None), [""; 0]);
    assert_eq!(world.wait(699), [""; 0]);
    assert_eq!(world.wait(1), ["attempt 1: 0001 0002 0003"]);
    world.now = world.now.after(Duration::from_secs(1));
    assert_eq!(world.fail(Some(Duration::MAX), None), [""; 0]);
    assert_eq!(world.machine.statistics().last_dispatch_status, DispatchStatus::Blocked);
    assert_eq!(world.machine.wake_at(), Some(world.now.after(LONGEST_ASKED)));
}

#[test]
fn stopping_interrupts_a_pause_and_gives_nothing_up() {
    let mut world = World::new(Settings { error_handling: ErrorHandling::Skip, ..small() });
    world.hear(Input::Offered(events(1..=3)));
    world.fail(None, None);
    assert_eq!(world.hear(Input::Cancel), ["Stopped"]);

    let mut world = World::new(Settings { error_handling: ErrorHandling::Skip, ..small() });
    world.hear(Input::Offered(events(1..=3)));
    world.now = world.now.after(Duration::from_mins(1));
    assert_eq!(world.hear(Input::Cancel), [""; 0]);
    assert_eq!(world.fail(None, None), ["Stopped"]);
    assert_eq!(world.machine.wake_at(), None);
}

#[test]
fn a_source_that_ends_is_run_again_from_the_checkpoint_when_nothing_is_under_way() {
    let mut world = World::new(small());
    world.hear(Input::Offered(events(1..=5)));
    assert_eq!(world.hear(Input::SourceEnded), [""; 0]);
    assert_eq!(world.wait(10_000), [""; 0]); // the batch is still on its way
    assert_eq!(world.hear(Input::Attempted(Outcome::Delivered)), ["store 0003"]);
    let run = r#"Run { position: "0003", since: None }"#;
    assert_eq!(world.hear(Input::Stored(Ok(()))), [run]);
    // 4 and 5 come again.
    assert_eq!(world.hear(Input::Offered(events(4..=6))), ["attempt 0: 0004 0005 0006"]);
}

#[test]
fn what_was_not_asked_for_is_not_heard() {
    let mut world = World::new(small());
    assert_eq!(world.hear(Input::Attempted(Outcome::Delivered)), [""; 0]);
    assert_eq!(world.hear(Input::Stored(Ok(()))), [""; 0]);
    assert_eq!(world.hear(Input::Parked(Ok(()))), [""; 0]);
    assert_eq!(world.machine.statistics(), Statistics::default());
}
