//! What flags come to for a client, and what each protocol says of it.

use super::environment::Environment;
use super::question::Question;
use super::source::Words;
use bytes::Bytes;
use highwater_relay::Evaluated;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What every flag comes to, at one moment.
pub(super) struct Values {
    all: BTreeMap<String, Evaluated>,
    environment: String,
    /// How far the environment was.
    index: u64,
}

/// An event: its name, its data, and for who resumes by it its id.
pub(super) struct Told {
    name: &'static str,
    data: String,
    id: Option<String>,
}

/// What leads from one set of values to another.
enum Step<'a> {
    Nothing,
    Some { puts: Vec<(&'a str, &'a Evaluated)>, deletes: Vec<(&'a str, u64)> },
    Everything,
}

impl Values {
    pub(super) fn of(environment: &Environment, question: &Question) -> Self {
        let index = environment.with(|streams| streams.store_mut().topic().index());
        let rules = environment.rules();
        let all = rules.evaluate(&question.context, question.audience, question.with_reasons);
        let all = all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Self { all, environment: environment.params().id.as_str().to_owned(), index }
    }

    pub(super) fn to_json(&self) -> String {
        text(&self.all)
    }

    /// What a client that has these values shows when it comes back. It is made of nothing but the
    /// values: it holds at any server, and for as long as they do.
    pub(super) fn state(&self) -> String {
        let mut state = format!("{:x}", Sha256::digest(self.to_json()));
        state.truncate(32);
        state
    }

    /// What a client is told that has other values, or none.
    pub(super) fn since(&self, before: Option<&Self>, words: Words) -> Vec<Told> {
        match (self.step(before), words) {
            (Step::Nothing, _) => Vec::new(),
            (Step::Everything, Words::FDv1) => vec![Told::new("put", self.to_json())],
            (Step::Some { puts, deletes }, Words::FDv1) => {
                let puts = puts.into_iter().map(|(key, value)| text(&Patch { key, value }));
                let puts = puts.map(|data| Told::new("patch", data));
                let deletes = deletes.into_iter().map(|(key, version)| {
                    Told::new("delete", json!({ "key": key, "version": version }).to_string())
                });
                puts.chain(deletes).collect()
            }
            (Step::Everything, Words::FDv2) => {
                let mut told = vec![self.intent("xfer-full", "payload-missing")];
                told.extend(self.all.iter().map(|(key, value)| put_object(key, value)));
                told.push(self.transferred());
                told
            }
            (Step::Some { puts, deletes }, Words::FDv2) => {
                let puts = puts.into_iter().map(|(key, value)| put_object(key, value));
                let deletes = deletes.into_iter().map(|(key, version)| {
                    let data = json!({ "version": version, "kind": KIND, "key": key });
                    Told::new("delete-object", data.to_string())
                });
                puts.chain(deletes).chain([self.transferred()]).collect()
            }
        }
    }

    /// What a client of the newest protocol is told that has just these values.
    pub(super) fn up_to_date(&self) -> Vec<Told> {
        vec![self.intent("none", "up-to-date")]
    }

    /// Clients believe a single change only at a newer version; where a value has changed without (a
    /// segment has, or a flag that it depends on), they are told everything.
    fn step<'a>(&'a self, before: Option<&'a Self>) -> Step<'a> {
        let Some(before) = before else { return Step::Everything };
        let mut puts = Vec::new();
        for (key, value) in &self.all {
            match before.all.get(key) {
                Some(same) if same == value => {}
                Some(old) if old.version < value.version => puts.push((&**key, value)),
                // What is new may have been deleted at a newer version, of which nothing is known
                // here.
                Some(_) | None => return Step::Everything,
            }
        }
        let gone = before.all.iter().filter(|(key, _)| !self.all.contains_key(*key));
        let deletes: Vec<_> = gone.map(|(key, value)| (&**key, value.version + 1)).collect();
        if puts.is_empty() && deletes.is_empty() {
            return Step::Nothing;
        }
        Step::Some { puts, deletes }
    }

    fn intent(&self, code: &str, reason: &str) -> Told {
        let payload = json!({
            "id": self.environment, "target": self.index, "intentCode": code, "reason": reason,
        });
        Told::new("server-intent", json!({ "payloads": [payload] }).to_string())
    }

    fn transferred(&self) -> Told {
        let state = self.state();
        let data = json!({ "state": state, "version": self.index }).to_string();
        Told { id: Some(state), ..Told::new("payload-transferred", data) }
    }
}

fn put_object(key: &str, value: &Evaluated) -> Told {
    Told::new(
        "put-object",
        text(&PutObject { kind: KIND, key, version: value.version, object: value }),
    )
}

impl Told {
    fn new(name: &'static str, data: String) -> Self {
        Self { name, data, id: None }
    }

    /// On a stream.
    pub(super) fn to_events(told: &[Self]) -> Bytes {
        let mut out = String::new();
        for Self { name, data, id } in told {
            out.extend(["event: ", name, "\n"]);
            if let Some(id) = id {
                out.extend(["id: ", id, "\n"]);
            }
            out.extend(["data: ", data, "\n\n"]);
        }
        out.into()
    }

    /// As the answer to a poll.
    pub(super) fn to_json(told: &[Self]) -> Bytes {
        let event =
            |Self { name, data, .. }: &Self| format!("{{\"event\":\"{name}\",\"data\":{data}}}");
        let events: Vec<_> = told.iter().map(event).collect();
        format!("{{\"events\":[{}]}}", events.join(",")).into()
    }
}

#[derive(Serialize)]
struct Patch<'a> {
    key: &'a str,
    #[serde(flatten)]
    value: &'a Evaluated,
}

