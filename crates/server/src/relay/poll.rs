//! The same without a stream: everything, or one item.

use super::environment::Environment;
use super::hub::not_yet;
use crate::error::ApiError;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use highwater_relay::Kind;

/// Refuses to answer before there is anything.
pub(super) fn initialised(environment: &Environment) -> Result<(), ApiError> {
    if environment.is_initialised() { Ok(()) } else { Err(not_yet("there are no flags yet")) }
}

/// `/sdk/latest-all`.
pub(super) fn all(environment: &Environment, headers: &HeaderMap) -> Result<Response, ApiError> {
    initialised(environment)?;
    let (cursor, items) =
        environment.with(|streams| (streams.store_mut().topic().cursor(), streams.store().items()));
    Ok(unless_known(headers, &cursor, || items.to_json()))
}

/// `/sdk/flags` and `/sdk/segments`.
pub(super) fn collection(environment: &Environment, kind: Kind) -> Result<Response, ApiError> {
    initialised(environment)?;
    let items = environment.with(|streams| streams.store().items());
    Ok(as_json(items.collection(kind)))
}

/// `/sdk/flags/{key}` and `/sdk/segments/{key}`.
pub(super) fn item(environment: &Environment, kind: Kind, key: &str) -> Result<Response, ApiError> {
    initialised(environment)?;
    let found =
        environment.with(|streams| streams.store().get(kind, key).map(Bytes::copy_from_slice));
    found.map(as_json).ok_or_else(|| {
        let what = format!("there is no {} {key:?}", kind.as_str());
        ApiError::new(StatusCode::NOT_FOUND, "unknown-item", what)
    })
}

/// The answer, if it is not the one that the client has already.
pub(super) fn unless_known(
    headers: &HeaderMap,
    cursor: &str,
    body: impl FnOnce() -> Bytes,
) -> Response {
    let tag = format!("\"{cursor}\"");
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|list| list.split(',')).map(str::trim);
    if known.any(|known| known.trim_start_matches("W/") == tag) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    let mut response = as_json(body());
    if let Ok(tag) = tag.parse() {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn as_json(body: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], body).into_response()
}
