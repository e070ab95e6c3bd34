//! Suite `rotator`: an environment's credentials as they are replaced, and as they expire.
//!
//! Script: `{"suite":"rotator","ops":[…]}`, the operations without what is expected of them. Observed:
//! `{"steps":[…]}`, for each of them what is expected of its kind.

use highwater_relay::{
    Credential, EnvironmentId, ExpiringKey, MobileKey, Rotator, SdkKey, UnixMillis,
};
use serde_json::{Value, json};

use crate::subject::{array, same, scenarios, tags, text};
use crate::{Departures, Error, Outcome, Subject, Verdict};

const SUITE: &str = "rotator";

/// What is expected of an operation, not asked of it.
const EXPECTED: [&str; 4] = ["added", "expired", "primary", "still_deprecated"];

/// Runs every scenario.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for scenario in scenarios(SUITE, "scenarios")? {
        // The recording says so in words where it is its source's own mistake.
        let mistake = scenario["note"].as_str().is_some_and(|note| note.contains("upstream bug"));
        let tags = tags(&scenario).into_iter().chain(mistake.then_some("upstream-quirk"));
        let verdict = Verdict::of(check(subject, &scenario));
        outcome.record(text(&scenario, "name")?, tags, verdict, departures);
    }
    Ok(outcome)
}

fn check(subject: &mut dyn Subject, scenario: &Value) -> Result<(), Error> {
    let ops = array(scenario, "ops")?;
    let asked = ops.iter().cloned().map(|mut op| {
        if let Some(op) = op.as_object_mut() {
            op.retain(|member, _| !EXPECTED.contains(&member.as_str()));
        }
        op
    });
    let asked: Vec<Value> = asked.collect();
    let observed = subject.observe(&json!({ "suite": SUITE, "ops": asked }))?;
    let steps = array(&observed, "steps")?;
    same("the number of steps", &steps.len().into(), &ops.len().into())?;
    for (at, (op, step)) in ops.iter().zip(steps).enumerate() {
        for member in EXPECTED {
            if let Some(wanted) = op.get(member) {
                same(&format!("operation {at} ({}), {member}", op["op"]), &step[member], wanted)?;
            }
        }
    }
    Ok(())
}

/// Runs a script on the rotator.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let mut rotator = Rotator::default();
    let steps = array(script, "ops")?.iter().map(|op| step(&mut rotator, op));
    Ok(json!({ "steps": steps.collect::<Result<Vec<_>, _>>()? }))
}

fn step(rotator: &mut Rotator, op: &Value) -> Result<Value, Error> {
    let mut observed = json!({});
    match text(op, "op")? {
        "init" => {
            let mut initial = Vec::new();
            for pair in array(op, "credentials")? {
                let words = pair[0].as_str().zip(pair[1].as_str());
                let (kind, value) = words.ok_or_else(|| Error::new(format!("bad pair {pair}")))?;
                initial.extend(credential(kind, value)?);
            }
            *rotator = Rotator::new(initial);
        }
        "rotate" => {
            if let Some(to) = credential(text(op, "kind")?, text(op, "value")?)? {
                rotator.rotate(&to);
            }
        }
        "rotate_grace" => {
            let key = |member| {
                let key = SdkKey::new(text(op, member)?);
                key.ok_or_else(|| Error::new(format!("an empty {member} in {op}")))
            };
            let until = UnixMillis(number(op, "expiry_ms")?);
            let expiring = ExpiringKey { key: key("deprecated")?, until };
            let now = UnixMillis(number(op, "now_ms")?);
            rotator.rotate_with_grace(&key("value")?, &expiring, now);
        }
        "step" => {
            let rotation = rotator.step(UnixMillis(number(op, "now_ms")?));
            let texts = |list: Vec<Credential>| list.iter().map(shown).collect::<Vec<_>>();
            let mut removed = texts(rotation.removed);
            removed.sort();
            observed["added"] = texts(rotation.added).into();
            observed["expired"] = removed.into();
        }
        other => return Err(Error::new(format!("unknown operation {other}"))),
    }
    let deprecated: Vec<_> = rotator.deprecated().map(|(key, _)| key.reveal()).collect();
    observed["still_deprecated"] = deprecated.into();
    observed["primary"] = json!({
        "sdk": rotator.sdk_key().map_or("", |key| key.reveal()),
        "mobile": rotator.mobile_key().map_or("", |key| key.reveal()),
        "env": rotator.environment().map_or("", |id| id.as_str()),
    });
    Ok(observed)
}

/// A credential; an empty one is none.
fn credential(kind: &str, value: &str) -> Result<Option<Credential>, Error> {
    Ok(match kind {
        "sdk" => SdkKey::new(value).map(Credential::Sdk),
        "mobile" => MobileKey::new(value).map(Credential::Mobile),
        "env" => (!value.is_empty()).then(|| Credential::Environment(EnvironmentId::new(value))),
        other => return Err(Error::new(format!("unknown kind of credential {other}"))),
    })
}

fn shown(credential: &Credential) -> String {
    match credential {
        Credential::Sdk(key) => format!("sdk:{}", key.reveal()),
        Credential::Mobile(key) => format!("mobile:{}", key.reveal()),
        Credential::Environment(id) => format!("env:{id}"),
    }
}

fn number(op: &Value, member: &str) -> Result<i64, Error> {
    op[member].as_i64().ok_or_else(|| Error::new(format!("no number {member} in {op}")))
}
