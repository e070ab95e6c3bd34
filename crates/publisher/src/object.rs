//! Values: JSON objects that nobody here looks into.

use core::fmt;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A JSON object as text, checked once, on one line; a clone shares it.
///
/// Numbers, escapes and the order of members stay as they came; only white space between tokens is
/// dropped, so that the text can stand on one line of an event.
///
/// ```
/// use highwater_publisher::Object;
/// let object = Object::parse("{ \"on\": true,\n  \"share\": 1.50 }")?;
/// assert_eq!(object.as_str(), r#"{"on":true,"share":1.50}"#);
/// # Ok::<(), highwater_publisher::ObjectError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object(Arc<str>);

impl Object {
    /// Checks a text.
    pub fn parse(text: &str) -> Result<Self, ObjectError> {
        serde_json::from_str::<&RawValue>(text).map_err(ObjectError::Json)?.try_into()
    }

    /// The object on one line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Takes what `serde_json` has checked already, without checking it again.
impl TryFrom<&RawValue> for Object {
    type Error = ObjectError;

    fn try_from(raw: &RawValue) -> Result<Self, ObjectError> {
        let text = raw.get().trim_ascii();
        if text.starts_with('{') { Ok(Self(compact(text))) } else { Err(ObjectError::NotAnObject) }
    }
}

/// Why a text cannot be an item's value.
#[derive(Debug)]
#[non_exhaustive]
pub enum ObjectError {
    /// It is not JSON; the error says at which line and column.
    Json(serde_json::Error),
    /// It is JSON of another type: an array, a string, a number, `true`, `false` or `null`.
    NotAnObject,
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "not JSON: {error}"),
            Self::NotAnObject => f.write_str("the value is JSON, but not an object"),
        }
    }
}

impl core::error::Error for ObjectError {}

/// Drops the white space outside strings. The text is known to be JSON.
fn compact(json: &str) -> Arc<str> {
    // Mostly there is none at all, least of all in what was written down before.
    if !json.as_bytes().chunks(AT_ONCE).any(has_white_space) {
        return json.into();
    }
    let mut out = String::with_capacity(json.len());
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' | b'\t' | b'\n' | b'\r' if !quoted => {
                out.push_str(&json[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push_str(&json[start..]);
    out.into()
}

/// Looks at every byte, whatever it finds: compilers do many at once then.
fn has_white_space(piece: &[u8]) -> bool {
    let is_white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    piece.iter().fold(false, |found, byte| found | is_white(byte))
}

/// How many bytes are looked at between two chances to stop.
const AT_ONCE: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(Object::parse(text).unwrap().as_str(), expect);
    }

    #[test]
    fn white_space_goes_only_between_tokens() {
        check("{}", "{}");
        check(" \r\n{ \"a b\" : [ 1 , 2 ] ,\t\"c\": null }\n", r#"{"a b":[1,2],"c":null}"#);
        check(r#"{"quote": "\" \\", "next": " "}"#, r#"{"quote":"\" \\","next":" "}"#);
        check("{\"ü \u{2028}\": \"日 本\"}", "{\"ü \u{2028}\":\"日 本\"}");
        check(
            r#"{"n": 12345678901234567890.10e+5, "s": "\ud800"}"#,
            r#"{"n":12345678901234567890.10e+5,"s":"\ud800"}"#,
        );
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for text in ["1", "null", "[{}]", "\"{}\"", "true"] {
            assert!(matches!(Object::parse(text), Err(ObjectError::NotAnObject)), "{text}");
        }
        for text in ["", "{", "{} {}", "{'a':1}", "{\"a\":1,}", "{\"a\":\"\n\"}", "nul"] {
            assert!(matches!(Object::parse(text), Err(ObjectError::Json(_))), "{text}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        check(&deep, &deep);
    }
}
