//! Who may ask from a browser's page of another origin.

use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH,
};
use axum::http::{HeaderValue, Method};
use core::net::IpAddr;
use core::time::Duration;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

/// Which other origins may read and write from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    /// None: only pages of this server's own origin.
    Nobody,
    /// Pages that come from this machine, on whatever port, may read; none may write.
    Loopback,
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
            Self::Loopback => {
                let local = AllowOrigin::predicate(|origin, _| {
                    let origin = origin.to_str().unwrap_or_default();
                    origin.split_once("://").is_some_and(|(_, host)| is_loopback(host))
                });
                layer.allow_origin(local).allow_methods(reads)
            }
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

/// Whether an authority (`host` or `host:port`) names this machine and no other.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<axum::http::uri::Authority>() else { return false };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Where a reader left its stream, as a browser's `EventSource` says it.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The topic's index at the moment of the answer.
pub(crate) const INDEX: HeaderName = HeaderName::from_static("x-highwater-index");
/// The same as a cursor, to stream on from.
pub(crate) const CURSOR: HeaderName = HeaderName::from_static("x-highwater-cursor");
