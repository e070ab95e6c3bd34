//! A one-pass reader of JSON that hands out spans and builds nothing.
//!
//! It checks the grammar of all that it walks over (RFC 8259), names the byte where that fails,
//! and takes no more memory than a fixed stack of brackets.

mod path;
mod reader;
mod text;

pub(crate) use path::Path;
pub(crate) use reader::Reader;
pub(crate) use text::unescape;

/// Where a value stands in a text: from one byte to another, in a number that fits a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raw(u64);

impl Raw {
    /// No value.
    pub(crate) const NONE: Self = Self(0);
    /// Some value, wherever it is.
    pub(crate) const SOME: Self = Self(1);

    const fn new(start: usize, end: usize) -> Self {
        Self((start as u64) << 32 | end as u64)
    }

    pub(crate) const fn start(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub(crate) const fn end(self) -> usize {
        self.0 as u32 as usize
    }

    pub(crate) const fn is_some(self) -> bool {
        self.0 != 0
    }

    /// The string without so many bytes at the start of its content.
    pub(crate) const fn behind(self, bytes: usize) -> Self {
        Self::new(self.start() + bytes, self.end())
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        if self.is_some() { self } else { other }
    }
}

/// The number that these decimal digits are, if it fits and they are nothing else.
pub(crate) fn whole_number(digits: &[u8]) -> Option<u64> {
    // The greatest has 20 digits; with more, or with other bytes, it is none.
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    let mut number = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 || number > u64::MAX / 10 {
            return None;
        }
        number = (number * 10).wrapping_add(u64::from(digit));
        if number < u64::from(digit) {
            return None; // it went round
        }
    }
    Some(number)
}

/// Why a text is not the JSON that was asked for, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Offset of the offending byte in the text.
    pub at: usize,
    /// What was wrong or wanted there.
    pub what: &'static str,
}

/// Checks that `text` is one JSON value and valid UTF-8, without keeping any of it.
pub(crate) fn check(text: &[u8]) -> Result<(), JsonError> {
    if let Err(error) = core::str::from_utf8(text) {
        return Err(JsonError { at: error.valid_up_to(), what: "invalid UTF-8" });
    }
    let mut reader = Reader::new(text);
    reader.value();
    reader.end();
    reader.fault().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    fn whole(text: &str) -> Result<&str, (usize, &'static str)> {
        let mut reader = Reader::new(text.as_bytes());
        let value = reader.value();
        reader.end();
        let fault = reader.fault().map(|fault| (fault.at, fault.what));
        fault.map_or_else(|| Ok(core::str::from_utf8(reader.bytes(value)).unwrap()), Err)
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
        let text = |content: &str| {
            let mut out = Vec::new();
            unescape(content.as_bytes(), &mut out);
            alloc::string::String::from_utf8(out).unwrap()
        };
        assert_eq!(text(r#"a\/\"\\\u00e9\ud83d\ude00\n"#), "a/\"\\é😀\n");
        assert_eq!(text(r"\ud83dx"), "\u{fffd}x");
        assert_eq!(text(r"\ud83d\u0041"), "\u{fffd}A");
        assert_eq!(text(r"\ud83d\ud83d\ude00"), "\u{fffd}😀");
    }

    #[test]
    fn integers_are_exact_or_refused() {
        let reader = |json: &'static str| {
            let mut reader = Reader::new(json.as_bytes());
            let raw = reader.value();
            (reader, raw)
        };
        let i64 = |json| {
            let (mut reader, raw) = reader(json);
            let number = reader.i64(raw);
            reader.fault().is_none().then_some(number)
        };
        assert_eq!(i64("9007199254740993"), Some(9_007_199_254_740_993));
        assert_eq!(i64("-9223372036854775808"), Some(i64::MIN));
        for bad in ["9223372036854775808", "1.0", "1e3", "\"1\"", "null", "[]"] {
            assert_eq!(i64(bad), None, "{bad}");
        }
        let u64 = |json| {
            let (mut reader, raw) = reader(json);
            let number = reader.u64(raw);
            reader.fault().is_none().then_some(number)
        };
        assert_eq!(u64("\"18446744073709551615\""), Some(u64::MAX));
        assert_eq!(u64("-1"), None);
    }

    #[test]
    fn pointers_find_what_they_name() {
        let text = br#"{"a":{"b/c":[10,{"~":true}]},"":0}"#;
        let at = |path: &str| {
            let mut reader = Reader::new(text);
            let whole = reader.value();
            let found = Path::new(path).find(&mut reader, whole);
            found.is_some().then(|| core::str::from_utf8(reader.bytes(found)).unwrap())
        };
        assert_eq!(at("/a/b~1c/1/~0"), Some("true"));
        assert_eq!(at("/a/b~1c/0"), Some("10"));
        assert_eq!(at("/"), Some("0"));
        assert_eq!(at("/a/b~1c/2"), None);
        assert_eq!(at("/a/x"), None);
        assert_eq!(at("").map(str::len), Some(text.len()));
    }
}
