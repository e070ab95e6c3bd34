//! Records as they are written down: JSON, with values as the text that they are.

use highwater_publisher::engine::{Record, Written};
use highwater_publisher::{Id, NameError, Object, ObjectError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One line of JSON.
pub(crate) fn encode(record: &Record) -> Vec<u8> {
    let Record { index, time, fence, changes } = record;
    let changes = changes.iter().map(Line::write).collect();
    let line =
        Lines::<Line<'_, Box<RawValue>>> { index: *index, time: *time, fence: *fence, changes };
    serde_json::to_vec(&line).expect("numbers and strings always have a JSON form")
}

/// What [`encode`] has written, and nothing else.
pub(crate) fn decode(text: &[u8]) -> Result<Record, Damaged> {
    let Lines::<Line<'_, &RawValue>> { index, time, fence, changes } =
        serde_json::from_slice(text).map_err(Damaged::Json)?;
    let changes = changes.into_iter().map(Line::read).collect::<Result<_, _>>()?;
    Ok(Record { index, time, fence, changes })
}

/// Why a record cannot be read.
#[derive(Debug)]
pub(crate) enum Damaged {
    Json(serde_json::Error),
    Name(NameError),
    Object(ObjectError),
}

impl core::fmt::Display for Damaged {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a record is damaged: ")?;
        match self {
            Self::Json(error) => error.fmt(f),
            Self::Name(error) => error.fmt(f),
            Self::Object(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Damaged {}

#[derive(Deserialize, Serialize)]
struct Lines<L> {
    index: u64,
    time: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fence: Option<u64>,
    changes: Vec<L>,
}

/// A change; its value is its own where it is written, and part of the text where that is read.
#[derive(Deserialize, Serialize)]
struct Line<'a, V> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<V>,
}

impl<'a> Line<'a, Box<RawValue>> {
    fn write(Written { id, version, object }: &'a Written) -> Self {
        let object = object.as_ref().map(|object| {
            RawValue::from_string(object.as_str().to_owned()).expect("an object is JSON")
        });
        Self { kind: id.kind().into(), key: id.key().into(), version: *version, object }
    }
}

impl Line<'_, &RawValue> {
    fn read(self) -> Result<Written, Damaged> {
        let object = self.object.map(Object::try_from).transpose();
        Ok(Written {
            id: Id::new(&self.kind, &self.key).map_err(Damaged::Name)?,
            version: self.version,
            object: object.map_err(Damaged::Object)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_its_text() {
        let id = Id::new("a \"kind\"", "ключ\n\u{2028}").unwrap();
        let object = Object::parse(r#"{"n":12345678901234567890.10e+5,"s":"\ud800"}"#).unwrap();
        let record = Record {
            index: u64::MAX,
            time: 1,
            fence: Some(7),
            changes: vec![
                Written { id: id.clone(), version: i64::MAX, object: Some(object) },
                Written { id, version: 1, object: None },
            ],
        };
        assert_eq!(decode(&encode(&record)).unwrap(), record);
        let plain = Record { fence: None, ..record };
        assert_eq!(decode(&encode(&plain)).unwrap(), plain);
    }

    #[test]
    fn damage_is_told() {
        for text in [
            "",
            "{}",
            r#"{"index":1,"time":1,"changes":[{"kind":"","key":"k","version":1}]}"#,
            r#"{"index":1,"time":1,"changes":[{"kind":"k","key":"k","version":1,"object":[]}]}"#,
            r#"{"index":-1,"time":1,"changes":[]}"#,
        ] {
            assert!(decode(text.as_bytes()).is_err(), "{text}");
        }
    }
}
