//! JSON as Go writes it: members by name, and what could be markup escaped.

use super::canonical::{Places, places};
use core::fmt::{self, Write as _};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The members of the data beside the event's own.
pub(super) fn event(topic: &str, sequence_id: &str, data: &str) -> Result<String, NoObject> {
    match places(data) {
        Some(places) => Ok(between(places, topic, sequence_id, data)),
        None => in_order(topic, sequence_id, data),
    }
}

/// The event's own put between members of data that are in order already: a fifth of the time that
/// taking them apart takes.
fn between(places: Places, topic: &str, sequence_id: &str, data: &str) -> String {
    let Places { sequence_id: first, topic: second, end } = places;
    let mut out = String::with_capacity(data.len() + topic.len() + sequence_id.len() + 28);
    out.push_str(&data[..first]);
    if first == end && first > 1 {
        out.push(',');
    }
    out.push_str("\"sequenceId\":");
    text(&mut out, sequence_id);
    out.push(',');
    out.push_str(&data[first..second]);
    if second == end && second > first {
        out.push(',');
    }
    out.push_str("\"topic\":");
    text(&mut out, topic);
    if second < end {
        out.push(',');
    }
    out.push_str(&data[second..]);
    out
}

/// Any object, taken apart and put in order.
fn in_order(topic: &str, sequence_id: &str, data: &str) -> Result<String, NoObject> {
    let raw: &RawValue = serde_json::from_str(data).map_err(NoObject::Json)?;
    if !raw.get().starts_with('{') {
        return Err(NoObject::Other);
    }
    let Members(members) = serde_json::from_str(raw.get()).map_err(NoObject::Json)?;
    let ours = [("topic", topic), ("sequenceId", sequence_id)];
    let mut members: Vec<_> = members
        .into_iter()
        .filter(|(name, _)| ours.iter().all(|(our, _)| our != name))
        .map(|(name, raw)| (name, Member::Json(raw)))
        .chain(ours.map(|(name, text)| (Cow::Borrowed(name), Member::Text(text))))
        .collect();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut out = String::with_capacity(data.len() + topic.len() + sequence_id.len() + 32);
    list(&mut out, ('{', '}'), members, |out, (name, member)| {
        text(out, &name);
        out.push(':');
        match member {
            Member::Text(content) => text(out, content),
            Member::Json(raw) => value(out, raw, DEPTH),
        }
    });
    Ok(out)
}

/// A JSON string.
pub(super) fn text(out: &mut String, content: &str) {
    out.push('"');
    let mut written = 0;
    for (at, special) in content.char_indices().filter(|(_, character)| is_special(*character)) {
        out.push_str(&content[written..at]);
        written = at + special.len_utf8();
        match special {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other => {
                write!(out, "\\u{:04x}", u32::from(other)).expect("a String takes everything");
            }
        }
    }
    out.push_str(&content[written..]);
    out.push('"');
}

const fn is_special(character: char) -> bool {
    matches!(character, '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..'\u{20}')
}

/// An object's members by name; of those of one name the last.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(Text(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                members.sort_by(|(one, _): &(Cow<'_, str>, _), (other, _)| one.cmp(other));
                members.dedup_by(|later, earlier| {
                    let is_same = later.0 == earlier.0;
                    if is_same {
                        core::mem::swap(later, earlier);
                    }
                    is_same
                });
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A string, copied only if it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

enum Member<'a> {
    Text(&'a str),
    Json(&'a RawValue),
}

fn value(out: &mut String, raw: &RawValue, depth: usize) {
    let json = raw.get();
    let deeper = depth.checked_sub(1);
    match (json.as_bytes()[0], deeper) {
        (b'{', Some(depth)) => {
            if let Ok(Members(members)) = serde_json::from_str(json) {
                return list(out, ('{', '}'), members, |out, (name, member)| {
                    text(out, &name);
                    out.push(':');
                    value(out, member, depth);
                });
            }
        }
        (b'[', Some(depth)) => {
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) {
                return list(out, ('[', ']'), items, |out, item| value(out, item, depth));
            }
        }
        (b'"', _) => {
            if let Ok(Text(content)) = serde_json::from_str(json) {
                return text(out, &content);
            }
        }
        _ => {}
    }
    // A number, a literal, or what cannot be taken apart: it is JSON in any case.
    out.push_str(json);
}

fn list<T>(
    out: &mut String,
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

/// Why data cannot be an event's.
pub(super) enum NoObject {
    Json(serde_json::Error),
    Other,
}

impl fmt::Display for NoObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "is no JSON object: {error}"),
            Self::Other => f.write_str("is JSON, but no object"),
        }
    }
}

