//! Auto-config over HTTP: `GET /relay_auto_config`.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream::unfold;
use subtle::ConstantTimeEq as _;
use tokio::time::{Instant, sleep_until};

use super::source::{AutoConfigSource, Speaks, Subscription};
use crate::credentials::AutoConfigKey;

/// The route by which others follow a source, for whoever shows one of these keys in `Authorization`.
/// Anybody else is answered 401; everybody 503 before there is a whole configuration.
pub fn router(
    source: Arc<AutoConfigSource>,
    keys: impl IntoIterator<Item = AutoConfigKey>,
    heartbeat: Duration,
) -> Router {
    let keys = keys.into_iter().collect();
    Router::new().route("/relay_auto_config", get(follow)).with_state(Arc::new(Served {
        source,
        keys,
        heartbeat,
    }))
}

struct Served {
    source: Arc<AutoConfigSource>,
    keys: Vec<AutoConfigKey>,
    heartbeat: Duration,
}

async fn follow(
    State(served): State<Arc<Served>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    // All are compared, so that the time does not tell which one came near.
    let known = served
        .keys
        .iter()
        .fold(false, |known, key| known | bool::from(key.reveal().as_bytes().ct_eq(shown)));
    if !known {
        return (StatusCode::UNAUTHORIZED, "unknown auto-config key\n").into_response();
    }
    let Some(subscription) = served.source.subscribe(speaks(query.as_deref())) else {
        let what = "there is no configuration yet\n";
        return (StatusCode::SERVICE_UNAVAILABLE, what).into_response();
    };
    let start = Beat { subscription, every: served.heartbeat, due: Instant::now() };
    let body = unfold(start, |mut beat| async {
        let chunk = beat.next().await?;
        Some((Ok::<_, Infallible>(chunk), beat))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// What a follower understands, by the version of the protocol that it asks for.
fn speaks(query: Option<&str>) -> Speaks {
    let pairs = query.into_iter().flat_map(|query| query.split('&'));
    let version = pairs.filter_map(|pair| pair.strip_prefix("rpacProtocolVersion=")).next_back();
    match version.map(str::parse::<u32>) {
        Some(Ok(2..)) => Speaks::Filters,
        _ => Speaks::Environments,
    }
}

/// A subscription with heartbeats in its silences.
struct Beat {
    subscription: Subscription,
    every: Duration,
    due: Instant,
}

impl Beat {
    async fn next(&mut self) -> Option<Bytes> {
        self.due = Instant::now() + self.every;
        tokio::select! {
            event = self.subscription.next() => event,
            () = sleep_until(self.due), if !self.every.is_zero() => Some(HEARTBEAT),
        }
    }
}

/// A comment. No blank line follows it.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_speaks_what_it_asks_for() {
        for (query, spoken) in [
            (None, Speaks::Environments),
            (Some("rpacProtocolVersion=1"), Speaks::Environments),
            (Some("rpacProtocolVersion=2"), Speaks::Filters),
            (Some("a=b&rpacProtocolVersion=3"), Speaks::Filters),
            (Some("rpacProtocolVersion=x"), Speaks::Environments),
            (Some("rpacProtocolVersion=-2"), Speaks::Environments),
        ] {
            assert_eq!(speaks(query), spoken, "{query:?}");
        }
    }
}
