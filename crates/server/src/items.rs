//! One item: `PUT | GET | DELETE /v1/topics/{topic}/{kind}/{key}`.

use crate::app::App;
use crate::condition;
use crate::cors::{CURSOR, INDEX};
use crate::durable::WriteError;
use crate::error::ApiError;
use crate::extract::{Path, Text};
use crate::topics::Channel;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use highwater_publisher::engine::Place;
use highwater_publisher::{Id, Object, Operation};
use std::sync::Arc;

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
    // As far as this server has heard, if others write to the topic at this moment.
    let there = |channel: Arc<Channel>| channel.with(|topic| topic.item(&kind, &key).is_some());
    let there = app.topics().get(&topic).await?.is_some_and(there);
    let status = if there { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, commit(&app, &topic, operation).await?).into_response())
}

/// Deletes the item, or says that there is none.
pub(crate) async fn delete(
    State(app): State<App>,
    Path((topic, kind, key)): At,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let operation = Operation::delete(Id::new(&kind, &key)?).when(condition::of_write(&headers)?);
    app.topics().read(&topic, None).await?;
    Ok(commit(&app, &topic, operation).await?.into_response())
}

/// The object as it was put, on one line, with its version as `ETag`.
pub(crate) async fn get(
    State(app): State<App>,
    Path((topic, kind, key)): At,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let channel = app.topics().read(&topic, None).await?;
    channel.with(|topic| {
        let Some(item) = topic.item(&kind, &key) else {
            let message = format!("there is no item {key:?} of kind {kind:?}");
            return Err(ApiError::new(StatusCode::NOT_FOUND, "not-found", message));
        };
        let mut answer = moment(&topic.place());
        answer.insert(ETAG, condition::etag(item.version));
        if condition::has(&headers, item.version) {
            return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
        }
        answer.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok((answer, Bytes::copy_from_slice(item.object)).into_response())
    })
}

/// Where a topic is, in headers.
pub(crate) fn moment(place: &Place) -> HeaderMap {
    let cursor = HeaderValue::from_str(&place.to_string())
        .expect("letters, digits and a dot are legal in a header");
    HeaderMap::from_iter([(INDEX, place.index.into()), (CURSOR, cursor)])
}

async fn commit(
    app: &App,
    topic: &str,
    operation: Operation,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let done = app.topics().commit(topic, [operation].into()).await.map_err(WriteError::of_item)?;
    let (place, version) = (done.place, done.versions[0]);
    let mut headers = moment(&place);
    headers.insert(ETAG, condition::etag(version));
    let body = serde_json::json!({
        "topic": topic, "cursor": place.to_string(), "index": place.index, "version": version,
    });
    Ok((headers, Json(body)))
}
