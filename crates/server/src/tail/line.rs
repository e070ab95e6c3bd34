//! One line of `--json`: a transaction.

use super::rows::Told;
use super::text;
use highwater::{Action, Version};
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A transaction, or several that were put together, with the values as they were at its end.
#[derive(Debug)]
pub(super) struct Line {
    cursor: Option<Box<str>>,
    version: u64,
    pub(super) snapshot: bool,
    /// How many transactions it stands for.
    transactions: u64,
    /// About as many bytes as it holds.
    pub(super) bytes: usize,
    changes: BTreeMap<(Box<str>, Box<str>), Changed>,
}

#[derive(Debug)]
struct Changed {
    action: Action,
    version: Version,
    value: Option<Box<[u8]>>,
}

impl Line {
    /// A transaction that has changed nothing yet.
    pub(super) fn new(cursor: Option<Box<str>>, version: u64, snapshot: bool) -> Self {
        Self { cursor, version, snapshot, transactions: 1, bytes: 0, changes: BTreeMap::new() }
    }

    /// Adds a change. What a transaction does to one key is told as one change.
    pub(super) fn push(&mut self, told: &Told<'_>) {
        let &Told { action, kind, key, version, value } = told;
        let changed = Changed { action, version, value: value.map(Box::from) };
        self.put((kind.into(), key.into()), changed);
    }

    /// Goes on with a later line's transactions, as if both had been one.
    pub(super) fn append(&mut self, later: Self) {
        self.cursor = later.cursor;
        self.version = later.version;
        self.snapshot |= later.snapshot;
        self.transactions += later.transactions;
        for (name, changed) in later.changes {
            self.put(name, changed);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The line, with its end. Whatever could steer a terminal is written as an escape.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        let changes = self.changes.iter().map(|((kind, key), changed)| {
            let value = changed.value.as_deref();
            let read = value.map(|raw| serde_json::from_slice::<&RawValue>(raw).map_err(|_| raw));
            let (value, unreadable) = match read {
                Some(Ok(value)) => (Some(value), None),
                Some(Err(raw)) => (None, Some(String::from_utf8_lossy(raw))),
                None => (None, None),
            };
            let (action, version) = (changed.action.as_str(), changed.version);
            Entry { action, kind, key, version, value, unreadable }
        });
        let whole = Whole {
            cursor: self.cursor.as_deref(),
            version: self.version,
            snapshot: self.snapshot,
            transactions: (self.transactions > 1).then_some(self.transactions),
            changes: changes.collect(),
        };
        let mut line = text::escape(serde_json::to_string(&whole)?);
        line.push('\n');
        Ok(line)
    }

    fn put(&mut self, name: (Box<str>, Box<str>), mut next: Changed) {
        if let Some(before) = self.changes.remove(&name) {
            self.bytes -= size(&name, &before);
            next.action = match (before.action, next.action) {
                (Action::Insert, Action::Delete) => return,
                (Action::Insert, _) => Action::Insert,
                (Action::Delete, Action::Insert) => Action::Update,
                (_, action) => action,
            };
        }
        self.bytes += size(&name, &next);
        self.changes.insert(name, next);
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    cursor: Option<&'a str>,
    version: u64,
    snapshot: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    transactions: Option<u64>,
    changes: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    action: &'static str,
    kind: &'a str,
    key: &'a str,
    version: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
    /// What stands where a value should, when it is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<Cow<'a, str>>,
}

fn size((kind, key): &(Box<str>, Box<str>), changed: &Changed) -> usize {
    kind.len() + key.len() + changed.value.as_ref().map_or(0, |value| value.len()) + ENTRY
}

/// What an entry takes beside its texts, roughly.
const ENTRY: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn line(changes: &[(Action, &str, i64, &str)]) -> Line {
        let mut line = Line::new(None, 0, false);
        for &(action, key, version, value) in changes {
            let value = (action != Action::Delete).then_some(value.as_bytes());
            line.push(&Told { action, kind: "a", key, version, value });
        }
        line
    }

    fn read(line: &Line) -> Value {
        serde_json::from_str(&line.to_json().unwrap()).unwrap()
    }

    #[test]
    fn lines_put_together_say_what_they_come_to() {
        use Action::{Delete, Insert, Update};
        let mut all =
            line(&[(Insert, "new", 1, "1"), (Update, "old", 2, "2"), (Delete, "x", 3, "")]);
        all.append(line(&[(Delete, "new", 2, ""), (Update, "old", 3, "3"), (Insert, "x", 4, "4")]));
        all.append(line(&[(Insert, "last", 1, "1"), (Delete, "old", 4, "")]));
        assert_eq!(
            read(&all),
            json!({ "cursor": null, "version": 0, "snapshot": false, "transactions": 3, "changes": [
                { "action": "insert", "kind": "a", "key": "last", "version": 1, "value": 1 },
                { "action": "delete", "kind": "a", "key": "old", "version": 4 },
                { "action": "updated", "kind": "a", "key": "x", "version": 4, "value": 4 },
            ] })
        );
        let alone =
            line(&[(Insert, "last", 1, "1"), (Delete, "old", 4, ""), (Update, "x", 4, "4")]);
        assert_eq!(all.bytes, alone.bytes);
    }

    #[test]
    fn a_line_is_one_line_that_steers_nothing() {
        let odd = line(&[(
            Action::Insert,
            "\u{1b}[2J\u{9b}\n\u{202e}",
            1,
            "{\r\n\t\"n\": 1.50,\n\"s\": \"\u{9b}2J\u{7f}\u{2028}\"}",
        )]);
        let text = odd.to_json().unwrap();
        let text = text.strip_suffix('\n').unwrap();
        assert!(!text.chars().any(char::is_control) && !text.contains('\u{202e}'), "{text}");
        assert!(text.contains("1.50"), "{text}");
        let change = &read(&odd)["changes"][0];
        assert_eq!(change["key"], "\u{1b}[2J\u{9b}\n\u{202e}");
        assert_eq!(change["value"]["s"], "\u{9b}2J\u{7f}\u{2028}");
    }

    #[test]
    fn a_value_that_is_not_json_is_told_as_it_came() {
        let bad = read(&line(&[(Action::Insert, "k", 1, "{\"a\":\u{1b}")]));
        assert_eq!(bad["changes"][0]["unreadable"], "{\"a\":\u{1b}");
        assert_eq!(bad["changes"][0]["value"], Value::Null);
    }
}
