//! Suite `receiver`: operations on one message receiver, and what each does.
//!
//! Script: `{"suite":"receiver","ops":[…]}`, the operations as recorded but with versions as
//! strings. Observed: `{"results":[…],"final":{ID:{"version","tombstone","item"?}}}`, a result
//! being an action's word or, of purge and retain, `{"ids":[…],"saw":[…]}`, both sorted.

use std::fs;
use std::io::{BufRead, BufReader};

use highwater_core::{Action, Known, MessageReceiver};
use serde_json::{Map, Value, json};

use crate::subject::{array, same, scenarios, tags, text};
use crate::{Departures, Error, Outcome, Subject, Verdict, locate};

const SUITE: &str = "receiver";

/// Runs every scenario, and every line of `exhaustive.txt` where there is one.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for scenario in scenarios(SUITE, "scenarios")? {
        let verdict = Verdict::of(check(subject, &scenario));
        outcome.record(text(&scenario, "name")?, tags(&scenario), verdict, departures);
    }
    let path = locate(SUITE)?.join("exhaustive.txt");
    if let Ok(file) = fs::File::open(&path) {
        let mut lines = BufReader::new(file).lines();
        lines.next(); // the legend
        for line in lines {
            let line = line.map_err(|error| Error::unreadable(&path, &error))?;
            if line.trim().is_empty() {
                continue;
            }
            let verdict = Verdict::of(exhaustive(&line).and_then(|one| check(subject, &one)));
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

/// A line `OPS|ACTIONS|FINAL` of `exhaustive.txt` as a scenario.
///
/// An operation is a letter (upsert, delete, forget) with a version, an action the first letter
/// of its word, the final entry `L` or `T` with a version, or anything else for "unknown".
fn exhaustive(line: &str) -> Result<Value, Error> {
    let bad = |what: &str| Error::new(format!("{what} in OPS|ACTIONS|FINAL: {line}"));
    let [ops, actions, last] = line.split('|').collect::<Vec<_>>()[..] else {
        return Err(bad("not three parts"));
    };
    let (ops, actions) = (tokens(ops), words(actions));
    let mut scenario = Vec::new();
    if ops.len() != actions.len() {
        return Err(bad("not as many actions as operations"));
    }
    for ((op, version), action) in ops.iter().zip(actions) {
        let expect = match action.to_ascii_lowercase() {
            'i' => "insert",
            'u' => "updated",
            'd' => "delete",
            'n' | '-' | '.' => "noop",
            _ => return Err(bad("an unknown action")),
        };
        scenario.push(match op.to_ascii_lowercase() {
            'u' => json!({
                "op": "upsert", "id": "a", "version": version, "item": format!("a@{version}"),
                "expect": expect,
            }),
            'd' => json!({ "op": "delete", "id": "a", "version": version, "expect": expect }),
            'f' => json!({ "op": "forget", "id": "a", "expect": expect }),
            _ => return Err(bad("an unknown operation")),
        });
    }
    let last = match tokens(last)[..] {
        [('L' | 'l', ref version), ..] => json!({ "a": {
            "version": version, "tombstone": false, "item": format!("a@{version}"),
        }}),
        [('T' | 't', ref version), ..] => {
            json!({ "a": { "version": version, "tombstone": true } })
        }
        _ => json!({}),
    };
    Ok(json!({ "name": line, "ops": scenario, "final": last }))
}

/// Letters, each with the number that follows it.
fn tokens(text: &str) -> Vec<(char, String)> {
    let mut tokens: Vec<(char, String)> = Vec::new();
    for c in text.chars() {
        match tokens.last_mut() {
            Some((_, number)) if c.is_ascii_digit() || c == '-' && number.is_empty() => {
                number.push(c);
            }
            _ if c.is_ascii_alphabetic() => {
                tokens.push((c, String::new()));
            }
            _ => {}
        }
    }
    tokens
}

/// The first letters of words, or all letters where they stand without space between.
fn words(text: &str) -> Vec<char> {
    let words: Vec<&str> = text.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    match words[..] {
        [one] if !["insert", "updated", "delete", "noop"].contains(&one) => one.chars().collect(),
        _ => words.iter().filter_map(|word| word.chars().next()).collect(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Native;

    #[test]
    fn lines_of_the_exhaustive_list_are_run() {
        for line in ["u1 d2 u1 u3|i d n i|L3", "u1u1d2d2f|indnn|U", "d-1,u-1|n,n|T-1"] {
            let scenario = exhaustive(line).unwrap();
            check(&mut Native, &scenario).unwrap();
        }
        assert!(check(&mut Native, &exhaustive("u1 u1|i i|L1").unwrap()).is_err());
        assert!(check(&mut Native, &exhaustive("u1 d2|i d|L1").unwrap()).is_err());
        assert!(exhaustive("u1|i").is_err());
        assert!(exhaustive("u1|i i|L1").is_err());
    }
}
