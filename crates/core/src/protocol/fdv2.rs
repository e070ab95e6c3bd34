//! Flag delivery v2: transactions framed by an intent and a transfer.
//!
//! Source: LaunchDarkly's FDv2 protocol handler; our own additions (`highwater`, `basis`) are
//! members that other clients pass over.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::decoding::{Decoding, Word};
use super::promise;
use crate::json::Raw;
use crate::message::{Message, Transfer};
use crate::same::same;

/// Where an FDv2 stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No intent yet: objects mean nothing.
    Inactive,
    /// A whole state is being transferred.
    Full,
    /// Changes follow.
    Changes,
}

#[derive(Debug)]
pub(crate) struct Fdv2 {
    mode: Mode,
    /// The kinds that put objects may have; empty: any.
    kinds: Vec<Box<str>>,
    /// The server is our own, and keeps the promises that ours makes.
    promised: bool,
}

impl Fdv2 {
    pub(crate) const fn new(kinds: Vec<Box<str>>) -> Self {
        Self { mode: Mode::Inactive, kinds, promised: false }
    }

    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn connected(&mut self) {
        self.mode = Mode::Inactive;
        self.promised = false;
    }

    pub(crate) const fn is_promised(&self) -> bool {
        self.promised
    }

    pub(crate) fn joined(&mut self, promised: bool) {
        self.mode = Mode::Changes;
        self.promised = promised;
    }

    pub(crate) fn decode(&mut self, kind: &str, event: &mut Decoding<'_>) {
        match kind {
            "put-object" | "delete-object" if self.mode == Mode::Inactive => {
                event.ignore("no intent yet");
            }
            "put-object" => self.put(event),
            "payload-transferred" => self.transferred(event),
            "delete-object" => Self::delete(event),
            "server-intent" => self.intent(event),
            "error" => error(event),
            "goodbye" => {
                let [reason] = event.whole(["reason"]);
                let reason = text_or_empty(event, reason);
                event.words(reason, reason, |reason, _, _| Message::Goodbye { reason });
                self.mode = Mode::Inactive;
            }
            "heart-beat" => event.tell(Message::Heartbeat),
            _ => event.ignore("unknown event"),
        }
    }

    /// A poll answers with the same events, in one array.
    pub(crate) fn polled(&mut self, body: &mut Decoding<'_>) {
        self.connected();
        let [events] = body.whole(["events"]);
        let mut all = Vec::new();
        let mut first = true;
        body.json().enter(events);
        if events.is_some() {
            body.json().open(b'[');
            while body.json().more(&mut first, b'[') {
                let [kind, data] = body.fields_here(["event", "data"]);
                body.need(kind, "an event without event or data");
                body.need(data, "an event without event or data");
                all.push((body.text(kind), data));
            }
        }
        for (kind, data) in all {
            let (kind, data) = (String::from(body.say(kind)), body.json().bytes(data));
            let mut event = body.within(data);
            self.decode(&kind, &mut event);
            let fault = event.fault();
            body.has(fault);
        }
    }

    fn intent(&mut self, event: &mut Decoding<'_>) {
        let [payloads, promise] = event.whole(["payloads", "highwater"]);
        let mut first = true;
        event.json().enter(payloads);
        if !payloads.is_some() {
            return event.misplaced("a server-intent names no payload");
        }
        event.json().open(b'[');
        if !event.json().more(&mut first, b'[') {
            return event.misplaced("a server-intent names no payload");
        }
        // Only the first counts.
        let payload = event.json().value();
        let [code, target] = event.fields(payload, ["intentCode", "target"]);
        let json = event.json();
        let (full, none) = (json.is(code, "xfer-full"), json.is(code, "none"));
        if !full && !none && !json.is(code, "xfer-changes") {
            return event.ignore("unknown intent");
        }
        if promise.is_some() {
            let [heartbeat] = event.fields(promise, ["heartbeat"]);
            let every = if heartbeat.is_some() { event.json().u64(heartbeat) } else { 0 };
            self.promised = true;
            event.tell(Message::HeartbeatEvery(every));
        }
        if target.is_some()
            && let Ok(target) = u64::try_from(event.json().i64(target))
        {
            event.tell(Message::Target(target));
        }
        self.mode = if full { Mode::Full } else { Mode::Changes };
        event.tell(Message::Resumed(!full));
        event.begin(if full { Transfer::Snapshot } else { Transfer::Changes });
        if none {
            event.tell(Message::UpToDate);
        }
    }

