//! A one-pass reader of JSON that hands out spans and builds nothing.
//!
//! It checks the grammar of all that it walks over (RFC 8259), names the byte where that fails,
//! and takes no more memory than a fixed stack of brackets.

mod path;
mod raw;
mod reader;
mod text;

pub(crate) use path::Path;
pub(crate) use raw::{Raw, fields, fields_or_null};
pub(crate) use reader::{Reader, whole_number};
pub(crate) use text::Text;

/// Why a text is not the JSON that was asked for, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Offset of the offending byte in the text.
    pub at: usize,
    /// What was wrong or wanted there.
    pub what: &'static str,
}

type Result<T> = core::result::Result<T, JsonError>;

/// Checks that `text` is one JSON value and valid UTF-8, without keeping any of it.
pub(crate) fn check(text: &[u8]) -> Result<()> {
    if let Err(error) = core::str::from_utf8(text) {
        return Err(JsonError { at: error.valid_up_to(), what: "invalid UTF-8" });
    }
    let mut reader = Reader::new(text);
    reader.value()?;
    reader.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn whole(text: &str) -> core::result::Result<&str, (usize, &'static str)> {
        let mut reader = Reader::new(text.as_bytes());
        let value = reader.value().and_then(|value| reader.end().map(|()| value));
        value.map(|raw| core::str::from_utf8(raw).unwrap()).map_err(|error| (error.at, error.what))
    }

    #[test]
    fn values_are_spans_of_the_text() {
        for text in
            ["1", "-0.5e+7", "\"a\\u00e9\\n\"", "[]", "{}", "[1,[2,{\"a\":[]}]]", "true", "null"]
        {
            assert_eq!(whole(text), Ok(text));
            assert_eq!(whole(&format!(" {text}\n")), Ok(text));
        }
    }

    #[test]
    fn bad_text_is_named_with_its_place() {
        for (text, at) in [
            ("", 0),
            ("{\"oh no", 7),
            ("[1,]", 3),
            ("{\"a\":1,}", 7),
            ("{\"a\" 1}", 5),
            ("01", 1),
            ("1.", 2),
            ("-", 1),
            ("\"\\x\"", 1),
            ("\"a\nb\"", 2),
            ("tru", 0),
            ("1 x", 2),
            ("[1}", 2),
            ("{1:2}", 1),
            ("\"\\u12g4\"", 1),
        ] {
            assert_eq!(whole(text).map_err(|(at, _)| at), Err(at), "{text}");
        }
    }

    #[test]
    fn nesting_has_a_bound_and_no_recursion() {
        let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(whole(&deep(512)).is_ok());
        assert_eq!(whole(&deep(513)), Err((513, "nested too deeply")));
    }

    #[test]
    fn escapes_are_undone() {
        let text = |json: &'static str| {
            Reader::new(json.as_bytes()).text().unwrap().decode().unwrap().into_owned()
        };
        assert_eq!(text(r#""a\/\"\\\u00e9\ud83d\ude00\n""#), "a/\"\\é😀\n");
        assert_eq!(text(r#""\ud83dx""#), "\u{fffd}x");
        assert_eq!(text(r#""\ud83d\u0041""#), "\u{fffd}A");
    }

    #[test]
    fn integers_are_exact_or_refused() {
        let i64 = |json: &'static str| Reader::new(json.as_bytes()).i64().ok();
        assert_eq!(i64("9007199254740993"), Some(9_007_199_254_740_993));
        assert_eq!(i64("-9223372036854775808"), Some(i64::MIN));
        for bad in ["9223372036854775808", "1.0", "1e3", "\"1\"", "null", "[]"] {
            assert_eq!(i64(bad), None, "{bad}");
        }
        let u64 = |json: &'static str| Reader::new(json.as_bytes()).u64().ok();
        assert_eq!(u64("\"18446744073709551615\""), Some(u64::MAX));
        assert_eq!(u64("-1"), None);
    }

    #[test]
    fn pointers_find_what_they_name() {
        let text = br#"{"a":{"b/c":[10,{"~":true}]},"":0}"#;
        let at = |path: &str| {
            let raw = Path::new(path).find(Reader::new(text)).unwrap();
            raw.map(|raw| core::str::from_utf8(raw.bytes()).unwrap())
        };
        assert_eq!(at("/a/b~1c/1/~0"), Some("true"));
        assert_eq!(at("/a/b~1c/0"), Some("10"));
        assert_eq!(at("/"), Some("0"));
        assert_eq!(at("/a/b~1c/2"), None);
        assert_eq!(at("/a/x"), None);
        assert_eq!(at("").map(str::len), Some(text.len()));
    }
}
