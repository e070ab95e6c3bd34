//! Runs a script of connections on the core's session, in virtual time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use highwater_core::{Action, Known, Protocol, Session, SessionOptions, State, Step, Transfer};
use serde_json::{Map, Value, json};

use crate::Error;
use crate::subject::{array, text};
use crate::virtual_time::Driver;

/// Runs a script on the core.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let name = text(script, "protocol")?;
    let protocol =
        Protocol::named(name).ok_or_else(|| Error::new(format!("no protocol {name}")))?;
    let mut options = SessionOptions::of(&protocol);
    options.materializer.trace = true;
    let mut driver = Driver::new(Session::new(protocol, (), options));
    let mut connections = Vec::new();
    let mut opened = false;
    for connection in array(script, "connections")? {
        let status = connection["status"].as_u64().and_then(|s| u16::try_from(s).ok());
        let status = status.ok_or_else(|| Error::new("a connection without status"))?;
        if !driver.until_connecting() {
            break;
        }
        driver.open(status, "text/event-stream");
        opened |= status == 200;
        let mut chunks = Vec::new();
        for chunk in array(connection, "chunks")? {
            let chunk = STANDARD.decode(chunk.as_str().unwrap_or_default());
            let mut commits = Vec::new();
            // One byte at a time: a piece may commit several times, and each is looked at.
            for byte in chunk.map_err(|error| Error::new(error.to_string()))? {
                driver.bytes(&[byte]);
                commits.extend(committed(&mut driver.session));
            }
            chunks.push(json!({ "commits": commits }));
        }
        let dropped = status == 200 && !driver.session.status().connected;
        if connection["closes"] == true {
            driver.end();
        }
        connections.push(json!({ "chunks": chunks, "dropped": dropped }));
    }
    driver.until_connecting();
    let requests: Vec<Value> = driver
        .requests
        .iter()
        .map(|request| {
            let pairs = request.query.iter().map(|(name, value)| format!("{name}={value}"));
            json!({ "query": pairs.collect::<Vec<_>>().join("&") })
        })
        .collect();
    Ok(json!({
        "requests": requests,
        "connections": connections,
        "known": known(driver.session.state()),
        "phase": driver.session.status().phase.as_str(),
        "opened": opened,
    }))
}

/// The transaction that the last byte committed, if it did, and what is known after it.
fn committed(session: &mut Session) -> Option<Value> {
    let mut commit: Option<Value> = None;
    let mut snapshot = false;
    for step in session.materializer_mut().take_trace().into_iter().flat_map(|event| event.steps) {
        match step {
            Step::Begin(transfer) => snapshot = transfer == Transfer::Snapshot,
            Step::Commit(_) => commit = Some(json!({ "snapshot": snapshot, "changes": [] })),
            Step::Changed { kind, key, version, delete, action, noop } => {
                let change = json!({
                    "kind": kind, "key": key, "version": version.to_string(),
                    "action": Action::as_str(action), "delete": delete,
                    "noop": noop.map(highwater_core::Noop::as_str),
                });
                if let Some(Value::Array(changes)) =
                    commit.as_mut().map(|commit| &mut commit["changes"])
                {
                    changes.push(change);
                }
            }
            _ => {}
        }
    }
    if let Some(commit) = &mut commit {
        commit["known"] = known(session.state());
    }
    commit
}

fn known(state: &State) -> Value {
    let mut kinds = Map::new();
    for (kind, key, known) in state.iter_known() {
        let mut entry = json!({
            "version": known.version().unwrap_or_default().to_string(),
            "tombstone": matches!(known, Known::Tombstone(_)),
        });
        if let Some(item) = state.get(kind, key) {
            entry["value"] = String::from_utf8_lossy(item.value).into();
        }
        kinds.entry(kind).or_insert_with(|| json!({}))[key] = entry;
    }
    kinds.into()
}
