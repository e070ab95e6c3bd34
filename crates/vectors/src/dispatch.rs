//! Suite `dispatch`: one event stream, its manager and its storage, in virtual time.
//!
//! Script: `{"suite":"dispatch","config","given"}`. Observed: lists as those that are expected, what
//! came of errors as their code alone.

mod model;
mod source;
mod world;

use serde_json::{Value, json};

use crate::subject::{array, same, scenarios, text};
use crate::{Departures, Error, Outcome, Subject, Verdict};

const SUITE: &str = "dispatch";

/// Runs every vector.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for vector in scenarios(SUITE, "vectors")? {
        let verdict = Verdict::of(check(subject, &vector));
        outcome.record(text(&vector, "id")?, tag(&vector), verdict, departures);
    }
    Ok(outcome)
}

/// Runs a script on the native manager.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| Error::new(format!("no runtime: {error}")))?;
    runtime.block_on(world::observe(script))
}

fn check(subject: &mut dyn Subject, vector: &Value) -> Result<(), Error> {
    let observed = subject.observe(
        &json!({ "suite": SUITE, "config": vector["config"], "given": vector["given"] }),
    )?;
    for list in ["source", "dispatches", "checkpointWrites", "operations", "snapshots"] {
        let mut expected = array(&vector["expect"], list)?.to_vec();
        expected.iter_mut().for_each(codes);
        let observed = array(&observed, list)?;
        same(&format!("the number of {list}"), &observed.len().into(), &expected.len().into())
            .map_err(|error| Error::new(format!("{error}: {}", json!(observed))))?;
        for (at, (observed, expected)) in observed.iter().zip(&expected).enumerate() {
            same(&format!("{list} {at}"), observed, expected)?;
        }
    }
    Ok(())
}

/// A vector is a quirk if it is marked as one. An attempt that begins when the stream has been told
/// to stop is the defect of `L03` wherever it was recorded: a stop that waits out a pause.
fn tag(vector: &Value) -> Option<&str> {
    let attempts = vector["expect"]["dispatches"].as_array().into_iter().flatten();
    let late = attempts.into_iter().any(|attempt| attempt["contextAlreadyCancelled"] == true);
    (vector["upstreamQuirk"] == true || late).then_some("upstreamQuirk")
}

/// Leaves of each error its code.
fn codes(entry: &mut Value) {
    if let Some(code) = entry["error"].as_str().and_then(|error| error.get(..7)) {
        entry["error"] = code.into();
    } else if entry["error"].is_null()
        && let Some(entry) = entry.as_object_mut()
        && !entry.contains_key("op")
    {
        entry.remove("error"); // looked for, and not there
    }
}
