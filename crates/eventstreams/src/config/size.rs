//! Sizes as they are written in a configuration: `4096`, `"4KB"`.

use core::fmt;
use serde::de::{Deserializer, Error, Visitor};

/// A number of bytes, or a text of one with a unit or without. Each unit is 1024 of the one before.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    struct Size;
    impl Visitor<'_> for Size {
        type Value = usize;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a size such as 4096 or \"4KB\"")
        }

        fn visit_u64<E: Error>(self, bytes: u64) -> Result<usize, E> {
            usize::try_from(bytes)
                .map_err(|_| E::custom(format_args!("{bytes} bytes are too many")))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
            parse(text).ok_or_else(|| E::custom(format_args!("'{text}' is no size such as '4KB'")))
        }
    }
    deserializer.deserialize_any(Size)
}

fn parse(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.find(|next: char| !next.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let times = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(times)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_size_has_a_unit_or_none() {
        for (text, bytes) in [
            ("4KB", Some(4096)),
            ("4096", Some(4096)),
            ("1 MiB", Some(1 << 20)),
            ("2g", Some(2 << 30)),
            ("0b", Some(0)),
            ("", None),
            ("KB", None),
            ("4.5KB", None),
            ("-4KB", None),
            ("4 apples", None),
            ("99999999999999999999", None),
            ("99999999999999999G", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }
}
