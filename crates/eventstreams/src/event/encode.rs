//! JSON as Go writes it: members by name, and what could be markup escaped.

use core::fmt::Write as _;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The members of the data beside the event's own.
pub(super) fn event(topic: &str, sequence_id: &str, data: &str) -> Result<String, NoObject> {
    let raw: &RawValue = serde_json::from_str(data).map_err(NoObject::Json)?;
    let mut members: BTreeMap<String, Member<'_>> = if raw.get().trim_ascii().starts_with('{') {
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_str(raw.get()).map_err(NoObject::Json)?;
        members.into_iter().map(|(name, raw)| (name, Member::Json(raw))).collect()
    } else {
        return Err(NoObject::Other);
    };
    members.insert("topic".into(), Member::Text(topic));
    members.insert("sequenceId".into(), Member::Text(sequence_id));
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
    for character in content.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..'\u{20}' => {
                write!(out, "\\u{:04x}", u32::from(character)).expect("a String takes everything");
            }
            _ => out.push(character),
        }
    }
    out.push('"');
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
            if let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
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
            if let Ok(content) = serde_json::from_str::<String>(json) {
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

impl core::fmt::Display for NoObject {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Json(error) => write!(f, "is no JSON object: {error}"),
            Self::Other => f.write_str("is JSON, but no object"),
        }
    }
}

/// How deep values are put in order; what lies deeper stays as it came.
const DEPTH: usize = 64;
