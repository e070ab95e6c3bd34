//! Whoever runs a script: the core in this process, or the wasm package in another.

use serde_json::Value;

use crate::Error;

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
    for path in crate::json_files(suite)?.into_iter().chain(crate::suite::own_files(suite)?) {
        let text =
            std::fs::read_to_string(&path).map_err(|error| Error::unreadable(&path, &error))?;
        let mut file: Value =
            serde_json::from_str(&text).map_err(|error| Error::unreadable(&path, &error))?;
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
