//! Versions in headers: `ETag`, `If-Match`, `If-None-Match`.

use crate::error::ApiError;
use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use highwater_publisher::Expect;

/// What a write expects of the item: `If-Match: "7"` (or bare, `7`), `If-Match: *` or
/// `If-None-Match: *`.
pub(crate) fn of_write(headers: &HeaderMap) -> Result<Expect, ApiError> {
    let wrong =
        |name: &HeaderName, form| ApiError::bad_request("bad-condition", form).at(name.as_str());
    match (one(headers, &IF_MATCH)?, one(headers, &IF_NONE_MATCH)?) {
        (None, None) => Ok(Expect::Anything),
        (Some("*"), None) => Ok(Expect::Present),
        (None, Some("*")) => Ok(Expect::Absent),
        (Some(tag), None) => version(tag)
            .map(Expect::Version)
            .ok_or_else(|| wrong(&IF_MATCH, "one version is expected, such as \"7\", or *")),
        (None, Some(_)) => {
            Err(wrong(&IF_NONE_MATCH, "a write can only expect that there is no item: *"))
        }
        (Some(_), Some(_)) => Err(wrong(&IF_MATCH, "it cannot be combined with if-none-match")),
    }
}

/// Whether a reader has this version already.
pub(crate) fn has(headers: &HeaderMap, held: i64) -> bool {
    let tags = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || version(tag.trim_start_matches("W/")) == Some(held))
}

/// The version as an `ETag`.
pub(crate) fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\""))
        .expect("digits and quotes are legal in a header")
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .map_err(|_| ApiError::bad_request("bad-condition", "not ASCII").at(name.as_str()))?;
    Ok(Some(text.trim()))
}

/// In quotes, as `ETag`s are; people who type it leave them out.
fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix('"').map_or(Some(tag), |tag| tag.strip_suffix('"'))?.parse().ok()
}
