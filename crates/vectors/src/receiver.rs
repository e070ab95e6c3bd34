//! Suite `receiver`: operations on one message receiver, and what each does.
//!
//! Script: `{"suite":"receiver","ops":[…]}`, the operations as recorded but with versions as
//! strings. Observed: `{"results":[…],"final":{ID:{"version","tombstone","item"?}}}`, a result
//! being an action's word or, of purge and retain, `{"ids":[…],"saw":[…]}`, both sorted.

mod exhaustive;

use std::fs;
use std::io::{BufRead, BufReader};

use highwater_core::{Action, Known, MessageReceiver};
use serde_json::{Map, Value, json};

use self::exhaustive::Legend;
use crate::subject::{array, each, same, text};
use crate::{Departures, Error, Outcome, Subject, Verdict, locate};

const SUITE: &str = "receiver";

/// Runs every scenario, and every line of `exhaustive.txt` where there is one.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = each(SUITE, "name", runner, subject, departures, check)?;
    let path = locate(SUITE)?.join("exhaustive.txt");
    if let Ok(file) = fs::File::open(&path) {
        let mut lines = BufReader::new(file).lines();
        let mut next = || lines.next().transpose().map_err(|e| Error::unreadable(&path, &e));
        let legend = Legend::of(&next()?.unwrap_or_default());
        while let Some(line) = next()? {
            if line.trim().is_empty() {
                continue;
            }
            let scenario = legend.scenario(&line);
            let verdict = Verdict::of(scenario.and_then(|scenario| check(subject, &scenario)));
            outcome.record(&line, [], verdict, departures);
        }
    }
    Ok(outcome)
}

fn check(subject: &mut dyn Subject, scenario: &Value) -> Result<(), Error> {
    let ops = array(scenario, "ops")?;
    let script: Vec<Value> = ops.iter().map(exact).collect();
    let observed = subject.observe(&json!({ "suite": SUITE, "ops": script }))?;
    let results = array(&observed, "results")?;
    same("the number of results", &results.len().into(), &ops.len().into())?;
    for (at, (op, result)) in ops.iter().zip(results).enumerate() {
        let place = format!("operation {at} ({op})");
        if op["expect"].is_null() {
            same(&place, &result["ids"], &op["expect_ids"])?;
            if !op["predicate_saw"].is_null() {
                same(&format!("{place}, ids asked about"), &result["saw"], &op["predicate_saw"])?;
            }
        } else {
            same(&place, result, &op["expect"])?;
        }
    }
    let recorded = scenario["final"].as_object().cloned().unwrap_or_default();
    let recorded: Map<_, _> =
        recorded.iter().map(|(id, entry)| (id.clone(), exact(entry))).collect();
    same("the final table", &observed["final"], &Value::Object(recorded))
}

/// The same object with its version as a string, which no number of JavaScript can spoil.
fn exact(object: &Value) -> Value {
    let mut object = object.clone();
    if object["version"].is_number() {
        object["version"] = object["version"].to_string().into();
    }
    object
}

/// Runs a script on the core.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let mut receiver = MessageReceiver::new();
    let mut results = Vec::new();
    for op in array(script, "ops")? {
        let id = || text(op, "id");
        let version = || {
            let digits = text(op, "version")?;
            digits.parse().map_err(|_| Error::new(format!("not a version: {digits}")))
        };
        let action = |action: Action| Value::from(action.as_str());
        results.push(match text(op, "op")? {
            "upsert" => action(receiver.upsert(id()?, op["item"].clone(), version()?)),
            "delete" => action(receiver.delete(id()?, version()?)),
            "forget" => action(receiver.forget(id()?)),
            which => {
                let listed = array(op, "ids")?;
                let mut saw = Vec::new();
                let mut is_listed = |id: &str| {
                    saw.push(id.to_owned());
                    listed.iter().any(|listed| listed == id)
                };
                let ids = if which == "purge" {
                    receiver.purge(&mut is_listed)
                } else {
                    receiver.retain(&mut is_listed)
                };
                saw.sort();
                json!({ "ids": ids, "saw": saw })
            }
        });
    }
    let table = receiver.iter().map(|(id, known, item)| {
        let version = known.version().unwrap_or_default().to_string();
        let mut entry =
            json!({ "version": version, "tombstone": matches!(known, Known::Tombstone(_)) });
        if let Some(item) = item {
            entry["item"] = item.clone();
        }
        (id.to_owned(), entry)
    });
    Ok(json!({ "results": results, "final": table.collect::<Map<_, _>>() }))
}
