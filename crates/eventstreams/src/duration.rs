//! Lengths of time as they are written in streams and in the configuration.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A length of time, in nanoseconds; what a user wrote may also be zero or less.
///
/// Written as Go writes durations; read as such a text, or as whole milliseconds.
///
/// ```
/// use highwater_eventstreams::Period;
/// assert_eq!("300s".parse::<Period>()?.to_string(), "5m0s");
/// assert_eq!("1500".parse::<Period>()?.to_string(), "1.5s");
/// # Ok::<(), highwater_eventstreams::BadPeriod>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(i64);

impl Period {
    /// So many milliseconds; the longest there is if that is too many.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(MILLISECOND))
    }

    /// So many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// All of it, in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// What a clock can wait; nothing, if it is less than zero.
    pub fn wait(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// As Go prints it: `5m0s`, `1.5s`, `500ms`, `0s`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let nanos = self.0.unsigned_abs();
        let second = SECOND.unsigned_abs();
        match nanos {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{nanos}ns"),
            1_000..1_000_000 => return write!(f, "{}µs", Decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => return write!(f, "{}ms", Decimal(nanos, 1_000_000)),
            _ => {}
        }
        let (minutes, rest) = (nanos / second / 60, nanos % (60 * second));
        match (minutes / 60, minutes % 60) {
            (0, 0) => {}
            (0, minutes) => write!(f, "{minutes}m")?,
            (hours, minutes) => write!(f, "{hours}h{minutes}m")?,
        }
        write!(f, "{}s", Decimal(rest, second))
    }
}

/// A number over its unit, without the zeros that end a fraction.
struct Decimal(u64, u64);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = *self;
        write!(f, "{}", value / unit)?;
        let width = unit.ilog10() as usize;
        let fraction = format!("{:0width$}", value % unit);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { Ok(()) } else { write!(f, ".{fraction}") }
    }
}

impl FromStr for Period {
    type Err = BadPeriod;

    /// An empty text is zero, as it always was.
    fn from_str(text: &str) -> Result<Self, BadPeriod> {
        let bad = || BadPeriod(text.into());
        if text.is_empty() {
            return Ok(Self::default());
        }
        if let Ok(millis) = text.parse::<i64>() {
            return millis.checked_mul(MILLISECOND).map(Self).ok_or_else(bad);
        }
        let (sign, mut rest) = match text.as_bytes()[0] {
            b'-' => (-1, &text[1..]),
            b'+' => (1, &text[1..]),
            _ => (1, text),
        };
        if rest == "0" {
            return Ok(Self::default());
        }
        let mut nanos = 0_i128;
        loop {
            let (part, after) = term(rest).ok_or_else(bad)?;
            nanos += part;
            rest = after;
            if rest.is_empty() {
                return i64::try_from(sign * nanos).map(Self).map_err(|_| bad());
            }
        }
    }
}

/// The number with its unit that a text begins with, in nanoseconds, and what comes after it.
fn term(text: &str) -> Option<(i128, &str)> {
    let number = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(number);
    let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit);
    let scale = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 19 {
        return None;
    }
    let mut nanos = whole
        .parse::<i128>()
        .or_else(|bad| if whole.is_empty() { Ok(0) } else { Err(bad) })
        .ok()?
        * i128::from(scale);
    let mut place = i128::from(scale);
    for digit in fraction.bytes() {
        place /= 10;
        nanos += i128::from(digit - b'0') * place;
    }
    Some((nanos, rest))
}

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPeriod(Box<str>);

impl fmt::Display for BadPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FF00137: '{}' is no duration: a number with a unit, as 500ms or 1m30s, or milliseconds",
            self.0
        )
    }
}

impl core::error::Error for BadPeriod {}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Period;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"500ms\", or whole milliseconds")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Period, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, millis: i64) -> Result<Period, E> {
                millis
                    .checked_mul(MILLISECOND)
                    .map(Period)
                    .ok_or_else(|| E::custom(BadPeriod(millis.to_string().into())))
            }

            fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<Period, E> {
                let fits = i64::try_from(millis).ok();
                let bad = || E::custom(BadPeriod(millis.to_string().into()));
                fits.map_or_else(|| Err(bad()), |millis| self.visit_i64(millis))
            }
        }
        deserializer.deserialize_any(Either).map_err(D::Error::custom)
    }
}

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLISECOND;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<Period>().ok().map(|period| period.to_string())
    }

    #[test]
    fn it_is_printed_as_go_prints_it() {
        for (text, printed) in [
            ("", "0s"),
            ("0", "0s"),
            ("500ms", "500ms"),
            ("300s", "5m0s"),
            ("90m", "1h30m0s"),
            ("1500", "1.5s"),
            ("2m", "2m0s"),
            ("1h0.25s", "1h0m0.25s"),
            ("1.5h", "1h30m0s"),
            (".5s", "500ms"),
            ("1us", "1µs"),
            ("1500ns", "1.5µs"),
            ("-1s", "-1s"),
            ("-20", "-20ms"),
        ] {
            assert_eq!(read(text).as_deref(), Some(printed), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "1.5",
            "x",
            "1x",
            "s",
            "1s1",
            "1 s",
            ".s",
            "1..5s",
            "9999999999999999999",
            "99999999999999999999999h",
            "--1s",
            "-",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn json_has_it_as_a_text_or_as_milliseconds() {
        let read = |json| serde_json::from_str::<Period>(json).map_err(|error| error.to_string());
        assert_eq!(read("250"), Ok(Period::from_millis(250)));
        assert_eq!(read("\"250\""), Ok(Period::from_millis(250)));
        assert_eq!(read("\"1m\""), Ok(Period::from_millis(60_000)));
        assert!(read("1.5").is_err() && read("true").is_err() && read("null").is_err());
        assert!(read("\"soon\"").unwrap_err().contains("FF00137"));
    }
}
