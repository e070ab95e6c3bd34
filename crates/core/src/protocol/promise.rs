//! Reading what was promised to be written in one way, and looking no further than need be.
//!
//! The full reader checks every byte of a value that perhaps nobody will read: over 300 bytes it
//! takes ten times as long. Where a server promises the order of members, with the value last,
//! the value is what is left. What is not exactly as promised is left to the full reader, and a
//! property test holds the two equal on what is.

#[cfg(feature = "full")]
use core::str;

use crate::FULL;
use crate::bytes::{Text, utf8};
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
pub(crate) fn put(data: &[u8]) -> Option<Put<'_>> {
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
#[cfg(feature = "full")]
#[inline]
fn members(data: &[u8]) -> Option<Put<'_>> {
    let (kind, rest) = plain(behind(data, b"{\"kind\":\"")?)?;
    let (key, rest) = plain(behind(rest, b"\"key\":\"")?)?;
    let (version, rest) = whole(behind(rest, b"\"version\":")?)?;
    let value = behind(rest, b",\"object\":")?;
    Some(Put { kind, key, version, value })
}

#[cfg(not(feature = "full"))]
fn members(data: &[u8]) -> Option<Put<'_>> {
    let ([kind, key, _], [version, _], rest) = read(data, ITEM)?;
    Some(Put { kind, key, version, value: behind(rest, b",\"object\":")? })
}

/// What names an item.
const ITEM: &[&str] = &["{\"kind\":\"", "\",\"key\":\"", "\",\"version\":"];

/// What comes before a quote and a comma: text without escapes.
#[cfg(feature = "full")]
#[inline]
fn plain(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, rest) = unescaped(text)?;
    Some((text, behind(rest, b"\",")?))
}

/// What comes before a quote, text without escapes; and what begins with that.
#[inline(never)]
fn unescaped(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < b' ';
    let near = if FULL { by_words(text) } else { 0 };
    text.split_at_checked(near + text.get(near..)?.iter().position(ends)?)
}

/// How far a text goes without such an end, eight bytes at a time.
#[inline]
fn by_words(text: &[u8]) -> usize {
    let mut at = 0;
    for word in text.as_chunks::<8>().0 {
        let found = ends_in(u64::from_le_bytes(*word));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at
}

/// The high bit of each byte that is a quote, a backslash or a control character, right up to the
/// lowest that is set.
#[inline]
const fn ends_in(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    let (quotes, backslashes) = (word ^ QUOTES, word ^ BACKSLASHES);
    let quotes = quotes.wrapping_sub(ONES) & !quotes;
    let backslashes = backslashes.wrapping_sub(ONES) & !backslashes;
    let controls = word.wrapping_sub(ONES * b' ' as u64) & !word;
    (quotes | backslashes | controls) & (ONES << 7)
}

/// A number: not negative, of no more than 18 digits, without a leading zero.
#[inline]
pub(crate) fn whole(text: &[u8]) -> Option<(Version, &[u8])> {
    let (mut number, mut at) = (0, 0);
    while let Some(digit @ 0..=9) = text.get(at).map(|byte| byte.wrapping_sub(b'0'))
        && at < 18
        && (number > 0 || at == 0)
    {
        number = number * 10 + Version::from(digit);
        at += 1;
    }
    Some((number, text.get(at..)?)).filter(|_| at > 0)
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
pub(crate) fn transferred(data: &[u8]) -> Option<(&Text, Version, Option<&Text>)> {
    let ([state, ..], [version, _], rest) = read(data, &["{\"state\":\"", "\",\"version\":"])?;
    let state = utf8(state)?;
    if rest == b"}" {
        return Some((state, version, None));
    }
    let ([basis, ..], _, rest) = read(rest, &[",\"basis\":\""])?;
    (rest == b"\"}").then_some((state, version, Some(utf8(basis)?)))
}

/// Reads `{"kind":"…","key":"…","version":N}`.
pub(crate) fn deleted(data: &[u8]) -> Option<(&[u8], &[u8], Version)> {
    let ([kind, key, _], [version, _], rest) = read(data, ITEM)?;
    (rest == b"}").then_some((kind, key, version))
}

/// A `server-intent` with which the promise is made.
pub(crate) struct Intent<'a> {
    pub(crate) code: &'a [u8],
    pub(crate) target: Version,
    pub(crate) heartbeat: Version,
}

/// Reads `{"payloads":[{"id":"…","target":N,"intentCode":"…","reason":"…"}],"highwater":{"version":1,
/// "resumed":B,"heartbeat":N}}`.
pub(crate) fn intent(data: &[u8]) -> Option<Intent<'_>> {
    let members =
        ["{\"payloads\":[{\"id\":\"", "\",\"target\":", ",\"intentCode\":\"", "\",\"reason\":\""];
    let ([_, code, _], [target, _], rest) = read(data, &members)?;
    let rest = behind(rest, b"\"}],\"highwater\":{\"version\":1,\"resumed\":")?;
    let rest = rest.strip_prefix(b"true").or_else(|| rest.strip_prefix(b"false"))?;
    let (_, [heartbeat, _], rest) = read(rest, &[",\"heartbeat\":"])?;
    let whole = rest == b"}}" && target >= 0 && heartbeat >= 0;
    whole.then_some(Intent { code, target, heartbeat })
}

/// What was read: texts without escapes (perhaps not UTF-8), integers, and what is left.
type Found<'a> = ([&'a [u8]; 3], [Version; 2], &'a [u8]);

/// Reads over each of these beginnings, and what follows it: behind a quote a string up to its own,
/// else an integer.
#[inline(never)]
fn read<'a>(mut rest: &'a [u8], beginnings: &[&str]) -> Option<Found<'a>> {
    let (mut texts, mut numbers) = ([&rest[..0]; 3], [0; 2]);
    let (mut text, mut number) = (texts.iter_mut(), numbers.iter_mut());
    for beginning in beginnings {
        let after = behind(rest, beginning.as_bytes())?;
        if beginning.ends_with('"') {
            (*text.next()?, rest) = unescaped(after)?;
        } else {
            (*number.next()?, rest) = if FULL { whole_or_minus(after) } else { whole(after) }?;
        }
    }
    Some((texts, numbers, rest))
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
