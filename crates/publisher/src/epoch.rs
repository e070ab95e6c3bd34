//! Names for the lives of topics.

use crate::id::Epoch;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;
use std::time::{SystemTime, UNIX_EPOCH};

impl Epoch {
    /// A name that no other life has had: the time in milliseconds and 32 random bits, in base 36.
    ///
    /// Time alone would repeat on a machine whose clock is set back; chance alone says nothing to a
    /// person who reads a log.
    pub fn fresh() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let chance = RandomState::new().build_hasher().finish() >> 32;
        let text = format!("{}{}", base36(now.as_millis() as u64), base36(chance));
        Self::new(&text).expect("base 36 is letters and digits, and two u64 are short")
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(
            char::from_digit((number % 36) as u32, 36).expect("a remainder of 36 is a digit"),
        );
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_differ_within_a_millisecond() {
        let all: std::collections::HashSet<_> =
            (0..100).map(|_| Epoch::fresh().as_str().to_owned()).collect();
        assert_eq!(all.len(), 100);
    }

    #[test]
    fn numbers_have_their_base_36_form() {
        assert_eq!([0, 35, 36, 1_000_000].map(base36), ["0", "z", "10", "lfls"]);
    }
}
