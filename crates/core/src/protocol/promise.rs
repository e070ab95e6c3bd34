//! Reading what was promised to be written in one way, and looking no further than need be.
//!
//! The full reader checks every byte of a value that perhaps nobody will read: over 300 bytes it
//! takes ten times as long. Where a server promises the order of members, with the value last,
//! the value is what is left. What is not exactly as promised is left to the full reader, and a
//! property test holds the two equal on what is.

use core::str;

use crate::json::whole_number;
use crate::message::Version;
use crate::same::behind;
use crate::sse::line_end;

/// An item as it is put.
pub(crate) struct Put<'a> {
    /// Its names, without escapes, and perhaps not UTF-8.
    pub(crate) kind: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) version: Version,
    pub(crate) value: &'a [u8],
}

/// Reads `{"kind":"…","key":"…","version":N,"object":…}` without looking into the value.
pub(super) fn put(data: &[u8]) -> Option<Put<'_>> {
    let put = members(data)?;
    let value = put.value.strip_suffix(b"}")?;
    (!value.is_empty()).then_some(Put { value, ..put })
}

/// Reads an event with such data that is whole, as our server frames it; and says how long it is.
///
/// Nearly all that comes is this, and so it is read from front to back, once.
#[inline]
pub(crate) fn framed(bytes: &[u8], limit: usize) -> Option<(Put<'_>, usize)> {
    let data = behind(bytes, b"event: put-object\ndata: ")?;
    let put = members(data)?;
    // The names of members have no line ends in them, nor has a name or a number.
    let (value, rest) = put.value.split_at_checked(line_end(put.value)?)?;
    let rest = behind(rest, b"\n\n")?;
    let value = value.strip_suffix(b"}")?;
    let size = bytes.len() - rest.len();
    let fits = size - FRAME <= limit;
    (fits && !value.is_empty()).then_some((Put { value, ..put }, size))
}

/// What of such an event counts for none of its fields' values.
const FRAME: usize = b"event: \ndata: \n\n".len();

/// Reads the members up to the value, which is what is left.
#[cfg_attr(feature = "full", inline)]
#[cfg_attr(not(feature = "full"), inline(never))]
fn members(data: &[u8]) -> Option<Put<'_>> {
    let (kind, rest) = plain(behind(data, b"{\"kind\":\"")?)?;
    let (key, rest) = plain(behind(rest, b"\"key\":\"")?)?;
    let (version, rest) = whole(behind(rest, b"\"version\":")?)?;
    let value = behind(rest, b"\"object\":")?;
    Some(Put { kind, key, version, value })
}

/// What comes before a quote and a comma: text without escapes.
#[inline]
fn plain(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, rest) = unescaped(text)?;
    Some((text, behind(rest, b"\",")?))
}

/// What comes before a quote, text without escapes; and what begins with that.
#[inline]
fn unescaped(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
    text.split_at_checked(end)
}

/// A number before a comma: not negative, of no more than 18 digits, without a leading zero.
#[inline]
fn whole(text: &[u8]) -> Option<(Version, &[u8])> {
    let mut number = 0;
    for (at, &byte) in text.iter().enumerate() {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 if at < 18 && (number > 0 || at == 0) => {
                number = number * 10 + Version::from(digit);
            }
            _ => {
                return if at > 0 && byte == b',' {
                    Some((number, text.get(at + 1..)?))
                } else {
                    None
                };
            }
        }
    }
    None
}

/// Reads `{"KIND":"…","KEY":"…","VERSION":N,"VALUE":…}`, of names that an application chose, without looking into the value. A name
/// that is empty stands for a member that is not there.
#[cfg(feature = "full")]
pub(super) fn item<'a>(
    data: &'a [u8],
    [kind, key, version, value]: [&str; 4],
) -> Option<(&'a str, &'a str, Version, &'a [u8])> {
    let mut rest = data.strip_suffix(b"}")?;
    let mut opening = b'{';
    let found_kind = if kind.is_empty() { "" } else { text(&mut rest, &mut opening, kind)? };
    let found_key = text(&mut rest, &mut opening, key)?;
    let found_version =
        if version.is_empty() { 0 } else { integer(&mut rest, &mut opening, version)? };
    name(&mut rest, &mut opening, value)?;
    (!rest.is_empty()).then_some((found_kind, found_key, found_version, rest))
}

