//! Suite `materializer`: Consul's materializer, driven one call at a time.
//!
//! Script: `{"suite":"materializer","require_tags":[…],"steps":[{"op",…}]}`, events as text.
//! Observed: `{"initial":STATE,"steps":[STATE]}`, indexes as text; a state is what the recorded
//! one is. Scenarios with queries are about the store, which is not here, and are skipped.

use std::collections::BTreeMap;

use highwater_core::{
    Action, Change, Error as Fault, Failure, Jitter, Profile, Protocol, Refill, Session,
    SessionOptions, State, View,
};
use serde_json::{Value, json};

use crate::subject::{array, same, scenarios, tags, text};
use crate::virtual_time::Driver;
use crate::{Departures, Error, Outcome, Subject, Verdict};

const SUITE: &str = "materializer";

/// Runs every scenario without queries.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for scenario in scenarios(SUITE, "scenarios")? {
        let steps = array(&scenario, "steps")?;
        let queries =
            steps.iter().any(|step| step["op"].as_str().is_some_and(|op| op.ends_with("query")));
        let verdict = if queries || scenario["view"]["kind"] != "service_health" {
            Verdict::Skipped
        } else {
            Verdict::of(check(subject, &scenario))
        };
        outcome.record(text(&scenario, "id")?, tags(&scenario), verdict, departures);
    }
    Ok(outcome)
}

fn check(subject: &mut dyn Subject, scenario: &Value) -> Result<(), Error> {
    let steps = array(scenario, "steps")?;
    let script: Vec<Value> = steps
        .iter()
        .map(|step| {
            let mut script = json!({ "op": step["op"], "error": step["error"], "ms": step["ms"] });
            if !step["event"].is_null() {
                script["event"] = step["event"].to_string().into();
            }
            script
        })
        .collect();
    let tags = scenario["view"]["require_tags"].as_array().cloned().unwrap_or_default();
    let observed =
        subject.observe(&json!({ "suite": SUITE, "require_tags": tags, "steps": script }))?;
    compare("at first", &observed["initial"], &scenario["initial"])?;
    for (at, (step, state)) in steps.iter().zip(array(&observed, "steps")?).enumerate() {
        compare(&format!("after step {at} ({})", step["op"]), state, &step["expect"])?;
    }
    Ok(())
}

fn compare(place: &str, observed: &Value, recorded: &Value) -> Result<(), Error> {
    let recorded = recorded.as_object().ok_or_else(|| Error::new("no recorded state"))?;
    for (member, recorded) in recorded {
        let recorded = match &**member {
            "index" | "request_index" if recorded.is_number() => recorded.to_string().into(),
            "queries" => continue,
            _ => recorded.clone(),
        };
        same(&format!("{place}, {member}"), &observed[member], &recorded)?;
    }
    Ok(())
}

/// Runs a script on the core.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let protocol = Protocol::consul_recorded();
    let mut options = SessionOptions::of(&protocol);
    options.profile = Profile { jitter: Jitter::None, ..Profile::CONSUL };
    options.materializer.refill = Refill::EmptyFirst;
    let tags = array(script, "require_tags")?;
    let tags = tags.iter().filter_map(Value::as_str).map(str::to_lowercase).collect();
    let view = Health { tags, ..Health::default() };
    let mut driver = Driver::new(Session::new(protocol, view, options));
    let initial = state(&driver);
    let mut steps = Vec::new();
    for step in array(script, "steps")? {
        match text(step, "op")? {
            "connect" => driver.open(200, "application/x-ndjson"),
            "recv" => {
                driver.bytes(text(step, "event")?.as_bytes());
                driver.bytes(b"\n");
            }
            "recv_error" | "connect_fail" => match text(step, "error")? {
                "eof" => driver.end(),
                "aborted" => driver.fail(Failure::Aborted),
                what => driver.fail(Failure::Network {
                    what,
                    temporary: what.strip_prefix("net_").map(|kind| kind == "temporary"),
                }),
            },
            "stop" => driver.stop(),
            op => return Err(Error::new(format!("unknown step {op}"))),
        }
        driver.until_connecting();
        steps.push(state(&driver));
    }
    Ok(json!({ "initial": initial, "steps": steps }))
}

fn state(driver: &Driver<Health>) -> Value {
    let Driver { session, requests, .. } = driver;
    let status = session.status();
    let view = session.materializer().view();
    let asked = requests.last().and_then(|request| {
        request.query.iter().find(|(name, _)| *name == "index").map(|(_, index)| index.clone())
    });
    let phase = match status.phase.as_str() {
        "stopped" => "stopped",
        _ if status.connected => "receiving",
        _ => "connecting",
    };
    let error = status.error.map(|error| match error {
        Fault::Closed => "eof",
        Fault::Aborted => "reset",
        Fault::View { .. } => "view_update",
        Fault::Network { what, .. } => what,
        other => other.code(),
    });
    let instances = view.instances.iter().map(|(id, port)| (id.clone(), json!(port)));
    let base = u64::try_from(session.backoff().base().as_millis()).unwrap_or(u64::MAX);
    json!({
        "failures": status.failures,
        "index": status.cursor.unwrap_or("0"),
        "last_notified_error": error,
        "notifications": status.news,
        "phase": phase,
        "request_index": asked.unwrap_or_else(|| "0".into()),
        "requests": requests.len(),
        "resets": view.resets,
        "updates": view.updates,
        "view": instances.collect::<serde_json::Map<_, _>>(),
        "backoff_base_ms": base,
    })
}

/// Consul's view of a service's health, as far as the recordings look at it: which instances
/// there are, by identity, and their ports.
#[derive(Default)]
struct Health {
    tags: Vec<String>,
    instances: BTreeMap<String, u64>,
    updates: u32,
    resets: u32,
}

impl View for Health {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        self.updates += 1;
        for change in changes {
            let Some((kind, id)) = state.name(change.slot) else { continue };
            if kind != "ServiceHealth" {
                return Err(format!("unexpected payload {kind}").into());
            }
            let item = state.item(change.slot).filter(|_| change.action != Action::Delete);
            let instance: Option<Value> =
                item.and_then(|item| serde_json::from_slice(item.value).ok());
            let Some(service) = instance.as_ref().map(|instance| &instance["Service"]) else {
                self.instances.remove(id);
                continue;
            };
            let has = |tag: &String| {
                let tags = service["Tags"].as_array().into_iter().flatten();
                tags.filter_map(Value::as_str).any(|other| other.to_lowercase() == *tag)
            };
            if self.tags.iter().all(has) {
                let port = service["Port"].as_u64().unwrap_or_default();
                self.instances.insert(id.to_owned(), port);
            } else {
                self.instances.remove(id);
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.resets += 1;
        self.instances.clear();
    }
}
