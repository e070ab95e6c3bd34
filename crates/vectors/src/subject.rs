//! Whoever runs a script: the core in this process, or the wasm package in another.

use serde_json::Value;

use crate::{Departures, Error, Outcome, Verdict, suite};

/// A client under test.
///
/// It is given a script, a JSON object whose member `suite` says what to do (the modules of the
/// suites write down what they ask), and answers with what it observed.
pub trait Subject {
    /// Runs a script and returns what was observed.
    fn observe(&mut self, script: &Value) -> Result<Value, Error>;

    /// Whether it has blocking queries, as the native client does.
    fn has_queries(&self) -> bool {
        false
    }
}

/// Runs every scenario of a suite, each under the name that it has in this member.
pub(crate) fn each(
    suite: &str,
    member: &str,
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
    check: impl Fn(&mut dyn Subject, &Value) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(suite, runner);
    for scenario in scenarios(suite, "scenarios")? {
        let verdict = Verdict::of(check(subject, &scenario));
        outcome.record(text(&scenario, member)?, tags(&scenario), verdict, departures);
    }
    Ok(outcome)
}

/// Steps without what is expected of them.
pub(crate) fn unjudged(steps: &[Value]) -> Value {
    let script = steps.iter().cloned().map(|mut step| {
        step.as_object_mut().and_then(|step| step.remove("expect"));
        step
    });
    script.collect()
}

/// What was observed at each step, beside the step.
pub(crate) fn beside<'v>(
    steps: &'v [Value],
    observed: &'v Value,
) -> Result<impl Iterator<Item = (String, &'v Value, &'v Value)>, Error> {
    let observed = array(observed, "steps")?;
    same("the number of steps", &observed.len().into(), &steps.len().into())?;
    let pairs = steps.iter().zip(observed).enumerate();
    Ok(pairs.map(|(at, (step, observed))| (format!("step {at} ({})", step["op"]), step, observed)))
}

/// Compares those members of what was observed at each step that are expected of it.
pub(crate) fn same_members(steps: &[Value], observed: &Value) -> Result<(), Error> {
    for (place, step, observed) in beside(steps, observed)? {
        for (member, expect) in step["expect"].as_object().into_iter().flatten() {
            same(&format!("{place}, {member}"), &observed[member], expect)?;
        }
    }
    Ok(())
}

/// Compares a part of what was observed with what was recorded.
pub(crate) fn same(place: &str, observed: &Value, recorded: &Value) -> Result<(), Error> {
    if observed == recorded {
        return Ok(());
    }
    Err(Error::new(format!("{place}: observed {observed}, recorded {recorded}")))
}

/// The array that a member is.
pub(crate) fn array<'v>(value: &'v Value, member: &str) -> Result<&'v [Value], Error> {
    value[member]
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| Error::new(format!("no array {member} in {value}")))
}

/// The text that a member is.
pub(crate) fn text<'v>(value: &'v Value, member: &str) -> Result<&'v str, Error> {
    value[member].as_str().ok_or_else(|| Error::new(format!("no text {member} in {value}")))
}

/// The scenarios of a suite's files and of our own, however those name them.
pub(crate) fn scenarios(suite: &str, member: &str) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for path in suite::files(suite)? {
        let mut file: Value = suite::read(&path)?;
        match file[member].take() {
            Value::Array(scenarios) if !scenarios.is_empty() => all.extend(scenarios),
            _ => return Err(Error::unreadable(&path, &format!("nothing in an array '{member}'"))),
        }
    }
    Ok(all)
}

/// The texts of a scenario's tags; `quirk: true` counts as one.
pub(crate) fn tags(scenario: &Value) -> Vec<&str> {
    let listed = scenario["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    listed.chain((scenario["quirk"] == true).then_some("quirk")).collect()
}
