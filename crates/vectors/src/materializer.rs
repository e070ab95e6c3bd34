//! Suite `materializer`: Consul's materializer, driven one call at a time.
//!
//! Script: `{"suite":"materializer","require_tags":[…],"steps":[{"op",…}]}`, events as text.
//! Observed: `{"initial":STATE,"steps":[STATE]}`, indexes as text; a state is what the recorded
//! one is. Queries are answered by the native client's rule; a subject without it skips them.

mod queries;

use highwater::Render as _;
use highwater::health::ServiceHealth;
use highwater_core::{Failure, Jitter, Profile, Protocol, Refill, Session, SessionOptions};
use serde_json::{Value, json};

use self::queries::Queries;
use crate::health::{Health, error, shown};
use crate::subject::{array, same, scenarios, tags, text};
use crate::virtual_time::Driver;
use crate::{Departures, Error, Outcome, Subject, Verdict};

const SUITE: &str = "materializer";

/// Runs every scenario that the subject is able to.
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
        let verdict =
            if queries && !subject.has_queries() || scenario["view"]["kind"] != "service_health" {
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
            let mut script = step.clone();
            script.as_object_mut().and_then(|script| script.remove("expect"));
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
            _ => recorded.clone(),
        };
        same(&format!("{place}, {member}"), &observed[member], &recorded)?;
    }
    Ok(())
}

/// A failure as the recordings name it.
pub(crate) fn fail(driver: &mut Driver<Health>, error: &str) {
    match error {
        "eof" => driver.end(),
        "aborted" => driver.fail(Failure::Aborted),
        what => driver.fail(Failure::Network {
            what,
            temporary: what.strip_prefix("net_").map(|kind| kind == "temporary"),
        }),
    }
}

/// A session as the recorded materializer is: without chance, and emptied first.
pub(crate) fn session(view: Health) -> Session<Health> {
    let protocol = Protocol::consul_recorded();
    let mut options = SessionOptions::of(&protocol);
    options.profile = Profile { jitter: Jitter::None, ..Profile::CONSUL };
    options.materializer.refill = Refill::EmptyFirst;
    Session::new(protocol, view, options)
}

/// Runs a script on the core.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let tags = array(script, "require_tags")?;
    let tags = tags.iter().filter_map(Value::as_str);
    let view = tags.fold(ServiceHealth::new(), ServiceHealth::tag);
    let view = Health { view, ..Health::default() };
    let mut driver = Driver::new(session(view));
    let initial = state(&driver);
    let mut queries = Queries::default();
    let mut steps = Vec::new();
    for step in array(script, "steps")? {
        match text(step, "op")? {
            "connect" => driver.open(200, "application/x-ndjson"),
            "recv" => {
                driver.bytes(text(step, "event")?.as_bytes());
                driver.bytes(b"\n");
            }
            "recv_error" | "connect_fail" => fail(&mut driver, text(step, "error")?),
            "query" => queries.begin(step, &driver.session)?,
            "cancel_query" => queries.cancel(text(step, "id")?, &driver.session)?,
            "advance_ms" => queries.pass(step["ms"].as_u64().unwrap_or(0), &driver.session),
            "stop" => driver.stop(),
            op => return Err(Error::new(format!("unknown step {op}"))),
        }
        queries.look(&driver.session);
        driver.until_connecting();
        let mut state = state(&driver);
        state["queries"] = queries.shown();
        steps.push(state);
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
    let base = u64::try_from(session.backoff().base().as_millis()).unwrap_or(u64::MAX);
    json!({
        "failures": status.failures,
        "index": status.cursor.unwrap_or("0"),
        "last_notified_error": status.error.map(error),
        "notifications": status.news,
        "phase": phase,
        "request_index": asked.unwrap_or_else(|| "0".into()),
        "requests": requests.len(),
        "resets": view.resets,
        "updates": view.updates,
        "view": shown(&view.render()),
        "backoff_base_ms": base,
    })
}
