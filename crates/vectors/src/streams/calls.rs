//! What the original's handlers were called with, told from commits.

use serde_json::{Map, Value, json};

use crate::Error;
use crate::subject::{array, text};

/// The calls of the auto-configuration's message handler.
pub(super) fn autoconfig(chunk: &Value) -> Result<Vec<Value>, Error> {
    let mut calls = Vec::new();
    for commit in array(chunk, "commits")? {
        for change in in_phases(array(commit, "changes")?) {
            let (kind, id) = (text(change, "kind")?, &change["key"]);
            let value = || parsed(&commit["known"][kind][id.as_str().unwrap_or_default()]);
            calls.extend(match (kind, text(change, "action")?) {
                ("environments", "insert") => {
                    Some(json!({ "call": "addEnvironment", "id": id, "params": params(&value()?) }))
                }
                ("environments", "updated") => Some(
                    json!({ "call": "updateEnvironment", "id": id, "params": params(&value()?) }),
                ),
                ("environments", "delete") => {
                    Some(json!({ "call": "deleteEnvironment", "id": id }))
                }
                ("filters", "insert") => {
                    let filter = value()?;
                    Some(json!({
                        "call": "addFilter", "id": id,
                        "key": or(&filter["key"], ""), "projKey": or(&filter["projKey"], ""),
                    }))
                }
                ("filters", "delete") => Some(json!({ "call": "deleteFilter", "id": id })),
                _ => None,
            });
        }
        if commit["snapshot"] == true {
            calls.push(json!({ "call": "receivedAllEnvironments" }));
        }
    }
    Ok(calls)
}

/// The changes of a put in the order of the original's phases: environments that are there, those that
/// are gone, then filters likewise.
fn in_phases(changes: &[Value]) -> Vec<&Value> {
    let mut changes: Vec<_> = changes.iter().collect();
    changes.sort_by_key(|change| (change["kind"] == "filters", change["action"] == "delete"));
    changes
}

/// The calls of an SDK's data store.
pub(super) fn all(chunk: &Value) -> Result<Vec<Value>, Error> {
    let mut calls = Vec::new();
    for commit in array(chunk, "commits")? {
        if commit["snapshot"] == true {
            let mut data = Map::new();
            for (kind, entries) in commit["known"].as_object().into_iter().flatten() {
                let mut versions = Map::new();
                for (key, entry) in entries.as_object().into_iter().flatten() {
                    versions.insert(key.clone(), number(entry)?);
                }
                data.insert(kind.clone(), versions.into());
            }
            calls.push(json!({ "call": "init", "data": data }));
            continue;
        }
        for change in array(commit, "changes")? {
            let noop = change["noop"].as_str();
            // A deletion of what is not there is stored: its version counts from now on.
            let stored = noop.is_none() || noop == Some("absent");
            calls.push(json!({
                "call": "upsert", "deleted": change["delete"], "id": change["key"],
                "kind": change["kind"], "stored": stored, "version": number(change)?,
            }));
        }
    }
    Ok(calls)
}

/// Whether anything of the connections was a whole state.
pub(super) fn has_snapshot(connections: &[Value]) -> bool {
    let list = |value: &Value, member: &str| value[member].as_array().cloned().unwrap_or_default();
    let chunks = connections.iter().flat_map(|connection| list(connection, "chunks"));
    chunks.flat_map(|chunk| list(&chunk, "commits")).any(|commit| commit["snapshot"] == true)
}

/// The calls, with those of each phase in one order: the original's order within a phase of a put is
/// that of a hash map. Collections without items are as good as none.
pub(crate) fn sorted(mut calls: Vec<Value>) -> Value {
    for call in &mut calls {
        if let Some(data) = call.get_mut("data").and_then(Value::as_object_mut) {
            data.retain(|_, items| items.as_object().is_none_or(|items| !items.is_empty()));
        }
    }
    let phase = |call: &Value| match call["call"].as_str() {
        Some("addEnvironment" | "updateEnvironment") => 0,
        Some("deleteEnvironment") => 1,
        Some("addFilter") => 2,
        Some("deleteFilter") => 3,
        _ => 4,
    };
    for same in calls.chunk_by_mut(|a, b| phase(a) == phase(b) && phase(a) < 4) {
        same.sort_by_key(|call| call["id"].to_string());
    }
    calls.into()
}

/// A receiver's table: what is known of each id of a kind.
pub(super) fn table(known: &Value, kind: &str) -> Result<Value, Error> {
    let mut table = Map::new();
    for (id, entry) in known[kind].as_object().into_iter().flatten() {
        let row = json!({ "tombstone": entry["tombstone"], "version": number(entry)? });
        table.insert(id.clone(), row);
    }
    Ok(table.into())
}

/// A store's items: what a data model's reader keeps of each.
pub(super) fn models(known: &Value, kind: &str) -> Result<Value, Error> {
    let mut models = Map::new();
    for (key, entry) in known[kind].as_object().into_iter().flatten() {
        let deleted = entry["tombstone"] == true;
        let mut model = json!({ "deleted": deleted, "version": number(entry)? });
        if !deleted {
            let item = parsed(entry)?;
            for member in ["on", "salt"] {
                if !item[member].is_null() {
                    model[member] = item[member].clone();
                }
            }
        }
        models.insert(key.clone(), model);
    }
    Ok(models.into())
}

/// The parameters that an environment's representation stands for.
fn params(rep: &Value) -> Value {
    let minutes = rep["defaultTtl"].as_i64().unwrap_or_default();
    let mut params = json!({
        "envId": or(&rep["envID"], ""), "envKey": or(&rep["envKey"], ""),
        "envName": or(&rep["envName"], ""), "filterKey": "", "mobKey": or(&rep["mobKey"], ""),
        "projKey": or(&rep["projKey"], ""), "projName": or(&rep["projName"], ""),
        "sdkKey": or(&rep["sdkKey"]["value"], ""), "secureMode": rep["secureMode"] == true,
        "ttlMs": minutes * 60_000,
    });
    let expiring = &rep["sdkKey"]["expiring"];
    if expiring["value"].as_str().is_some_and(|key| !key.is_empty()) {
        params["expiringSdkKey"] = expiring["value"].clone();
        params["expiresAtMs"] = expiring["timestamp"].clone();
    }
    params
}

fn or(value: &Value, default: &str) -> Value {
    if value.is_null() { default.into() } else { value.clone() }
}

fn parsed(entry: &Value) -> Result<Value, Error> {
    let value = text(entry, "value")?;
    serde_json::from_str(value).map_err(|error| Error::new(format!("{value}: {error}")))
}

fn number(entry: &Value) -> Result<Value, Error> {
    let digits = text(entry, "version")?;
    let number: i64 = digits.parse().map_err(|_| Error::new(format!("not a version: {digits}")))?;
    Ok(number.into())
}
