use alloc::vec::Vec;

use memchr::memchr;

/// Undoes the escapes of a string's content, which the reader has checked. An escaped surrogate
/// without its partner becomes U+FFFD, as it does wherever text is UTF-8.
pub(crate) fn unescape(content: &[u8], out: &mut Vec<u8>) {
    let mut rest = content;
    while let Some((plain, escape)) = memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at)) {
        out.extend_from_slice(plain);
        let (character, length) = match escape.get(1) {
            Some(b'b') => (8, 2),
            Some(b'f') => (12, 2),
            Some(b'n') => (10, 2),
            Some(b'r') => (13, 2),
            Some(b't') => (9, 2),
            Some(b'u') => {
                let (high, low) = (unit(escape), unit(escape.get(6..).unwrap_or_default()));
                if (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low) {
                    (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12)
                } else {
                    (high, 6)
                }
            }
            Some(&itself) => (u32::from(itself), 2),
            None => return,
        };
        let character = char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The code unit of `\uXXXX`, if that is what `rest` begins with; else one that stands for none.
fn unit(rest: &[u8]) -> u32 {
    let digits = match rest.split_first_chunk::<2>() {
        Some((b"\\u", digits)) => digits.get(..4).unwrap_or_default(),
        _ => &[],
    };
    let digit =
        |unit: u32, digit: &u8| unit << 4 | char::from(*digit).to_digit(16).unwrap_or_default();
    if digits.is_empty() { 0xffff_ffff } else { digits.iter().fold(0, digit) }
}
