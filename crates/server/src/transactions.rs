//! Many items at once: `POST /v1/topics/{topic}/transactions` and `PUT /v1/topics/{topic}`.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Text, expect_json};
use crate::items::moment;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use highwater_publisher::{Expect, Id, Object, Operation, Replacement, Topic, Transaction};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Does all operations of the list, or none.
pub(crate) async fn commit(
    State(app): State<App>,
    Path(topic): Path<String>,
    headers: HeaderMap,
    body: Text,
) -> Result<Response, ApiError> {
    expect_json(&headers)?;
    let Operations { operations } = body.json()?;
    let transaction: Transaction = place("operations", operations, OperationBody::parse)?;
    app.topics().write(&topic, |topic| {
        let done =
            topic.commit(transaction).map_err(|error| ApiError::commit("operations", error))?;
        Ok(answer(topic, true, Some(&done.versions)))
    })
}

/// Makes the items of the list the only ones.
pub(crate) async fn replace(
    State(app): State<App>,
    Path(topic): Path<String>,
    body: Text,
) -> Result<Response, ApiError> {
    let Items { items } = body.json()?;
    let items: Vec<Replacement> = place("items", items, ItemBody::parse)?;
    app.topics().write(&topic, |topic| {
        let done = topic.replace_all(items).map_err(|error| ApiError::commit("items", error))?;
        Ok(answer(topic, done.is_some(), None))
    })
}

/// A line of an import.
pub(crate) enum Line {
    /// An operation; without `op` it is a put, so that what was exported can be imported.
    Change(Operation),
    /// `{"operations":[…]}`: all or none.
    Transaction(Transaction),
}

impl Line {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let body: LineBody<'_> =
            serde_json::from_str(text).map_err(|error| ApiError::json(&error))?;
        match body {
            LineBody {
                operations: Some(operations),
                op: None,
                kind: None,
                key: None,
                object: None,
                version: None,
                if_version: None,
            } => Ok(Self::Transaction(place("operations", operations, OperationBody::parse)?)),
            LineBody {
                operations: None,
                op,
                kind: Some(kind),
                key: Some(key),
                object,
                version,
                if_version,
            } => {
                let op = op.unwrap_or(Op::Put);
                let body = OperationBody { op, kind, key, object, version, if_version };
                body.parse().map(Self::Change)
            }
            _ => {
                let message = "a line has either a kind and a key, or operations alone";
                Err(ApiError::bad_request("wrong-shape", message))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LineBody<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    operations: Option<Vec<OperationBody<'a>>>,
    #[serde(default, deserialize_with = "present")]
    op: Option<Op>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    object: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "integer")]
    version: Option<i64>,
    #[serde(default, deserialize_with = "integer")]
    if_version: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operations<'a> {
    #[serde(borrow)]
    operations: Vec<OperationBody<'a>>,
}

/// All members of both forms: serde's own tagged form would parse the object instead of keeping its text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OperationBody<'a> {
    op: Op,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    object: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "integer")]
    version: Option<i64>,
    #[serde(default, deserialize_with = "integer")]
    if_version: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Put,
    Delete,
}

impl OperationBody<'_> {
    fn parse(self) -> Result<Operation, ApiError> {
        let id = Id::new(&self.kind, &self.key)?;
        let operation = match (self.op, self.object) {
            (Op::Put, Some(raw)) => {
                Operation::put(id, raw.try_into().map_err(|error| ApiError::object(&error))?)
            }
            (Op::Put, None) => {
                return Err(ApiError::bad_request("wrong-shape", "a put needs an object"));
            }
            (Op::Delete, None) => Operation::delete(id),
            (Op::Delete, Some(_)) => {
                return Err(ApiError::bad_request("wrong-shape", "a delete takes no object"));
            }
        };
        let operation = operation.when(self.if_version.map_or(Expect::Anything, Expect::version));
        Ok(match self.version {
            Some(version) => operation.at(version),
            None => operation,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Items<'a> {
    #[serde(borrow)]
    items: Vec<ItemBody<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemBody<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
    #[serde(default, deserialize_with = "integer")]
    version: Option<i64>,
}

impl ItemBody<'_> {
    fn parse(self) -> Result<Replacement, ApiError> {
        let object = Object::try_from(self.object).map_err(|error| ApiError::object(&error))?;
        Ok(Replacement { id: Id::new(&self.kind, &self.key)?, object, version: self.version })
    }
}

/// A member that may be left out, but is not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An integer as JSON has it, where 7.0 is 7: some write it so.
fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    // Below 2^63, which is the first that is too great, the cast is exact.
    let whole = |float: &f64| float.fract() == 0.0 && (-TWO_63..TWO_63).contains(float);
    let exact = number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|_| number.is_f64()).filter(whole);
        float.map(|float| float as i64)
    });
    let wrong = || D::Error::custom(format!("{number} is no integer of 64 bits"));
    exact.map(Some).ok_or_else(wrong)
}

const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// Parses each, and says which one was wrong.
fn place<T, U, C: FromIterator<U>>(
    list: &str,
    items: Vec<T>,
    parse: impl Fn(T) -> Result<U, ApiError>,
) -> Result<C, ApiError> {
    let parsed = items.into_iter().enumerate();
    parsed
        .map(|(position, item)| {
            parse(item).map_err(|error| error.at(format!("{list}[{position}]")))
        })
        .collect()
}

fn answer(topic: &Topic, changed: bool, versions: Option<&[i64]>) -> Response {
    let mut body = serde_json::json!({
        "topic": topic.name(), "cursor": topic.cursor(), "index": topic.index(), "changed": changed,
    });
    if let Some(versions) = versions {
        body["versions"] = versions.into();
    }
    (moment(topic), Json(body)).into_response()
}
