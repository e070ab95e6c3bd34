//! Reading what was promised to be written in one way, and looking no further than need be.
//!
//! The full reader checks every byte of a value that perhaps nobody will read: over 300 bytes it
//! takes ten times as long. Where a server promises the order of members, with the value last,
//! the value is what is left. What is not exactly as promised is left to the full reader, and a
//! property test holds the two equal on what is.

use core::str;

use memchr::memchr2;

use crate::json::whole_number;
use crate::message::Version;
use crate::same::behind;

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
    let data = data.strip_suffix(b"}")?;
    let (kind, rest) = plain(behind(data, b"{\"kind\":\"")?)?;
    let (key, rest) = plain(behind(rest, b"\"key\":\"")?)?;
    let (version, rest) = whole(behind(rest, b"\"version\":")?)?;
    let value = behind(rest, b"\"object\":")?;
    (!value.is_empty()).then_some(Put { kind, key, version, value })
}

/// What comes before a quote and a comma: text without escapes.
#[inline]
fn plain(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
    let (text, rest) = text.split_at_checked(end)?;
    Some((text, behind(rest, b"\",")?))
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
    let mut rest = data.strip_suffix(b"}")?;
    let mut opening = b'{';
    let state = text(&mut rest, &mut opening, "state")?;
    let version = integer(&mut rest, &mut opening, "version")?;
    if rest.is_empty() {
        return Some((state, version, None));
    }
    let basis = text(&mut rest, &mut opening, "basis")?;
    rest.is_empty().then_some((state, version, Some(basis)))
}

/// Reads `{"kind":"…","key":"…","version":N}`.
pub(super) fn deleted(data: &[u8]) -> Option<(&str, &str, Version)> {
    let mut rest = data.strip_suffix(b"}")?;
    let mut opening = b'{';
    let kind = text(&mut rest, &mut opening, "kind")?;
    let key = text(&mut rest, &mut opening, "key")?;
    let version = integer(&mut rest, &mut opening, "version")?;
    rest.is_empty().then_some((kind, key, version))
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
    let mut rest = data.strip_prefix(b"{\"payloads\":[")?.strip_suffix(b"}}")?;
    let mut opening = b'{';
    text(&mut rest, &mut opening, "id")?;
    let target = integer(&mut rest, &mut opening, "target")?;
    let code = text(&mut rest, &mut opening, "intentCode")?;
    text(&mut rest, &mut opening, "reason")?;
    rest = rest.strip_prefix(b"}],\"highwater\":")?;
    opening = b'{';
    if integer(&mut rest, &mut opening, "version")? != 1 {
        return None;
    }
    name(&mut rest, &mut opening, "resumed")?;
    rest = rest.strip_prefix(b"true").or(rest.strip_prefix(b"false"))?;
    let heartbeat = integer(&mut rest, &mut opening, "heartbeat")?;
    (rest.is_empty() && target >= 0 && heartbeat >= 0).then_some(Intent { code, target, heartbeat })
}

/// Reads over `{"NAME":`, or with a comma in the place of the brace after the first.
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
fn text<'a>(rest: &mut &'a [u8], opening: &mut u8, of: &str) -> Option<&'a str> {
    name(rest, opening, of)?;
    let after = rest.strip_prefix(b"\"")?;
    let (text, behind) = after.split_at_checked(memchr2(b'"', b'\\', after)?)?;
    let behind = behind.strip_prefix(b"\"")?;
    if text.iter().any(|&byte| byte < 0x20) {
        return None;
    }
    *rest = behind;
    str::from_utf8(text).ok()
}

/// Reads a member that is an integer. No sign but a minus, no leading zero: what JSON allows.
fn integer(rest: &mut &[u8], opening: &mut u8, of: &str) -> Option<Version> {
    name(rest, opening, of)?;
    let minus = rest.first() == Some(&b'-');
    let digits = rest.get(usize::from(minus)..)?;
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, behind) = digits.split_at_checked(length)?;
    if length > 1 && digits.starts_with(b"0") {
        return None;
    }
    let size = whole_number(digits)?;
    *rest = behind;
    if minus { 0i64.checked_sub_unsigned(size) } else { Version::try_from(size).ok() }
}
