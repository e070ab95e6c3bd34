//! One item: `PUT | GET | DELETE /v1/topics/{topic}/{kind}/{key}`.

use crate::app::App;
use crate::condition;
use crate::cors::{CURSOR, INDEX};
use crate::error::ApiError;
use crate::extract::{Path, Text};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use highwater_publisher::{Id, Object, Operation, Topic};

type At = Path<(String, String, String)>;

/// Creates (201) or replaces (200) the item; the body is its object.
pub(crate) async fn put(
    State(app): State<App>,
    Path((topic, kind, key)): At,
    headers: HeaderMap,
    body: Text,
) -> Result<Response, ApiError> {
    let object = Object::parse(&body).map_err(|error| ApiError::object(&error))?;
    let operation =
        Operation::put(Id::new(&kind, &key)?, object).when(condition::of_write(&headers)?);
    app.topics().write(&topic, |topic| {
        let status =
            if topic.item(&kind, &key).is_some() { StatusCode::OK } else { StatusCode::CREATED };
        Ok((status, commit(topic, operation)?).into_response())
    })
}

/// Deletes the item, or says that there is none.
pub(crate) async fn delete(
    State(app): State<App>,
    Path((topic, kind, key)): At,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let operation = Operation::delete(Id::new(&kind, &key)?).when(condition::of_write(&headers)?);
    let channel = app.topics().find(&topic).ok_or_else(|| ApiError::unknown_topic(&topic))?;
    channel.with(|topic| Ok(commit(topic, operation)?.into_response()))
}

/// The object as it was put, on one line, with its version as `ETag`.
pub(crate) async fn get(
    State(app): State<App>,
    Path((topic, kind, key)): At,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let channel = app.topics().find(&topic).ok_or_else(|| ApiError::unknown_topic(&topic))?;
    channel.with(|topic| {
        let Some(item) = topic.item(&kind, &key) else {
            let message = format!("there is no item {key:?} of kind {kind:?}");
            return Err(ApiError::new(StatusCode::NOT_FOUND, "not-found", message));
        };
        let mut answer = moment(topic);
        answer.insert(ETAG, condition::etag(item.version));
        if condition::has(&headers, item.version) {
            return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
        }
        answer.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok((answer, Bytes::copy_from_slice(item.object)).into_response())
    })
}

/// Where the topic is, in headers.
pub(crate) fn moment(topic: &Topic) -> HeaderMap {
    let cursor = HeaderValue::from_str(&topic.cursor())
        .expect("letters, digits and a dot are legal in a header");
    HeaderMap::from_iter([(INDEX, topic.index().into()), (CURSOR, cursor)])
}

fn commit(topic: &mut Topic, operation: Operation) -> Result<impl IntoResponse + use<>, ApiError> {
    let done = topic.commit([operation].into()).map_err(ApiError::item)?;
    let version = done.versions[0];
    let mut headers = moment(topic);
    headers.insert(ETAG, condition::etag(version));
    let body = serde_json::json!({
        "topic": topic.name(), "cursor": topic.cursor(), "index": topic.index(), "version": version,
    });
    Ok((headers, Json(body)))
}
