//! What is printed: lines to read, or one JSON document, written as it comes.

use super::player::{Did, Happened, Player};
use super::recorded;
use super::text::{clean, value};
use crate::serve::Failure;
use highwater_core::Known;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// Prints a replay while it goes on.
pub(super) struct Report<W> {
    out: W,
    json: bool,
    connections: u32,
    /// Something stands in the list of events already.
    listed: bool,
}

type Done = Result<(), Failure>;

impl<W: Write> Report<W> {
    pub(super) const fn new(out: W, json: bool) -> Self {
        Self { out, json, connections: 0, listed: false }
    }

    pub(super) fn begin(&mut self, protocol: &str) -> Done {
        if self.json {
            write!(self.out, "{{\"protocol\":{},\n\"events\":[", json!(protocol))?;
        }
        Ok(())
    }

    pub(super) fn connection(&mut self, file: &str, query: &str) -> Done {
        self.connections += 1;
        let number = self.connections;
        if self.json {
            return self.list(&json!({ "connection": number, "file": file, "query": query }));
        }
        let query = if query.is_empty() { String::new() } else { format!(" (asks ?{query})") };
        writeln!(self.out, "connection {number}: {}{}", clean(file), clean(&query))?;
        Ok(())
    }

    pub(super) fn happened(&mut self, happened: &Happened) -> Done {
        let Happened { at, kind, id, bytes, did } = happened;
        if self.json {
            let actions: Vec<Value> = did.iter().map(action).collect();
            return self.list(&json!({
                "event": kind, "at": at, "bytes": bytes, "id": id, "actions": actions,
            }));
        }
        writeln!(self.out, "  @{at} {}, {bytes} bytes", clean(kind))?;
        for did in did {
            writeln!(self.out, "      {}", clean(&line(did)))?;
        }
        Ok(())
    }

    /// The file was read as far as it goes, or as far as the client wanted it.
    pub(super) fn ended(&mut self, connected: bool, bytes: u64, pending: u64) -> Done {
        let by = if connected { "recording" } else { "client" };
        if self.json {
            return self.list(&json!({ "end": by, "at": bytes, "unfinished": pending }));
        }
        if connected {
            writeln!(self.out, "  @{bytes} the recording ends")?;
        } else {
            writeln!(self.out, "  @{bytes} the client drops the connection")?;
        }
        if pending > 0 {
            writeln!(self.out, "      {pending} bytes of an unfinished event are not used")?;
        }
        Ok(())
    }

    pub(super) fn unread(&mut self, file: &str, why: &str) -> Done {
        if self.json {
            return self.list(&json!({ "unread": file, "reason": why }));
        }
        writeln!(self.out, "{}: not read: {why}", clean(file))?;
        Ok(())
    }

    pub(super) fn end(&mut self, player: &Player) -> Done {
        if self.json { self.end_json(player) } else { self.end_text(player) }
    }

    fn list(&mut self, entry: &Value) -> Done {
        let comma = if core::mem::replace(&mut self.listed, true) { "," } else { "" };
        write!(self.out, "{comma}\n{entry}")?;
        Ok(())
    }

    fn end_json(&mut self, player: &Player) -> Done {
        let status = player.status();
        let state = recorded::state(player.protocol(), player.state(), &status);
        let items = recorded::items(player.state());
        write!(self.out, "\n],\n\"final\":")?;
        if state.is_null() {
            serde_json::to_writer(&mut self.out, &BTreeMap::from([("items", &items)]))?;
        } else {
            write!(self.out, "{state},\n\"items\":")?;
            serde_json::to_writer(&mut self.out, &items)?;
        }
        let status = json!({
            "phase": status.phase.as_str(), "cursor": status.cursor, "version": status.version,
            "synced": status.synced, "items": player.state().len(),
            "fault": status.error.map(fault),
        });
        writeln!(self.out, ",\n\"status\":{status}}}")?;
        self.out.flush()?;
        Ok(())
    }

