//! Parts of a request, with our errors for what is wrong with them.

use crate::error::ApiError;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

/// Percent-decoded segments of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub(crate) T);

/// The query; members that nobody asked for are ignored.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub(crate) T);

/// The body as text, within the limit.
pub(crate) struct Text(String);

impl Text {
    /// The body as JSON of the shape asked for.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ApiError> {
        serde_json::from_str(&self.0).map_err(|error| ApiError::json(&error))
    }
}

impl core::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await?;
        String::from_utf8(bytes.into()).map(Self).map_err(|error| {
            let place = format!("byte {}", error.utf8_error().valid_up_to());
            ApiError::bad_request("bad-utf8", "the body is not UTF-8").at(place)
        })
    }
}

/// Refuses a body that does not call itself JSON.
///
/// A browser sends `application/json` to another origin only after asking, so that a page of
/// somebody else cannot write here with a plain form.
pub(crate) fn expect_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = format!("content-type has to be application/json, not {given:?}");
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-content-type", message)
        .at("content-type"))
}
