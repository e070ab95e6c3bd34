//! The final state, in the shapes in which recordings of the originals give it.

use highwater_core::{Known, Phase, State, Status};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The state as a whole: of the recorded shape for the protocols that have one.
pub(super) fn state(protocol: &str, state: &State, status: &Status<'_>) -> Value {
    match protocol {
        "autoconfig" => json!({
            "environments": environments(state),
            "env_receiver": receiver(state, "environments"),
            "filter_receiver": receiver(state, "filters"),
        }),
        "relay" | "flags" => json!({
            "flags": models(state, "flags"),
            "segments": models(state, "segments"),
            "initialized": status.synced,
            "data_source_state": match status.phase {
                Phase::Live => "VALID",
                Phase::Stopped => "OFF",
                Phase::Stale => "INTERRUPTED",
                _ => "INITIALIZING",
            },
        }),
        _ => Value::Null,
    }
}

/// Everything that is known: `{kind: {key: item}}`.
pub(super) fn items(state: &State) -> BTreeMap<&str, BTreeMap<&str, Entry<'_>>> {
    let mut kinds: BTreeMap<&str, BTreeMap<&str, Entry<'_>>> = BTreeMap::new();
    for (kind, key, known) in state.iter_known() {
        let version = known.version().unwrap_or_default();
        let raw = state.get(kind, key).map(|item| item.value);
        let value = raw.map(|raw| serde_json::from_slice::<&RawValue>(raw).map_err(|_| raw));
        kinds.entry(kind).or_default().insert(
            key,
            Entry {
                version,
                deleted: matches!(known, Known::Tombstone(_)),
                value: value.as_ref().and_then(|value| value.as_ref().ok().copied()),
                unreadable: value
                    .and_then(Result::err)
                    .map(String::from_utf8_lossy)
                    .map(Into::into),
            },
        );
    }
    kinds
}

/// What is known of one key.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    version: i64,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
    /// A value that is not JSON, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

/// The environments that a relay would run: each as it is, and once for each filter of its
/// project.
fn environments(state: &State) -> Map<String, Value> {
    let values = |kind: &'static str| {
        let items = state.iter().map(|(_, item)| item).filter(move |item| item.kind == kind);
        items.filter_map(|item| Some((item.key, serde_json::from_slice::<Value>(item.value).ok()?)))
    };
    let filters: Vec<Value> = values("filters").map(|(_, filter)| filter).collect();
    let mut environments = Map::new();
    for (id, environment) in values("environments") {
        let plain = parameters(&environment);
        for filter in &filters {
            let key = or(&filter["key"], "");
            if or(&filter["projKey"], "") == plain["projKey"] && key != "" {
                let name = format!("{id}/{}", key.as_str().unwrap_or_default());
                let mut filtered = plain.clone();
                filtered["filterKey"] = key;
                environments.insert(name, filtered);
            }
        }
        environments.insert(id.to_owned(), plain);
    }
    environments
}

fn parameters(rep: &Value) -> Value {
    let minutes = rep["defaultTtl"].as_i64().unwrap_or_default();
    let mut parameters = json!({
        "envId": or(&rep["envID"], ""), "envKey": or(&rep["envKey"], ""),
        "envName": or(&rep["envName"], ""), "filterKey": "", "mobKey": or(&rep["mobKey"], ""),
        "projKey": or(&rep["projKey"], ""), "projName": or(&rep["projName"], ""),
        "sdkKey": or(&rep["sdkKey"]["value"], ""), "secureMode": rep["secureMode"] == true,
        "ttlMs": minutes.saturating_mul(60_000),
    });
    let expiring = &rep["sdkKey"]["expiring"];
    if expiring["value"].as_str().is_some_and(|key| !key.is_empty()) {
        parameters["expiringSdkKey"] = expiring["value"].clone();
        parameters["expiresAtMs"] = or(&expiring["timestamp"], 0);
    }
    parameters
}

fn receiver(state: &State, kind: &str) -> Map<String, Value> {
    let known = state.iter_known().filter(|(found, ..)| *found == kind);
    known
        .map(|(_, key, known)| {
            let tombstone = matches!(known, Known::Tombstone(_));
            (key.to_owned(), json!({ "tombstone": tombstone, "version": known.version() }))
        })
        .collect()
}

/// What the original's reader keeps of each item.
fn models(state: &State, kind: &str) -> Map<String, Value> {
    let known = state.iter_known().filter(|(found, ..)| *found == kind);
    known
        .map(|(kind, key, known)| {
            let deleted = matches!(known, Known::Tombstone(_));
            let mut model = json!({ "deleted": deleted, "version": known.version() });
            let value =
                state.get(kind, key).and_then(|item| serde_json::from_slice(item.value).ok());
            let value: Value = value.unwrap_or_default();
            for member in ["on", "salt"] {
                if !value[member].is_null() {
                    model[member] = value[member].clone();
                }
            }
            (key.to_owned(), model)
        })
        .collect()
}

fn or(value: &Value, default: impl Into<Value>) -> Value {
    if value.is_null() { default.into() } else { value.clone() }
}
