//! JSON values as bytes whose order is the order of the values.
//!
//! Order: null, false, true, numbers, strings, then arrays and objects. Numbers are compared as the
//! 64-bit floats that JavaScript makes of them, strings by code points, arrays and objects by their
//! text. So that comparing is a comparison of bytes, whatever the types, and a row's place in a
//! listing is one string of bytes, all its sorting fields in it.

use alloc::vec::Vec;

use super::number;
use crate::json::unescape;

/// Nothing: before everything that is there.
pub(super) const MISSING: &[u8] = &[];
const NULL: u8 = 1;
/// `false`.
pub(super) const FALSE: &[u8] = &[2];
const TRUE: u8 = 3;
const NUMBER: u8 = 4;
/// The type byte of strings.
pub(super) const TEXT: u8 = 5;
/// The type byte of arrays and objects.
pub(super) const OTHER: u8 = 6;

/// Appends a value, given its JSON text. False, and nothing is appended, if it is a string that is
/// not UTF-8.
pub(super) fn encode(raw: &[u8], out: &mut Vec<u8>) -> bool {
    match raw.first() {
        Some(b'n') => out.push(NULL),
        Some(b'f') => out.extend_from_slice(FALSE),
        Some(b't') => out.push(TRUE),
        Some(b'"') => {
            let start = out.len();
            out.push(TEXT);
            unescape(raw.get(1..raw.len().wrapping_sub(1)).unwrap_or_default(), out);
            if core::str::from_utf8(out.get(start..).unwrap_or_default()).is_err() {
                out.truncate(start);
                return false;
            }
        }
        Some(b'[' | b'{') => {
            out.push(OTHER);
            out.extend_from_slice(raw);
        }
        _ => {
            out.push(NUMBER);
            // Zero has one sign here. With the sign bit turned (all bits, below zero) the order of
            // floats is that of their bits.
            let bits = (number::parse(raw) + 0.0).to_bits();
            let sign = (bits.cast_signed() >> 63).cast_unsigned() | 1 << 63;
            out.extend_from_slice(&(bits ^ sign).to_be_bytes());
        }
    }
    true
}

/// Appends a string.
pub(super) fn encode_text(text: &str, out: &mut Vec<u8>) {
    out.push(TEXT);
    out.extend_from_slice(text.as_bytes());
}

/// Appends an encoded value so that more may follow: no value is the beginning of another.
pub(super) fn join(value: &[u8], descending: bool, out: &mut Vec<u8>) {
    let start = out.len();
    match value.first() {
        None => out.push(0),
        Some(&(TEXT | OTHER)) => {
            for &byte in value {
                out.push(byte);
                if byte == 0 {
                    out.push(0xff);
                }
            }
            out.extend_from_slice(&[0, 0]);
        }
        _ => out.extend_from_slice(value),
    }
    if descending {
        out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
    }
}

/// How long the first of the values is that were joined.
pub(super) fn first(joined: &[u8], descending: bool) -> usize {
    let at =
        |place: usize| joined.get(place).map_or(0, |&byte| if descending { !byte } else { byte });
    match at(0) {
        TEXT | OTHER => {
            let mut end = 1;
            while end < joined.len() && (at(end), at(end + 1)) != (0, 0) {
                end += if at(end) == 0 { 2 } else { 1 };
            }
            (end + 2).min(joined.len())
        }
        NUMBER => joined.len().min(9),
        _ => joined.len().min(1),
    }
}
