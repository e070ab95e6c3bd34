//! What fields are compared with.

use super::field::Holds;
use super::{Field, FilterError};
use crate::timestamp::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A text, in the order of its bytes.
    Text(String),
    /// A moment.
    Time(Timestamp),
}

impl Value {
    /// What a text means for a field.
    ///
    /// An id in any spelling of a UUID is that UUID; one that is no UUID is the id of no stream.
    pub(super) fn parse(field: Field, text: &str) -> Result<Self, FilterError> {
        let wrong = || FilterError::Value { field, value: text.to_owned() };
        match field.holds() {
            // No database keeps such a text.
            _ if text.contains('\0') => Err(wrong()),
            Holds::Text => Ok(Self::Text(text.to_owned())),
            Holds::Uuid => Ok(Self::Text(uuid(text).unwrap_or_else(|| text.to_owned()))),
            Holds::Time => time(text).map(Timestamp::from_nanos).map(Self::Time).ok_or_else(wrong),
        }
    }

    /// As [`parse`](Self::parse), but an id has to be one.
    pub(super) fn parse_listed(field: Field, text: &str) -> Result<Self, FilterError> {
        if field.holds() == Holds::Uuid && uuid(text).is_none() {
            return Err(FilterError::Value { field, value: text.to_owned() });
        }
        Self::parse(field, text)
    }
}

fn uuid(text: &str) -> Option<String> {
    uuid::Uuid::try_parse(text).ok().map(|id| id.to_string())
}

/// RFC 3339, or a number of seconds, milliseconds or nanoseconds since 1970, by its size.
fn time(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>() {
        let millis = if number < 10_i64.pow(10) { number.saturating_mul(1000) } else { number };
        let big = millis >= 10_i64.pow(15);
        return Some(if big { millis } else { millis.saturating_mul(1_000_000) });
    }
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(
        i64::try_from(moment.unix_timestamp_nanos())
            .unwrap_or_else(|_| if moment.unix_timestamp() < 0 { i64::MIN } else { i64::MAX }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_text_or_numbers_of_three_sizes() {
        let second = 1_600_000_000;
        for text in [
            "2020-09-13T12:26:40Z",
            "2020-09-13T14:26:40.000+02:00",
            "1600000000",
            "1600000000000",
            "1600000000000000000",
        ] {
            assert_eq!(time(text), Some(second * 1_000_000_000), "{text}");
        }
        assert_eq!(time("1"), Some(1_000_000_000));
        assert_eq!(time("-1"), Some(-1_000_000_000));
        assert_eq!(time("9999-12-31T23:59:59Z"), Some(i64::MAX));
        assert_eq!(time("0001-01-01T00:00:00Z"), Some(i64::MIN));
        for wrong in ["", "now", "2020-09-13", "1.5", "99999999999999999999"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_id_has_four_spellings() {
        let plain = "c0ffee00-0000-4000-8000-000000000001";
        let spellings = [
            plain.to_owned(),
            plain.to_uppercase(),
            plain.replace('-', ""),
            format!("{{{plain}}}"),
            format!("urn:uuid:{plain}"),
        ];
        for spelling in spellings {
            let value = Value::parse(Field::Id, &spelling).unwrap();
            assert_eq!(value, Value::Text(plain.to_owned()));
        }
        assert!(Value::parse(Field::Id, "one").is_ok());
        assert!(Value::parse_listed(Field::Id, "one").is_err());
    }
}