/// Reads `{"state":"…","version":N}`, or the same with `,"basis":"…"`.
pub(super) fn transferred(data: &[u8]) -> Option<(&str, Version, Option<&str>)> {
    let mut found = Found::of(data);
    found.like(br#"{"state":"$","version":#"#)?;
    let basis = found.rest != b"}";
    found.like(if basis { br#","basis":"$"}"# } else { b"}" })?;
    let ([state, basis_text, _], [version, _]) = found.all()?;
    Some((state, version, basis.then_some(basis_text)))
}

/// Reads `{"kind":"…","key":"…","version":N}`.
pub(super) fn deleted(data: &[u8]) -> Option<(&str, &str, Version)> {
    let mut found = Found::of(data);
    found.like(br#"{"kind":"$","key":"$","version":#}"#)?;
    let ([kind, key, _], [version, _]) = found.all()?;
    Some((kind, key, version))
}

/// A `server-intent` with which the promise is made.
pub(super) struct Intent<'a> {
    pub(super) code: &'a str,
    pub(super) target: Version,
    pub(super) heartbeat: Version,
}

/// Reads `{"payloads":[{"id":"…","target":N,"intentCode":"…","reason":"…"}],"highwater":{"version":1,
/// "resumed":B,"heartbeat":N}}`.
pub(super) fn intent(data: &[u8]) -> Option<Intent<'_>> {
    let mut found = Found::of(data);
    found.like(br#"{"payloads":[{"id":"$","target":#,"intentCode":"$","reason":"$"}],"#)?;
    found.like(br#""highwater":{"version":1,"resumed":"#)?;
    found.like(if found.rest.starts_with(b"t") { b"true" } else { b"false" })?;
    found.like(br#","heartbeat":#}}"#)?;
    let ([_, code, _], [target, heartbeat]) = found.all()?;
    (target >= 0 && heartbeat >= 0).then_some(Intent { code, target, heartbeat })
}

/// What was found in a text where a pattern has `$` (a string without escapes) or `#` (an integer).
#[derive(Default)]
struct Found<'a> {
    texts: [&'a str; 3],
    numbers: [Version; 2],
    /// How many of each.
    count: [usize; 2],
    rest: &'a [u8],
}

impl<'a> Found<'a> {
    fn of(data: &'a [u8]) -> Self {
        Self { rest: data, ..Self::default() }
    }

    /// Reads on; `None` if the text is not like the pattern.
    fn like(&mut self, pattern: &[u8]) -> Option<()> {
        for &expected in pattern {
            match expected {
                b'$' => {
                    let (text, rest) = unescaped(self.rest)?;
                    *self.texts.get_mut(self.count[0])? = str::from_utf8(text).ok()?;
                    self.count[0] += 1;
                    self.rest = rest;
                }
                b'#' => {
                    let (number, rest) = whole_or_minus(self.rest)?;
                    *self.numbers.get_mut(self.count[1])? = number;
                    self.count[1] += 1;
                    self.rest = rest;
                }
                _ => {
                    let (first, rest) = self.rest.split_first()?;
                    if *first != expected {
                        return None;
                    }
                    self.rest = rest;
                }
            }
        }
        Some(())
    }

    /// All of it, if nothing is left.
    fn all(self) -> Option<([&'a str; 3], [Version; 2])> {
        self.rest.is_empty().then_some((self.texts, self.numbers))
    }
}

/// An integer. No sign but a minus, no leading zero: what JSON allows.
fn whole_or_minus(text: &[u8]) -> Option<(Version, &[u8])> {
    let minus = text.first() == Some(&b'-');
    let digits = text.get(usize::from(minus)..)?;
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(length)?;
    if length > 1 && digits.starts_with(b"0") {
        return None;
    }
    let size = whole_number(digits)?;
    let number = if minus { 0i64.checked_sub_unsigned(size) } else { Version::try_from(size).ok() };
    Some((number?, rest))
}

/// Reads over `{"NAME":`, or with a comma in the place of the brace after the first.
#[cfg(feature = "full")]
fn name(rest: &mut &[u8], opening: &mut u8, name: &str) -> Option<()> {
    let (&[first, b'"'], after) = rest.split_first_chunk()? else {
        return None;
    };
    let after = behind(behind(after, name.as_bytes())?, b"\":")?;
    if first != *opening {
        return None;
    }
    *opening = b',';
    *rest = after;
    Some(())
}

/// Reads a member that is a string without escapes.
#[cfg(feature = "full")]
fn text<'a>(rest: &mut &'a [u8], opening: &mut u8, of: &str) -> Option<&'a str> {
    name(rest, opening, of)?;
    let (text, after) = unescaped(rest.strip_prefix(b"\"")?)?;
    *rest = after.strip_prefix(b"\"")?;
    str::from_utf8(text).ok()
}

/// Reads a member that is an integer.
#[cfg(feature = "full")]
fn integer(rest: &mut &[u8], opening: &mut u8, of: &str) -> Option<Version> {
    name(rest, opening, of)?;
    let (number, after) = whole_or_minus(rest)?;
    *rest = after;
    Some(number)
}
