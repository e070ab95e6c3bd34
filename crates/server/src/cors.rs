//! Who may ask from a browser's page of another origin.

use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH,
};
use axum::http::{HeaderValue, Method};
use core::time::Duration;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

/// Which other origins may read and write from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    /// None: only pages of this server's own origin.
    Nobody,
    /// Pages of any origin may read; none may write.
    Reads,
    /// Pages of these origins may read and write.
    Origins(Vec<HeaderValue>),
    /// Pages of any origin may read and write.
    Anybody,
}

impl Cors {
    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        let reads = [Method::GET, Method::HEAD];
        let all = [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE];
        let layer = CorsLayer::new();
        let layer = match self {
            Self::Nobody => return None,
            Self::Reads => layer.allow_origin(Any).allow_methods(reads),
            Self::Origins(origins) => {
                layer.allow_origin(AllowOrigin::list(origins.clone())).allow_methods(all)
            }
            Self::Anybody => layer.allow_origin(Any).allow_methods(all),
        };
        let asked =
            [AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, LAST_EVENT_ID];
        Some(
            layer
                .allow_headers(asked)
                .expose_headers([ETAG, INDEX, CURSOR])
                .max_age(Duration::from_mins(10)),
        )
    }
}

/// Where a reader left its stream, as a browser's `EventSource` says it.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The topic's index at the moment of the answer.
pub(crate) const INDEX: HeaderName = HeaderName::from_static("x-highwater-index");
/// The same as a cursor, to stream on from.
pub(crate) const CURSOR: HeaderName = HeaderName::from_static("x-highwater-cursor");