    /// Only under the promise: a member after the value would be taken for a part of it.
    #[inline]
    pub(crate) fn promised_put<'a>(&self, kind: &[u8], data: &'a [u8]) -> Option<promise::Put<'a>> {
        let promised = self.promised && self.mode != Mode::Inactive && self.kinds.is_empty();
        if promised && same(kind, b"put-object") { promise::put(data) } else { None }
    }

    fn put(&self, event: &mut Decoding<'_>) {
        // Where it was not told at a glance: somebody wants to see it pass.
        if self.promised
            && self.kinds.is_empty()
            && let Some((kind, key, version, value)) =
                promise::item(event.data(), ["kind", "key", "version", "object"])
        {
            return event.tell(Message::Upsert { kind, key, version, value });
        }
        let [kind, key, version, value] = event.whole(["kind", "key", "version", "object"]);
        if !all([kind, key, version, value]) {
            return event.ignore("a put-object with a member missing");
        }
        let (kind, key) = (event.text(kind), event.text(key));
        let version = event.json().i64(version);
        if !self.kinds.is_empty() {
            let kind = event.say(kind);
            if !self.kinds.iter().any(|known| **known == *kind) {
                return event.ignore("unknown kind");
            }
        }
        event.item(kind, key, version, Some(value));
    }

    fn delete(event: &mut Decoding<'_>) {
        let [kind, key, version] = event.whole(["kind", "key", "version"]);
        if !all([kind, key, version]) {
            return event.ignore("a delete-object with a member missing");
        }
        let (kind, key) = (event.text(kind), event.text(key));
        let version = event.json().i64(version);
        event.item(kind, key, version, None);
    }

    fn transferred(&mut self, event: &mut Decoding<'_>) {
        if self.mode == Mode::Inactive {
            return event.misplaced("a payload-transferred needs a server-intent first");
        }
        let ordered = self.promised;
        self.mode = Mode::Changes;
        if ordered && let Some((state, version, basis)) = promise::transferred(event.data()) {
            let (cursor, version) = (Some(state), Some(version));
            return event.tell(Message::Commit { cursor, version, basis, ordered });
        }
        let [state, version, basis] = event.whole(["state", "version", "basis"]);
        if !all([state, version]) {
            self.mode = Mode::Inactive;
            let reason = "a payload-transferred with a member missing";
            return event.tell(Message::Failed { payload: "", reason });
        }
        let (state, built) = (event.text(state), basis.is_some());
        let basis = if built { event.text(basis) } else { Word::Known("") };
        let version = Some(event.json().i64(version));
        event.words(state, basis, |state, basis, _| {
            let basis = built.then_some(basis);
            Message::Commit { cursor: Some(state), version, basis, ordered }
        });
    }
}

/// Writers differ on the spelling of the id's name.
fn error(event: &mut Decoding<'_>) {
    let [payload, other, reason] = event.whole(["payload_id", "payloadId", "reason"]);
    let payload = text_or_empty(event, payload.or(other));
    let reason = text_or_empty(event, reason);
    event.words(payload, reason, |payload, reason, _| Message::Failed { payload, reason });
}

fn text_or_empty(event: &mut Decoding<'_>, raw: Raw) -> Word {
    if event.json().first(raw) == b'"' { event.string(raw) } else { Word::Known("") }
}

fn all<const N: usize>(members: [Raw; N]) -> bool {
    members.iter().all(|raw| raw.is_some())
}

/// The types of event that there are.
pub(super) const EVENTS: &[&str] = &[
    "server-intent",
    "put-object",
    "delete-object",
    "payload-transferred",
    "error",
    "goodbye",
    "heart-beat",
];
