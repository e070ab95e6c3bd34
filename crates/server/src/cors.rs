//! Who may ask from a browser's page of another origin.

use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH,
    RETRY_AFTER,
};
use axum::http::uri::Authority;
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
                .expose_headers([ETAG, INDEX, CURSOR, RETRY_AFTER])
                .max_age(Duration::from_mins(10)),
        )
    }
}

/// Whether an authority (`host` or `host:port`) names this machine and no other.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Reads an origin as browsers write it, so that a slip is not an origin that never comes.
pub(crate) fn origin(text: &str) -> Result<HeaderValue, String> {
    let is_authority = |text: &str| {
        text.parse::<Authority>().is_ok_and(|read| read.as_str() == text && !text.contains('@'))
    };
    let is_scheme = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain)
    };
    let is_origin = |(scheme, host)| is_scheme(scheme) && is_authority(host);
    if text == "*" || text == "null" || text.split_once("://").is_some_and(is_origin) {
        return HeaderValue::try_from(text.to_ascii_lowercase()).map_err(|error| error.to_string());
    }
    Err("an origin is a scheme and a host, such as https://example.org:8443, and nothing after it"
        .into())
}

/// Where a reader left its stream, as a browser's `EventSource` says it.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The topic's index at the moment of the answer.
pub(crate) const INDEX: HeaderName = HeaderName::from_static("x-highwater-index");
/// The same as a cursor, to stream on from.
pub(crate) const CURSOR: HeaderName = HeaderName::from_static("x-highwater-cursor");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        for good in ["*", "null", "https://example.org", "http://localhost:5173", "http://[::1]:80"]
        {
            assert_eq!(origin(good).unwrap(), good);
        }
        assert_eq!(origin("HTTPS://Example.org").unwrap(), "https://example.org");
        let paths = ["https://example.org/", "https://a.b/path", "https://a.b?x"];
        let others =
            ["", "example.org", "foo bar", "https://", "://a.b", "https://u@a.b", "ht tp://a.b"];
        for bad in paths.into_iter().chain(others) {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
