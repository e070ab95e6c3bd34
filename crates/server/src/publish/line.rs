//! A line of the input: a change, or a transaction of several.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The body of a request for what a line says.
///
/// A line is a change, `{"kind","key","object"}`, with `"op":"delete"` instead of an object to
/// delete, and with `"version"` and `"ifVersion"` as they are needed; or it is a transaction,
/// `{"operations":[change, …]}`. A change that does not say `ifVersion` is given the one here.
pub(super) fn transaction(line: &str, if_version: Option<i64>) -> Result<String, Box<str>> {
    let Form { operations } = parse(line)?;
    let mut whole: Whole<'_> = match operations {
        Some(_) => parse(line)?,
        None => Whole { operations: vec![parse(line)?] },
    };
    for change in &mut whole.operations {
        change.if_version = change.if_version.or(if_version);
    }
    serde_json::to_string(&whole).map_err(|error| error.to_string().into())
}

/// Which of the two it is.
#[derive(Deserialize)]
struct Form {
    operations: Option<IgnoredAny>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Whole<'a> {
    #[serde(borrow)]
    operations: Vec<Change<'a>>,
}

/// The server judges whether it makes sense.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Change<'a> {
    #[serde(default)]
    op: Op,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    object: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_version: Option<i64>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    #[default]
    Put,
    Delete,
}

/// Within a line only the column says anything.
fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, Box<str>> {
    serde_json::from_str(line).map_err(|error| {
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
        format!("{what} at column {}", error.column()).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_change_or_a_transaction() {
        let check = |line: &str, if_version, expect: &str| {
            assert_eq!(transaction(line, if_version).as_deref(), Ok(expect), "{line}");
        };
        check(
            r#" { "kind": "a", "key": "1", "object": {"n": 1.50} } "#,
            None,
            r#"{"operations":[{"op":"put","kind":"a","key":"1","object":{"n": 1.50}}]}"#,
        );
        check(
            r#"{"op":"delete","kind":"a","key":"\u0031","ifVersion":7}"#,
            Some(0),
            r#"{"operations":[{"op":"delete","kind":"a","key":"1","ifVersion":7}]}"#,
        );
        check(
            r#"{"operations":[{"kind":"a","key":"1","object":{},"version":3},{"op":"delete","kind":"b","key":"2"}]}"#,
            Some(4),
            r#"{"operations":[{"op":"put","kind":"a","key":"1","object":{},"version":3,"ifVersion":4},{"op":"delete","kind":"b","key":"2","ifVersion":4}]}"#,
        );
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        let check = |line: &str, words: &str| {
            let said = transaction(line, None).unwrap_err();
            assert!(said.contains(words) && !said.contains("line"), "{line}: {said}");
        };
        check("x", "expected value at column 1");
        check(r#"{"kind":"a","key":"1","object":{}} {}"#, "trailing characters at column 36");
        check(r#"{"kind":"a","object":{}}"#, "missing field `key` at column");
        check(r#"{"kind":"a","key":"1","value":{}}"#, "unknown field `value`");
        check(r#"{"op":"drop","kind":"a","key":"1"}"#, "unknown variant `drop`");
        check(r#"{"operations":[{"kind":"a"}]}"#, "missing field `key`");
        check(r#"{"operations":[],"kind":"a"}"#, "unknown field `kind`");
        check("[]", "invalid");
    }
}