    fn end_text(&mut self, player: &Player) -> Done {
        let (state, status) = (player.state(), player.status());
        let mut kinds: BTreeMap<&str, BTreeMap<&str, Known>> = BTreeMap::new();
        for (kind, key, known) in state.iter_known() {
            kinds.entry(kind).or_default().insert(key, known);
        }
        let cursor = status.cursor.map(|cursor| format!(", cursor {cursor}")).unwrap_or_default();
        let (phase, items) = (status.phase.as_str(), state.len());
        writeln!(self.out, "final state: {phase}, {items} items{}", clean(&cursor))?;
        if let Some(fault) = status.error {
            writeln!(self.out, "  last fault: {}", clean(&fault.to_string()))?;
        }
        for (kind, keys) in kinds {
            writeln!(self.out, "  {}", clean(kind))?;
            for (key, known) in keys {
                let version = known.version().unwrap_or_default();
                let value = match state.get(kind, key) {
                    Some(item) => value(item.value),
                    None => "deleted".to_owned(),
                };
                writeln!(self.out, "    {} at {version}: {value}", clean(key))?;
            }
        }
        self.out.flush()?;
        Ok(())
    }
}

fn line(did: &Did) -> String {
    match did {
        Did::Begin { snapshot: true } => "begin a snapshot".to_owned(),
        Did::Begin { snapshot: false } => "begin changes".to_owned(),
        Did::Stage { kind, key, version, delete } => {
            let what = if *delete { "stage deletion of" } else { "stage" };
            format!("{what} {kind}/{key} at {version}")
        }
        Did::Change { kind, key, version, action, noop } => {
            let why = noop.map(|noop| match noop.version() {
                Some(known) => format!(": {}, {known} is known", noop.as_str()),
                None => format!(": {}", noop.as_str()),
            });
            format!("{action} {kind}/{key} at {version}{}", why.unwrap_or_default())
        }
        Did::Abridged => "(many; without those that did nothing)".to_owned(),
        Did::Commit { snapshot, cursor } => {
            let what = if *snapshot { "commit the snapshot" } else { "commit" };
            let cursor = cursor.as_ref().map(|cursor| format!(", cursor {cursor}"));
            format!("{what}{}", cursor.unwrap_or_default())
        }
        Did::Seen => "seen before: nothing to do".to_owned(),
        Did::UpToDate => "up to date".to_owned(),
        Did::Resumed(true) => "resumed".to_owned(),
        Did::Resumed(false) => "not resumed: everything comes anew".to_owned(),
        Did::Fetch => "asks for a fetch, which is not part of a recording".to_owned(),
        Did::Reconnect => "the server asks for a new connection".to_owned(),
        Did::Goodbye(reason) => format!("goodbye: {reason}"),
        Did::Heartbeat => "heartbeat".to_owned(),
        Did::Ignored(why) => format!("ignored: {why}"),
        Did::Fault(fault) => format!("fault: {fault}"),
    }
}

fn action(did: &Did) -> Value {
    match did {
        Did::Begin { snapshot } => json!({ "action": "begin", "snapshot": snapshot }),
        Did::Stage { kind, key, version, delete } => json!({
            "action": "stage", "kind": kind, "key": key, "version": version, "delete": delete,
        }),
        Did::Change { kind, key, version, action, noop } => {
            let mut told = json!({
                "action": action.as_str(), "kind": kind, "key": key, "version": version,
            });
            if let Some(noop) = noop {
                told["reason"] = noop.as_str().into();
                if let Some(known) = noop.version() {
                    told["known"] = known.into();
                }
            }
            told
        }
        Did::Abridged => json!({ "action": "abridged" }),
        Did::Commit { snapshot, cursor } => {
            json!({ "action": "commit", "snapshot": snapshot, "cursor": cursor })
        }
        Did::Seen => json!({ "action": "seen" }),
        Did::UpToDate => json!({ "action": "up-to-date" }),
        Did::Resumed(resumed) => {
            json!({ "action": if *resumed { "resumed" } else { "restarted" } })
        }
        Did::Fetch => json!({ "action": "invalidate" }),
        Did::Reconnect => json!({ "action": "reconnect" }),
        Did::Goodbye(reason) => json!({ "action": "goodbye", "reason": reason }),
        Did::Heartbeat => json!({ "action": "heartbeat" }),
        Did::Ignored(why) => json!({ "action": "ignored", "reason": why }),
        Did::Fault(error) => {
            let mut told = fault(error);
            told["action"] = "fault".into();
            told
        }
    }
}

pub(crate) fn fault(fault: &highwater::Fault) -> Value {
    let at = match fault {
        highwater::Fault::TooLarge { at, .. } => Some(*at),
        highwater::Fault::Data { .. } | highwater::Fault::Value { .. } => fault.number(),
        _ => None,
    };
    json!({ "code": fault.code(), "message": fault.to_string(), "at": at })
}
