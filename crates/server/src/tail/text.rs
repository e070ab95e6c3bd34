//! Text fit for a terminal: clean, of one line, and no wider than its place.

use crate::replay::text::is_odd;
pub(super) use crate::replay::text::{clean, value as whole};
use core::fmt::Write as _;
use unicode_width::UnicodeWidthChar as _;

/// Text of at most `width` cells; an ellipsis stands for what is left out.
pub(super) fn fit(text: &str, width: usize) -> String {
    let (mut out, mut used) = (String::new(), 0);
    let mut end = 0; // of what would stand before an ellipsis
    // Marks that combine take no cell: nor may they be without end.
    for (count, c) in text.chars().enumerate() {
        let cells = c.width().unwrap_or(0);
        if used + cells > width || count > 4 * width {
            out.truncate(end);
            if width > 0 {
                out.push('…');
            }
            return out;
        }
        used += cells;
        out.push(c);
        if used < width {
            end = out.len();
        }
    }
    out
}

/// Text of exactly `width` cells.
pub(super) fn pad(text: &str, width: usize) -> String {
    let mut out = fit(text, width);
    out.extend(core::iter::repeat_n(' ', width.saturating_sub(cells(&out))));
    out
}

/// How many cells a text takes.
pub(super) fn cells(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The beginning of a value, enough to fill this many cells, on one line.
pub(super) fn value(raw: &[u8], width: usize) -> String {
    // A character takes four bytes at most, and one beyond the width makes an ellipsis.
    let enough = raw.len().min(4 * (width + 1));
    fit(&whole(&raw[..enough]), width)
}

/// JSON with nothing in it that steers a terminal: such characters stand only within strings, where
/// they can be escapes, but for line breaks and tabs, which are nothing but space.
pub(super) fn escape(json: String) -> String {
    if !json.chars().any(is_odd) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_odd(c) => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_its_place() {
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!((fit("abc", 1), fit("abc", 0)), ("…".into(), String::new()));
        assert_eq!(pad("日本語", 4), "日… ");
        assert_eq!(pad("a", 3), "a  ");
        let marks = format!("a{}", "\u{301}".repeat(10_000));
        assert!(fit(&marks, 10).len() < 100);
    }

    #[test]
    fn only_the_beginning_of_a_value_is_looked_at() {
        let long = format!("[{}]", "\"日本\",\n".repeat(1 << 20));
        assert_eq!(value(long.as_bytes(), 12), "[\"日本\", \"…");
        assert_eq!(value(b"[1,\x1b]", 80), "[1,\u{fffd}]");
    }
}
