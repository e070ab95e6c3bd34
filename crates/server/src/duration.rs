//! Times as they are written in queries and on the command line.

use core::time::Duration;

/// What [`parse`] takes, in words.
pub(crate) const SHAPE: &str = "a number with ms, s or m, such as 10s";

/// `10s`, `500ms`, `2m`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_number_with_a_unit() {
        let millis = |text| parse(text).map(|wait| wait.as_millis());
        assert_eq!(
            ["10s", "500ms", "2m", "0s"].map(millis),
            [Some(10_000), Some(500), Some(120_000), Some(0)]
        );
        for wrong in [
            "",
            "s",
            "10",
            "-1s",
            "1h",
            "1.5s",
            "99999999999999999999s",
            "18446744073709551615m",
            "1 s",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }
}
