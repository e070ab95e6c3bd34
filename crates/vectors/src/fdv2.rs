//! Suite `fdv2`: events into one FDv2 protocol handler.
//!
//! Script: `{"suite":"fdv2","kinds":[…],"steps":[{"event","data"}|{"reset":true}]}`, data as text.
//! Observed: `{"steps":[{"mode","messages":[…],"error"?}]}`, a message being
//! `{"type":…, …}` with versions and targets as strings and values as text.

use highwater_core::{Event, Message, Mode, Protocol, Transfer};
use serde_json::{Value, json};

use crate::subject::{array, each, same, text};
use crate::{Departures, Error, Outcome, Subject};

const SUITE: &str = "fdv2";
const KINDS: &[&str] = &["flag", "segment"];

/// Runs every scenario.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    each(SUITE, "name", runner, subject, departures, check)
}

fn check(subject: &mut dyn Subject, scenario: &Value) -> Result<(), Error> {
    let steps = array(scenario, "steps")?;
    let script: Vec<Value> = steps
        .iter()
        .map(|step| {
            if step["reset"] == true {
                json!({ "reset": true })
            } else {
                json!({ "event": step["event"], "data": step["data"].to_string() })
            }
        })
        .collect();
    let observed = subject.observe(&json!({ "suite": SUITE, "kinds": KINDS, "steps": script }))?;
    let observed = array(&observed, "steps")?;
    same("the number of steps", &observed.len().into(), &steps.len().into())?;
    let mut actions = Actions::default();
    for (at, (step, observed)) in steps.iter().zip(observed).enumerate() {
        let place = format!("step {at} ({})", step["event"]);
        let mut action = actions.of(step, observed)?;
        if step["reset"] == true {
            actions = Actions::default();
        } else {
            let mut recorded = step["expect"].clone();
            if recorded["type"] == "error" {
                // The original's kinds of error are told apart by its words, which are its own.
                recorded = json!({ "type": "error" });
                action = json!({ "type": action["type"] });
            }
            same(&place, &action, &recorded)?;
        }
        same(&format!("{place}, mode"), &observed["mode"], &step["state"])?;
    }
    Ok(())
}

/// Puts together, from messages, what the recorded handler reports of each event.
#[derive(Default)]
struct Actions {
    full: bool,
    updates: Vec<Value>,
    target: Value,
}

impl Actions {
    fn of(&mut self, step: &Value, observed: &Value) -> Result<Value, Error> {
        if !observed["error"].is_null() {
            return Ok(json!({ "type": "error" }));
        }
        let mut action = json!({ "type": "none" });
        for message in array(observed, "messages")? {
            let number = |member: &str| -> Result<Value, Error> {
                let digits = text(message, member)?;
                digits.parse().map_err(|_| Error::new(format!("not a number: {message}")))
            };
            match text(message, "type")? {
                "begin" => {
                    self.updates.clear();
                    self.full = message["transfer"] == "snapshot";
                }
                "target" => self.target = number("target")?,
                "upsert" => {
                    let object = serde_json::from_str(text(message, "value")?);
                    let object: Value = object.map_err(|error| Error::new(error.to_string()))?;
                    self.updates.push(json!({
                        "kind": message["kind"], "key": message["key"],
                        "version": number("version")?, "object": object,
                    }));
                }
                "delete" => self.updates.push(json!({
                    "kind": message["kind"], "key": message["key"],
                    "version": number("version")?, "deleted": true,
                })),
                "commit" => {
                    action = json!({ "type": "payload", "payload": {
                        "version": number("version")?, "state": message["cursor"],
                        "type": if self.full { "full" } else { "partial" },
                        "updates": core::mem::take(&mut self.updates),
                    }});
                    self.full = false;
                }
                "up-to-date" => {
                    action = json!({ "type": "payload", "payload": {
                        "version": self.target, "type": "none", "updates": [],
                    }});
                }
                // The original forgets the transfer without a word.
                "failed" if step["event"] == "payload-transferred" => self.updates.clear(),
                "failed" => {
                    self.updates.clear();
                    action = json!({
                        "type": "serverError", "id": message["payload"], "reason": message["reason"],
                    });
                }
                "goodbye" => {
                    self.updates.clear();
                    action = json!({ "type": "goodbye", "reason": message["reason"] });
                }
                _ => {}
            }
        }
        Ok(action)
    }
}

/// Runs a script on the core.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    if script["kinds"] != json!(KINDS) {
        return Err(Error::new("only for the kinds flag and segment"));
    }
    let mut protocol = Protocol::fdv2_of(KINDS);
    let mut steps = Vec::new();
    for step in array(script, "steps")? {
        let mut messages = Vec::new();
        let mut result = Ok(());
        if step["reset"] == true {
            protocol.connected(None);
        } else {
            let data = text(step, "data")?;
            let event = Event { kind: text(step, "event")?, data: data.as_bytes(), id: "" };
            result = protocol.decode(&event, &mut |message| {
                messages.extend(told(&message));
                Ok(())
            });
        }
        let mode = match protocol.mode() {
            Some(Mode::Full) => "full",
            Some(Mode::Changes) => "changes",
            _ => "inactive",
        };
        let mut observed = json!({ "mode": mode, "messages": messages });
        if let Err(error) = result {
            observed["error"] = error.code().into();
        }
        steps.push(observed);
    }
    Ok(json!({ "steps": steps }))
}

fn told(message: &Message<'_>) -> Option<Value> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(match *message {
        Message::Begin(Transfer::Snapshot) => json!({ "type": "begin", "transfer": "snapshot" }),
        Message::Begin(Transfer::Changes) => json!({ "type": "begin", "transfer": "changes" }),
        Message::Target(target) => json!({ "type": "target", "target": target.to_string() }),
        Message::Upsert { kind, key, version, value } => json!({
            "type": "upsert", "kind": kind, "key": key, "version": version.to_string(),
            "value": lossy(value),
        }),
        Message::Delete { kind, key, version } => json!({
            "type": "delete", "kind": kind, "key": key, "version": version.to_string(),
        }),
        Message::Commit { cursor, version, .. } => json!({
            "type": "commit", "cursor": cursor, "version": version.unwrap_or_default().to_string(),
        }),
        Message::UpToDate => json!({ "type": "up-to-date" }),
        Message::Failed { payload, reason } => {
            json!({ "type": "failed", "payload": payload, "reason": reason })
        }
        Message::Goodbye { reason } => json!({ "type": "goodbye", "reason": reason }),
        _ => return None,
    })
}
