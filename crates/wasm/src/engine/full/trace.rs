//! Traces and messages as lists of parts.

use highwater_core::{Message, Step, Traced, Transfer};

use crate::engine::output::Output;

/// `[[at, type, id, bytes, data, [step, …]], …]`.
pub(super) fn write(events: &[Traced]) -> u32 {
    Output::write(&mut |out| {
        for event in events {
            out.open();
            out.number(event.at.as_millis());
            out.text(&event.kind);
            out.text(&event.id);
            out.number(event.bytes as u64);
            out.bytes(&event.data);
            out.open();
            for one in &event.steps {
                step(out, one);
            }
            out.close();
            out.close();
        }
    })
}

/// `[action, reason, kind, key, version, known version, delete]`, or `[action, reason, cursor]`,
/// cut after the last that is there.
fn step(out: &mut Output, step: &Step) {
    out.open();
    match step {
        Step::Begin(transfer) => {
            out.text("begin");
            out.text(word(*transfer));
        }
        Step::Staged { kind, key, version, delete } => {
            out.text("stage");
            out.text(if *delete { "delete" } else { "upsert" });
            out.text(kind);
            out.text(key);
            out.exact(*version);
        }
        Step::Changed { kind, key, version, delete, action, noop } => {
            out.text(action.as_str());
            out.maybe_text(noop.map(highwater_core::Noop::as_str));
            out.text(kind);
            out.text(key);
            out.exact(*version);
            match noop.and_then(highwater_core::Noop::version) {
                Some(version) => out.exact(version),
                None => out.none(),
            }
            out.flag(*delete);
        }
        Step::Commit(cursor) => {
            out.text("commit");
            out.none();
            out.maybe_text(cursor.as_deref());
        }
        Step::Goodbye(reason) => pair(out, "goodbye", reason),
        Step::Ignored(reason) => pair(out, "ignored", reason),
        Step::Fault(error) => pair(out, "fault", error.code()),
        Step::Seen => out.text("seen"),
        Step::UpToDate => out.text("up-to-date"),
        Step::Resumed(resumed) => out.text(if *resumed { "resumed" } else { "restarted" }),
        Step::Invalidate => out.text("invalidate"),
        Step::Reconnect => out.text("reconnect"),
        Step::Heartbeat => out.text("heartbeat"),
        _ => out.text("ignored"),
    }
    out.close();
}

/// `[type, …]`, by the type: what a protocol made of an event.
pub(super) fn message(out: &mut Output, message: &Message<'_>) {
    out.open();
    match *message {
        Message::Begin(transfer) => pair(out, "begin", word(transfer)),
        Message::Upsert { kind, key, version, value } => {
            item(out, "upsert", kind, key);
            out.exact(version);
            out.bytes(value);
        }
        Message::Delete { kind, key, version } => {
            item(out, "delete", kind, key);
            out.exact(version);
        }
        Message::Keep { kind, key } => item(out, "keep", kind, key),
        Message::Listed { kind } => pair(out, "listed", kind),
        Message::Commit { cursor, version, basis, ordered } => {
            out.text("commit");
            out.maybe_text(cursor);
            match version {
                Some(version) => out.exact(version),
                None => out.none(),
            }
            out.maybe_text(basis);
            out.flag(ordered);
        }
        Message::UpToDate => out.text("up-to-date"),
        Message::Resumed(resumed) => {
            out.text("resumed");
            out.flag(resumed);
        }
        Message::HeartbeatEvery(millis) => {
            out.text("heartbeat-every");
            out.number(millis);
        }
        Message::Target(target) => {
            out.text("target");
            out.number(target);
        }
        Message::Failed { payload, reason } => item(out, "failed", payload, reason),
        Message::Invalidate => out.text("invalidate"),
        Message::Reconnect => out.text("reconnect"),
        Message::Goodbye { reason } => pair(out, "goodbye", reason),
        Message::Heartbeat => out.text("heartbeat"),
        Message::Ignored(reason) => pair(out, "ignored", reason),
        _ => out.text("ignored"),
    }
    out.close();
}

fn pair(out: &mut Output, word: &str, more: &str) {
    out.text(word);
    out.text(more);
}

fn item(out: &mut Output, word: &str, kind: &str, key: &str) {
    pair(out, word, kind);
    out.text(key);
}

const fn word(transfer: Transfer) -> &'static str {
    match transfer {
        Transfer::Snapshot => "snapshot",
        Transfer::Changes => "changes",
    }
}
