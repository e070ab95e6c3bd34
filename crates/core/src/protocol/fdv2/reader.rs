//! FDv2 of any server's: the whole of the data is read, and checked.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Fdv2, Mode};
use crate::json::Raw;
use crate::message::{Message, Transfer};
use crate::protocol::decoding::{Decoding, Word};

impl Fdv2 {
    pub(crate) fn decode(&mut self, kind: &str, event: &mut Decoding<'_>) {
        match kind {
            "put-object" | "delete-object" if self.mode == Mode::Inactive => {
                event.ignore("no intent yet");
            }
            "put-object" => self.put(event),
            "payload-transferred" => self.transferred(event),
            "delete-object" => delete(event),
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

    fn put(&self, event: &mut Decoding<'_>) {
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

    fn transferred(&mut self, event: &mut Decoding<'_>) {
        if self.mode == Mode::Inactive {
            return event.misplaced("a payload-transferred needs a server-intent first");
        }
        let ordered = self.promised;
        self.mode = Mode::Changes;
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

fn delete(event: &mut Decoding<'_>) {
    let [kind, key, version] = event.whole(["kind", "key", "version"]);
    if !all([kind, key, version]) {
        return event.ignore("a delete-object with a member missing");
    }
    let (kind, key) = (event.text(kind), event.text(key));
    let version = event.json().i64(version);
    event.item(kind, key, version, None);
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
