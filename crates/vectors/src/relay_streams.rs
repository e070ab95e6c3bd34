//! Suite `relay-streams`: the streams that SDKs open, byte for byte.
//!
//! Script: the scenario without what was recorded, each item's JSON as text. Observed:
//! `{"steps":[{"status"?,"bytes":{CLIENT:TEXT},"closed":[CLIENT…]}]}`.

mod native;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::subject::{array, same};
use crate::{Departures, Error, Outcome, Subject, Verdict, suite};

pub(crate) use native::observe;

const SUITE: &str = "relay-streams";

#[derive(Deserialize)]
struct File {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize, Serialize)]
struct Scenario {
    name: String,
    #[serde(default)]
    about: String,
    #[serde(default, skip_serializing)]
    tags: Vec<String>,
    #[serde(default)]
    heartbeat_ms: Option<u64>,
    #[serde(default)]
    max_conn_ms: Option<u64>,
    ops: Vec<Op>,
}

/// A step; what was recorded of it is no part of the script.
#[derive(Deserialize, Serialize)]
struct Op {
    #[serde(default, skip_serializing)]
    status: Option<u16>,
    #[serde(default, skip_serializing)]
    bytes: BTreeMap<String, String>,
    #[serde(default, skip_serializing)]
    closed: Vec<String>,
    #[serde(rename = "op")]
    name: String,
    #[serde(default)]
    env: Option<String>,
    #[serde(default)]
    client: Option<String>,
    #[serde(default)]
    stream: Option<String>,
    #[serde(default)]
    credential: Option<String>,
    #[serde(default)]
    credential_kind: Option<String>,
    #[serde(default)]
    initialized: Option<bool>,
    #[serde(default)]
    flags: Option<Vec<Item>>,
    #[serde(default)]
    segments: Option<Vec<Item>>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    item: Option<Item>,
    #[serde(default)]
    ms: Option<u64>,
}

#[derive(Deserialize, Serialize)]
struct Item {
    key: String,
    version: i64,
    #[serde(default, deserialize_with = "as_text")]
    data: Option<String>,
}

/// Runs every scenario.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for path in suite::files(SUITE)? {
        let File { scenarios } = suite::read(&path)?;
        for scenario in &scenarios {
            let verdict = Verdict::of(check(subject, scenario));
            // A recording says so in words of what is the original's own.
            let quirk = scenario.about.contains("quirk").then_some("upstream-quirk");
            let tags = scenario.tags.iter().map(String::as_str).chain(quirk);
            outcome.record(&scenario.name, tags, verdict, departures);
        }
    }
    Ok(outcome)
}

fn check(subject: &mut dyn Subject, scenario: &Scenario) -> Result<(), Error> {
    let mut script =
        serde_json::to_value(scenario).map_err(|error| Error::new(error.to_string()))?;
    script["suite"] = SUITE.into();
    let observed = subject.observe(&script)?;
    let observed = array(&observed, "steps")?;
    same("the number of steps", &observed.len().into(), &scenario.ops.len().into())?;
    for (at, (op, observed)) in scenario.ops.iter().zip(observed).enumerate() {
        let place = format!("step {at} ({})", op.name);
        if let Some(status) = op.status {
            same(&format!("{place}, status"), &observed["status"], &status.into())?;
        }
        let closed: Value = op.closed.iter().map(String::as_str).collect();
        same(&format!("{place}, closed"), &observed["closed"], &closed)?;
        let heard: Vec<_> = observed["bytes"].as_object().into_iter().flatten().collect();
        let clients: Value = heard.iter().map(|(client, _)| client.as_str()).collect();
        let recorded: Value = op.bytes.keys().map(String::as_str).collect();
        same(&format!("{place}, who hears something"), &clients, &recorded)?;
        for ((client, heard), recorded) in heard.into_iter().zip(op.bytes.values()) {
            let heard = heard.as_str().unwrap_or_default();
            if !are_same(heard, recorded) {
                let what = format!("{place}, {client}: {heard:?}, recorded {recorded:?}");
                return Err(Error::new(what));
            }
        }
    }
    Ok(())
}

/// Byte for byte; but of a put of several items, whose order is nobody's promise, the data as JSON.
fn are_same(heard: &str, recorded: &str) -> bool {
    const PUT: &str = "event: put\ndata: ";
    heard == recorded
        || heard.split_inclusive('\n').count() == recorded.split_inclusive('\n').count()
            && heard.split("\n\n").zip(recorded.split("\n\n")).all(|(heard, recorded)| {
                let data = |event: &str| event.strip_prefix(PUT).map(serde_json::from_str::<Value>);
                heard == recorded
                    || matches!((data(heard), data(recorded)), (Some(Ok(a)), Some(Ok(b))) if a == b)
            })
}

fn as_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let raw = Option::<Box<RawValue>>::deserialize(from)?;
    Ok(raw.map(|raw| raw.get().to_owned()))
}
