//! Suite `waiter`: the waits of a back-off without chance.
//!
//! Script: `{"suite":"waiter","min_failures","factor_ms","min_wait_ms","max_wait_ms","failures"}`.
//! Observed: `{"delays_ms":[…]}`, the wait after each of so many failures.

use core::time::Duration;

use highwater_core::{Backoff, Forgive, Jitter, Profile};
use serde_json::{Value, json};

use crate::subject::{array, same, scenarios, tags};
use crate::{Departures, Error, Outcome, Subject, Verdict};

const SUITE: &str = "waiter";

/// Runs every case.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for (at, case) in scenarios(SUITE, "cases")?.iter().enumerate() {
        let verdict = Verdict::of(check(subject, case));
        outcome.record(&format!("case {}", at + 1), tags(case), verdict, departures);
    }
    Ok(outcome)
}

fn check(subject: &mut dyn Subject, case: &Value) -> Result<(), Error> {
    let mut script = case.clone();
    script["suite"] = SUITE.into();
    script["failures"] = array(case, "delays_ms")?.len().into();
    let observed = subject.observe(&script)?;
    same("the waits", &observed["delays_ms"], &case["delays_ms"])
}

/// Runs a script on the core.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let number = |member: &str| {
        script[member].as_u64().ok_or_else(|| Error::new(format!("no number {member}")))
    };
    let millis = |member: &str| number(member).map(Duration::from_millis);
    let mut backoff = Backoff::new(Profile {
        min_failures: u32::try_from(number("min_failures")?).unwrap_or(u32::MAX),
        factor: millis("factor_ms")?,
        min: millis("min_wait_ms")?,
        max: millis("max_wait_ms")?,
        jitter: Jitter::None,
        forgive: Forgive::Update,
    });
    let delays = (0..number("failures")?)
        .map(|_| u64::try_from(backoff.fail(0).as_millis()).unwrap_or(u64::MAX));
    Ok(json!({ "delays_ms": delays.collect::<Vec<_>>() }))
}
