//! Faults, traces and messages as arrays of parts.

use highwater_core::{Action, Class, Error, Message, Noop, Step, Traced, Transfer};
use js_sys::Array;
use wasm_bindgen::JsValue;

/// `[code, words, place, key, number, class]`; the class is 0 for retry, 1 for reset and 2 for
/// terminal.
pub(crate) fn error(error: &Error) -> JsValue {
    let class = match error.class() {
        Class::Retry => 0,
        Class::Reset => 1,
        Class::Terminal => 2,
    };
    list(&[
        error.code().into(),
        error.what().into(),
        error.place().into(),
        error.key().map_or(JsValue::UNDEFINED, JsValue::from_str),
        error.number().map_or(JsValue::UNDEFINED, |number| JsValue::from_f64(number as f64)),
        JsValue::from_f64(f64::from(class)),
    ])
}

/// `undefined`, or the error's parts.
pub(crate) fn outcome<T>(result: &Result<T, Error>) -> JsValue {
    result.as_ref().err().map_or(JsValue::UNDEFINED, error)
}

/// `[at, type, id, bytes, data, [step, …]]`.
pub(crate) fn traced(event: &Traced) -> JsValue {
    list(&[
        JsValue::from_f64(event.at.as_millis() as f64),
        (&*event.kind).into(),
        (&*event.id).into(),
        JsValue::from_f64(event.bytes as f64),
        text(&event.data),
        event.steps.iter().map(step).collect::<Array>().into(),
    ])
}

/// `[action, kind, key, version, reason, known version, cursor, delete]`, cut after the last that
/// is there. `delete` says of a change that its message was a deletion.
fn step(step: &Step) -> JsValue {
    let one = |action: &str| list(&[action.into()]);
    let why = |action: &str, reason: &str| {
        let none = JsValue::UNDEFINED;
        list(&[action.into(), none.clone(), none.clone(), none, reason.into()])
    };
    match step {
        Step::Begin(Transfer::Snapshot) => why("begin", "snapshot"),
        Step::Begin(Transfer::Changes) => why("begin", "changes"),
        Step::Staged { kind, key, version, delete } => list(&[
            "stage".into(),
            (&**kind).into(),
            (&**key).into(),
            (*version).into(),
            if *delete { "delete" } else { "upsert" }.into(),
        ]),
        Step::Changed { kind, key, version, delete, action, noop } => list(&[
            self::action(*action).into(),
            (&**kind).into(),
            (&**key).into(),
            (*version).into(),
            noop.map_or(JsValue::UNDEFINED, |noop| noop.as_str().into()),
            noop.and_then(Noop::version).map_or(JsValue::UNDEFINED, Into::into),
            JsValue::UNDEFINED,
            (*delete).into(),
        ]),
        Step::Commit(cursor) => {
            let parts = Array::new_with_length(7);
            parts.set(0, "commit".into());
            if let Some(cursor) = cursor {
                parts.set(6, (&**cursor).into());
            }
            parts.into()
        }
        Step::Seen => one("seen"),
        Step::UpToDate => one("up-to-date"),
        Step::Resumed(true) => one("resumed"),
        Step::Resumed(false) => one("restarted"),
        Step::Invalidate => one("invalidate"),
        Step::Reconnect => one("reconnect"),
        Step::Goodbye(reason) => why("goodbye", reason),
        Step::Heartbeat => one("heartbeat"),
        Step::Ignored(reason) => why("ignored", reason),
        Step::Fault(error) => why("fault", error.code()),
        _ => one("ignored"),
    }
}

/// `[type, …]`, by the type: what a protocol made of an event.
pub(crate) fn message(message: &Message<'_>) -> JsValue {
    match *message {
        Message::Begin(Transfer::Snapshot) => list(&["begin".into(), "snapshot".into()]),
        Message::Begin(Transfer::Changes) => list(&["begin".into(), "changes".into()]),
        Message::Upsert { kind, key, version, value } => {
            list(&["upsert".into(), kind.into(), key.into(), version.into(), text(value)])
        }
        Message::Delete { kind, key, version } => {
            list(&["delete".into(), kind.into(), key.into(), version.into()])
        }
        Message::Keep { kind, key } => list(&["keep".into(), kind.into(), key.into()]),
        Message::Listed { kind } => list(&["listed".into(), kind.into()]),
        Message::Commit { cursor, version, basis, ordered } => list(&[
            "commit".into(),
            cursor.map_or(JsValue::UNDEFINED, JsValue::from_str),
            version.map_or(JsValue::UNDEFINED, Into::into),
            basis.map_or(JsValue::UNDEFINED, JsValue::from_str),
            ordered.into(),
        ]),
        Message::UpToDate => list(&["up-to-date".into()]),
        Message::Resumed(resumed) => list(&["resumed".into(), resumed.into()]),
        Message::HeartbeatEvery(millis) => {
            list(&["heartbeat-every".into(), JsValue::from_f64(millis as f64)])
        }
        Message::Target(target) => list(&["target".into(), target.into()]),
        Message::Failed { payload, reason } => {
            list(&["failed".into(), payload.into(), reason.into()])
        }
        Message::Invalidate => list(&["invalidate".into()]),
        Message::Reconnect => list(&["reconnect".into()]),
        Message::Goodbye { reason } => list(&["goodbye".into(), reason.into()]),
        Message::Heartbeat => list(&["heartbeat".into()]),
        Message::Ignored(reason) => list(&["ignored".into(), reason.into()]),
        _ => list(&["ignored".into()]),
    }
}

pub(crate) fn action(action: Action) -> &'static str {
    action.as_str()
}

/// Bytes as a string, U+FFFD for what is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> JsValue {
    JsValue::from_str(&String::from_utf8_lossy(bytes))
}

pub(crate) fn list(parts: &[JsValue]) -> JsValue {
    parts.iter().collect::<Array>().into()
}
