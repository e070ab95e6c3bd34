//! Suite `autoconfig`: the recorded connections of suite `streams`, through the relay: its stream
//! manager, then the router of projects.
//!
//! Script: `{"suite":"autoconfig","connections":[{"status","chunks":[BASE64],"closes"}]}`. Observed:
//! `{"requests","connections":[{"chunks":[{"calls","actions"}],"dropped"}],"environments",
//! "env_receiver","filter_receiver","ready"}`, each as the recordings have it; `requests` is their number.

mod native;

use serde_json::{Value, json};

use crate::streams::{AUTOCONFIG, script, sorted};
use crate::subject::{array, same, tags, text};
use crate::{Departures, Error, Outcome, Subject, Verdict, suite};

pub(crate) use native::observe;

const SUITE: &str = "autoconfig";

/// Runs every transcript of auto-config, and those that say what we do where we depart from one.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for path in suite::files("streams")?.into_iter().chain(suite::own_files(SUITE)?) {
        let transcript: Value = suite::read(&path)?;
        if text(&transcript, "kind")? != AUTOCONFIG {
            continue;
        }
        let body = |name: &str| suite::bytes(&path.with_file_name(name));
        let verdict = Verdict::of(check(subject, &transcript, &body));
        outcome.record(text(&transcript, "name")?, tags(&transcript), verdict, departures);
    }
    Ok(outcome)
}

fn check(
    subject: &mut dyn Subject,
    transcript: &Value,
    body: &dyn Fn(&str) -> Result<Vec<u8>, Error>,
) -> Result<(), Error> {
    let recorded = array(transcript, "connections")?;
    let scripts = recorded.iter().map(|connection| script(connection, body));
    let observed = subject.observe(&json!({
        "suite": SUITE,
        "connections": scripts.collect::<Result<Vec<_>, _>>()?,
    }))?;
    let requests = array(transcript, "requests")?.len();
    same("the number of requests", &observed["requests"], &requests.into())?;
    let connections = array(&observed, "connections")?;
    same("the number of connections", &connections.len().into(), &recorded.len().into())?;
    for (at, (connection, ran)) in recorded.iter().zip(connections).enumerate() {
        let steps = connection["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let chunks = array(ran, "chunks")?;
        let pieces = format!("the number of pieces of connection {at}");
        same(&pieces, &chunks.len().into(), &steps.len().into())?;
        for (step, (wanted, chunk)) in steps.iter().zip(chunks).enumerate() {
            let place = |what: &str| format!("connection {at}, piece {step}, {what}");
            let calls = |step: &Value| Ok(sorted(array(step, "calls")?.to_vec()));
            same(&place("calls"), &calls(chunk)?, &calls(wanted)?)?;
            if wanted.get("actions").is_some() {
                let actions =
                    |step: &Value| Ok::<_, Error>(by_environment(array(step, "actions")?));
                same(&place("actions"), &actions(chunk)?, &actions(wanted)?)?;
            }
        }
        let drop = connection["after"] == "client must drop the connection";
        same(&format!("whether connection {at} was dropped"), &ran["dropped"], &drop.into())?;
    }
    for member in ["env_receiver", "filter_receiver", "environments"] {
        if let Some(wanted) = transcript["final"].get(member) {
            same(member, &observed[member], wanted)?;
        }
    }
    let ready = transcript["ready"] == "ok";
    same("whether it became ready", &observed["ready"], &ready.into())
}

/// The actions of a piece in one order: the original's own within a put is that of a hash map.
fn by_environment(actions: &[Value]) -> Value {
    let mut actions = actions.to_vec();
    actions.sort_by_key(|action| (action["act"].to_string(), action["env"].to_string()));
    actions.into()
}
