//! The API in words that programs read: `GET /v1/openapi.json`.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

/// Kept by hand; a test asks each of its paths, and `cargo xtask test api` holds the running
/// server to it.
const OPENAPI: &str = include_str!("../openapi.json");

pub(crate) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], OPENAPI)
}