#[derive(Serialize)]
struct PutObject<'a> {
    kind: &'static str,
    key: &'a str,
    version: u64,
    object: &'a Evaluated,
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default() // texts and JSON have a JSON form
}

const KIND: &str = "flag-eval";

#[cfg(test)]
mod tests {
    use super::*;

    fn values(all: &[(&str, u64, i64)]) -> Values {
        let value = |version, value: i64| Evaluated {
            value: value.into(),
            variation: Some(0),
            version,
            flag_version: version,
            track_events: false,
            track_reason: false,
            debug_events_until_date: None,
            reason: None,
        };
        let all = all.iter().map(|(key, version, one)| ((*key).to_owned(), value(*version, *one)));
        Values { all: all.collect(), environment: "e".into(), index: 7 }
    }

    fn names(before: Option<&Values>, now: &Values, words: Words) -> Vec<&'static str> {
        now.since(before, words).into_iter().map(|told| told.name).collect()
    }

    #[test]
    fn a_client_is_told_the_least_that_it_believes() {
        let before = values(&[("a", 1, 1), ("b", 1, 1)]);
        let names = |before: Option<&Values>, now: &Values| {
            let newest = names(before, now, Words::FDv2);
            let older = names(before, now, Words::FDv1);
            assert_eq!(newest.is_empty(), older.is_empty());
            assert_eq!(newest.contains(&"server-intent"), older.contains(&"put"));
            older
        };
        assert_eq!(names(None, &before), ["put"]);
        assert!(names(Some(&before), &before).is_empty());
        assert_eq!(names(Some(&before), &values(&[("a", 2, 2), ("b", 1, 1)])), ["patch"]);
        assert_eq!(names(Some(&before), &values(&[("a", 2, 2)])), ["patch", "delete"]);
        assert_eq!(names(Some(&before), &values(&[("a", 1, 2), ("b", 1, 1)])), ["put"]);
        let more = values(&[("a", 1, 1), ("b", 1, 1), ("c", 1, 1)]);
        assert_eq!(names(Some(&before), &more), ["put"]);
    }

    #[test]
    fn the_newest_protocol_has_transactions_and_a_state_made_of_the_values() {
        let (before, now) = (values(&[("a", 1, 1), ("b", 1, 1)]), values(&[("a", 2, 2)]));
        assert_eq!(
            names(Some(&before), &now, Words::FDv2),
            ["put-object", "delete-object", "payload-transferred"]
        );
        let events = Told::to_events(&now.since(None, Words::FDv2));
        let state = now.state();
        assert_eq!(
            core::str::from_utf8(&events).unwrap(),
            format!(
                "event: server-intent\ndata: {{\"payloads\":[{{\"id\":\"e\",\"intentCode\":\"xfer-full\",\
                 \"reason\":\"payload-missing\",\"target\":7}}]}}\n\n\
                 event: put-object\ndata: {{\"kind\":\"flag-eval\",\"key\":\"a\",\"version\":2,\"object\":\
                 {{\"value\":2,\"variation\":0,\"version\":2,\"flagVersion\":2}}}}\n\n\
                 event: payload-transferred\nid: {state}\ndata: {{\"state\":\"{state}\",\"version\":7}}\n\n"
            )
        );
        assert_ne!(state, before.state());
        assert_eq!(state, Values { index: 9, ..values(&[("a", 2, 2)]) }.state());
        assert_eq!(Told::to_json(&now.since(Some(&now), Words::FDv2)), "{\"events\":[]}");
    }
}
