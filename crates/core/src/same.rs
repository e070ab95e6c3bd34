//! Comparing short texts.

/// Whether two texts are the same.
///
/// Names are short: to call `memcmp` costs more than to compare them in place, above all in
/// WebAssembly, where it goes byte by byte.
#[cfg_attr(feature = "full", inline)]
#[cfg_attr(not(feature = "full"), inline(never))]
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    // The last bytes are compared with some of those before them once more: no loop over single ones.
    if let (Some(end), Some(other_end)) = (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        let (words, other_words) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
        let number = |word: &[u8; 8]| u64::from_le_bytes(*word);
        return number(end) == number(other_end)
            && words.iter().zip(other_words).all(|(one, other)| number(one) == number(other));
    }
    if let (Some(start), Some(other_start), Some(end), Some(other_end)) =
        (one.first_chunk::<4>(), other.first_chunk(), one.last_chunk::<4>(), other.last_chunk())
    {
        let number = |word: &[u8; 4]| u32::from_le_bytes(*word);
        return number(start) == number(other_start) && number(end) == number(other_end);
    }
    let number = |text: &[u8]| text.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    number(one) == number(other)
}

/// What is behind this beginning, if the text begins so.
#[inline]
pub(crate) fn behind<'t>(text: &'t [u8], beginning: &[u8]) -> Option<&'t [u8]> {
    let (start, rest) = text.split_at_checked(beginning.len())?;
    same(start, beginning).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn texts_are_the_same_that_differ_in_no_byte() {
        for length in 0..40 {
            let text: Vec<u8> = (0..length).map(|byte: u8| byte.wrapping_mul(7)).collect();
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &[&text[..], b"x"].concat()));
            for at in 0..text.len() {
                let mut other = text.clone();
                other[at] ^= 0x80;
                assert!(!same(&text, &other), "{at} of {length}");
            }
        }
    }

    #[test]
    fn a_beginning_is_taken_away() {
        assert_eq!(behind(b"event: put", b"event: "), Some(&b"put"[..]));
        assert_eq!(behind(b"even", b"event: "), None);
        assert_eq!(behind(b"Event: put", b"event: "), None);
    }
}
