//! Where clients connect.

use super::connection;
use super::guest::{Anybody, Guest};
use super::hub::WebSocketFactory;
use axum::Router;
use axum::extract::RawQuery;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use std::sync::Arc;

impl WebSocketFactory {
    /// The server that clients connect to, at `/ws`: those of event streams, and those that speak the
    /// dialect of FireFly's core, as its SDK does, which are known by how they begin.
    ///
    /// ```
    /// use highwater_eventstreams::{Configuration, WebSocketFactory};
    /// let websockets = WebSocketFactory::new(&Configuration::default());
    /// let router: axum::Router = websockets.router();
    /// ```
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let factory = self.clone();
        Router::new().route(
            "/ws",
            get(
                |headers: HeaderMap,
                 RawQuery(query): RawQuery,
                 upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>| async move {
                    factory.accept(&headers, query, upgrade)
                },
            ),
        )
    }

    /// Answers a request to take part: upgrades it, if it asks for that and no page of another host is
    /// behind it. What [`router`](Self::router) does, for who has routes of another kind.
    pub fn accept(
        &self,
        headers: &HeaderMap,
        query: Option<String>,
        upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    ) -> Response {
        self.accept_guest(headers, query, upgrade, Arc::new(Anybody))
    }

    /// The same, for a client that may not do everything. When it does what it may not, its
    /// connection is closed with status 1008, and the reason.
    pub fn accept_guest(
        &self,
        headers: &HeaderMap,
        query: Option<String>,
        upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
        guest: Arc<dyn Guest>,
    ) -> Response {
        let Ok(upgrade) = upgrade else {
            return (StatusCode::BAD_REQUEST, "Bad Request\n").into_response();
        };
        if !is_same_origin(headers) {
            return (StatusCode::FORBIDDEN, "Forbidden\n").into_response();
        }
        if self.0.closed.is_cancelled() {
            return (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n").into_response();
        }
        let hub = Arc::clone(&self.0);
        let sizes = &hub.configuration.websockets;
        upgrade
            .protocols([PROTOCOL])
            .read_buffer_size(sizes.read_buffer_size)
            .write_buffer_size(sizes.write_buffer_size)
            .max_message_size(sizes.max_message_size)
            .max_frame_size(sizes.max_message_size)
            .on_upgrade(move |socket| connection::serve(socket, hub, query, guest))
    }
}

/// What both speak, for clients that want to hear it: a browser's that offers any protocol does.
const PROTOCOL: &str = "highwater";

/// Whether a page of another host is not behind this: a browser says whose page it is.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let (Some((_, origin)), Some(host)) = (host, headers.get(HOST)) else { return false };
    let origin = origin.split('/').next().unwrap_or_default();
    host.to_str().is_ok_and(|host| host.eq_ignore_ascii_case(origin))
}