/// How deep values are put in order; what lies deeper stays as it came.
const DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Text of which half has something in it that is written otherwise.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9 _.:/é日]{0,12}",
            "[a-z\"\\\\<>&\u{1}\u{7f}\u{2027}\u{2028}]{0,4}",
            Just("topic".to_owned()),
            Just("sequenceId".to_owned()),
        ]
    }

    /// JSON as somebody may have written it: sorted or not, with white space or without.
    fn values() -> impl Strategy<Value = String> {
        let numbers = ["0", "-1.50", "1e+5", "12345678901234567890"].map(str::to_owned).to_vec();
        let leaf = prop_oneof![
            prop::sample::select(vec!["null".to_owned(), "true".to_owned(), "false".to_owned()]),
            prop::sample::select(numbers),
            texts().prop_map(|text| serde_json::to_string(&text).unwrap()),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                objects(inner),
            ]
        })
    }

    fn objects(inner: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
        let members = prop::collection::vec((texts(), inner), 0..5);
        (members, any::<bool>(), any::<bool>()).prop_map(|(mut members, sorted, spaced)| {
            if sorted {
                members.sort();
                members.dedup_by(|one, other| one.0 == other.0);
            }
            let members = members.into_iter().map(|(name, value)| {
                let name = serde_json::to_string(&name).unwrap();
                if spaced { format!("{name}: {value}") } else { format!("{name}:{value}") }
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        })
    }

    proptest! {
        #[test]
        fn both_ways_lead_to_the_same(data in objects(values()), topic in texts(), id in texts()) {
            let slow = in_order(&topic, &id, &data);
            prop_assert_eq!(event(&topic, &id, &data).ok(), slow.ok());
        }

        #[test]
        fn what_is_no_json_is_left_to_who_can_say_why(
            data in objects(values()), at in any::<prop::sample::Index>(), with in "[{}\\[\\]\",:0-9a .eE+-]?"
        ) {
            let (at, _) = data.char_indices().nth(at.index(data.chars().count())).unwrap();
            let spoilt = format!("{}{with}{}", &data[..at], data[at..].chars().skip(1).collect::<String>());
            prop_assert!(places(&spoilt).is_none() || in_order("t", "1", &spoilt).is_ok());
        }
    }

    #[test]
    fn what_comes_as_it_goes_is_only_looked_at() {
        for (data, expect) in [
            ("{}", r#"{"sequenceId":"1","topic":"t"}"#),
            (r#"{"a":1}"#, r#"{"a":1,"sequenceId":"1","topic":"t"}"#),
            (r#"{"z":[{},[]]}"#, r#"{"sequenceId":"1","topic":"t","z":[{},[]]}"#),
            (
                r#"{"a":-0.1e5,"t":{"b":"é"}}"#,
                r#"{"a":-0.1e5,"sequenceId":"1","t":{"b":"é"},"topic":"t"}"#,
            ),
            (r#"{"a":1,"t":2,"u":3}"#, r#"{"a":1,"sequenceId":"1","t":2,"topic":"t","u":3}"#),
        ] {
            assert!(places(data).is_some(), "{data}");
            assert_eq!(event("t", "1", data).ok().unwrap(), expect);
        }
        for data in [
            "",
            "{",
            "{}}",
            "{} ",
            " {}",
            "[]",
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":1,}"#,
            r#"{"a" :1}"#,
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"topic":1}"#,
            r#"{"sequenceId":1}"#,
            r#"{"a":"<"}"#,
            r#"{"a":"\n"}"#,
            "{\"a\":\"\u{2028}\"}",
            r#"{"a":nul}"#,
            r#"{"a":{"b":1,"a":1}}"#,
        ] {
            assert_eq!(places(data), None, "{data}");
        }
    }
}
