//! Text of a stream's, made fit for a terminal.

use std::borrow::Cow;

/// A stream must not steer the terminal that shows it: control characters, and those that turn
/// the direction of writing, become U+FFFD.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_odd) {
        Cow::Owned(text.chars().map(|c| if is_odd(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a character does something else than stand where it was written.
pub(crate) fn is_odd(c: char) -> bool {
    let turns = matches!(c,
        '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control()
}

/// A value on one line: outside its strings JSON has no use for line breaks.
pub(crate) fn value(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    clean(&text.replace(['\n', '\r', '\t'], " ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{9b}c\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
        assert!(matches!(clean("日本 é"), Cow::Borrowed(_)));
        assert_eq!(value(b"{\n\t\"a\":1}\xff"), "{  \"a\":1}\u{fffd}");
    }
}
