//! Members that SDKs insist on, and people leave out.

use crate::streams::update::Kind;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// An item with all that SDKs insist on, but for its version.
pub(super) fn whole(kind: Kind, key: &str, json: &str) -> String {
    let name = serde_json::Value::from(key).to_string();
    let whole = complete(json, &[&[("key", &*name)], defaults(kind)].concat());
    if kind == Kind::Segment {
        return whole;
    }
    let whole = replace(&whole, "clientSideAvailability", |who| Some(complete(who, AVAILABILITY)));
    each(&whole, "rules", |rule| {
        each(&complete(rule, RULE), "clauses", |clause| complete(clause, CLAUSE))
    })
}

/// Adds the members that are missing at the end of an object; anything else stays as it is.
pub(super) fn complete(object: &str, members: &[(&str, &str)]) -> String {
    let Ok(there) = serde_json::from_str::<HashMap<String, &RawValue>>(object) else {
        return object.to_owned();
    };
    let end = object.rfind('}').unwrap_or(object.len());
    let mut out = object[..end].to_owned();
    let missing = members.iter().filter(|(name, _)| !there.contains_key(*name));
    for (position, (name, value)) in missing.enumerate() {
        let comma = if position == 0 && there.is_empty() { "" } else { "," };
        out.extend([comma, "\"", name, "\":", value]);
    }
    out.push('}');
    out
}

/// Does something to each element of the list that a member is, if it is one.
fn each(object: &str, member: &str, change: impl Fn(&str) -> String) -> String {
    replace(object, member, |list| {
        let elements = serde_json::from_str::<Vec<&RawValue>>(list).ok()?;
        let changed: Vec<_> = elements.into_iter().map(|element| change(element.get())).collect();
        Some(format!("[{}]", changed.join(",")))
    })
}

/// Puts another value in the place of a member's, if it is there.
pub(super) fn replace(
    object: &str,
    member: &str,
    change: impl Fn(&str) -> Option<String>,
) -> String {
    let members = serde_json::from_str::<HashMap<String, &RawValue>>(object).unwrap_or_default();
    let value = members.get(member).map(|value| value.get());
    let Some((value, anew)) = value.and_then(|value| Some((value, change(value)?))) else {
        return object.to_owned();
    };
    let start = value.as_ptr().addr() - object.as_ptr().addr();
    format!("{}{anew}{}", &object[..start], &object[start + value.len()..])
}

const RULE: &[(&str, &str)] = &[("clauses", "[]"), ("trackEvents", "false")];
const AVAILABILITY: &[(&str, &str)] =
    &[("usingMobileKey", "false"), ("usingEnvironmentId", "false")];
const CLAUSE: &[(&str, &str)] = &[("attribute", "\"\""), ("values", "[]"), ("negate", "false")];

/// What SDKs insist on.
pub(super) fn defaults(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Flag => &[
            ("on", "false"),
            ("prerequisites", "[]"),
            ("targets", "[]"),
            ("contextTargets", "[]"),
            ("rules", "[]"),
            ("fallthrough", "{}"),
            ("offVariation", "null"),
            ("variations", "[]"),
            ("salt", "\"\""),
        ],
        Kind::Segment => &[
            ("included", "[]"),
            ("excluded", "[]"),
            ("includedContexts", "[]"),
            ("excludedContexts", "[]"),
            ("rules", "[]"),
            ("salt", "\"\""),
        ],
    }
}
