//! The paths that SDKs know.

use super::fdv2::{self, Resumed};
use super::hub::Hub;
use super::question::Client;
use super::who::{Mobile, Page, Server, Shown};
use super::{client, poll, stream};
use crate::accept::Takeover;
use crate::error::ApiError;
use crate::log;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{CONTENT_TYPE, DATE, ETAG, HeaderName};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any, get, post};
use core::time::Duration;
use highwater_relay::{Audience, Kind, StreamProvider};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

type Answer = Result<Response, ApiError>;

/// Everything that SDKs connect to.
pub(crate) fn router(hub: Hub) -> Router {
    let report = Method::from_bytes(b"REPORT").unwrap_or_default(); // it is a method's name
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::OPTIONS, report])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([DATE, ETAG, HeaderName::from_static("x-ld-envid")])
        .max_age(Duration::from_mins(5));
    let app = hub.app().clone();
    Router::new()
        .route("/all", stream_of::<Server>(StreamProvider::All))
        .route("/flags", stream_of::<Server>(StreamProvider::Flags))
        .route("/sdk/stream", get(newest))
        .route("/sdk/poll", get(newest_polled))
        .route("/sdk/latest-all", get(latest))
        .route("/sdk/flags", all_of(Kind::Flag))
        .route("/sdk/flags/{key}", one_of(Kind::Flag))
        .route("/sdk/segments/{key}", one_of(Kind::Segment))
        .route("/mping", stream_of::<Mobile>(StreamProvider::MobilePing))
        .route("/meval/{context}", get(evaluated::<Mobile>))
        .route("/meval", any(evaluated::<Mobile>))
        .route("/ping/{environment}", stream_of::<Page>(StreamProvider::JsPing))
        .route("/eval/{environment}/{context}", get(evaluated::<Page>))
        .route("/eval/{environment}", any(evaluated::<Page>))
        .route("/msdk/evalx/contexts/{context}", get(values::<Mobile>))
        .route("/msdk/evalx/users/{context}", get(values::<Mobile>))
        .route("/msdk/evalx/context", any(values::<Mobile>))
        .route("/msdk/evalx/user", any(values::<Mobile>))
        .route("/sdk/evalx/{environment}/contexts/{context}", get(values::<Page>))
        .route("/sdk/evalx/{environment}/users/{context}", get(values::<Page>))
        .route("/sdk/evalx/{environment}/context", any(values::<Page>))
        .route("/sdk/evalx/{environment}/user", any(values::<Page>))
        .route("/sdk/goals/{environment}", get(goals))
        .route("/bulk", post(events::<Server>))
        .route("/diagnostic", post(events::<Server>))
        .route("/mobile", post(events::<Mobile>))
        .route("/mobile/events", post(events::<Mobile>))
        .route("/mobile/events/bulk", post(events::<Mobile>))
        .route("/mobile/events/diagnostic", post(events::<Mobile>))
        .route("/events/bulk/{environment}", post(events::<Page>))
        .route("/events/diagnostic/{environment}", post(events::<Page>))
        .route("/status", get(status))
        .route_layer(middleware::from_fn(log::matched))
        .layer(cors)
        .layer(middleware::from_fn_with_state(app, log::log_route))
        .with_state(hub)
}

/// A provider's streams, for those who say who they are in the way that `W` reads.
fn stream_of<W>(provider: StreamProvider) -> MethodRouter<Hub>
where
    W: FromRequestParts<Hub, Rejection = ApiError> + Into<Shown> + Send + 'static,
{
    get(async move |State(hub): State<Hub>, who: W, takeover: Option<Takeover>| {
        stream::open(hub.app(), who.into(), provider, takeover).await
    })
}

/// The newest protocol.
async fn newest(
    State(hub): State<Hub>,
    Server(shown): Server,
    resumed: Resumed,
    takeover: Option<Takeover>,
) -> Answer {
    fdv2::stream(hub.app(), &shown, &resumed, takeover)
}

async fn newest_polled(Server(shown): Server, resumed: Resumed, headers: HeaderMap) -> Answer {
    fdv2::poll(&shown, &resumed, &headers)
}

async fn latest(Server(shown): Server, headers: HeaderMap) -> Answer {
    poll::all(&shown.environment, &headers)
}

fn all_of(kind: Kind) -> MethodRouter<Hub> {
    get(async move |Server(shown): Server| poll::collection(&shown.environment, kind))
}

fn one_of(kind: Kind) -> MethodRouter<Hub> {
    get(async move |Server(shown): Server, Path(key): Path<String>| {
        poll::item(&shown.environment, kind, &key)
    })
}

/// A client's stream: pings, or values where the operator wants that.
async fn evaluated<W>(State(hub): State<Hub>, asked: Client<W>) -> Answer {
    let Client { shown, question, takeover, .. } = asked;
    if shown.environment.service().evaluate {
        return client::stream(hub.app(), shown, question);
    }
    let provider = match question.audience {
        Audience::Browser => StreamProvider::JsPing,
        Audience::Mobile => StreamProvider::MobilePing,
    };
    stream::open(hub.app(), shown, provider, takeover).await
}

/// The same values without a stream.
async fn values<W>(Client { shown, question, .. }: Client<W>) -> Answer {
    client::once(&shown.environment, &question)
}

/// There are none: they are counted where events are.
async fn goals(_: Page) -> Response {
    ([(CONTENT_TYPE, "application/json")], "[]").into_response()
}

/// Events are taken, so that SDKs need not keep them, and go nowhere.
async fn events<W>(_: W, _: Bytes) -> StatusCode {
    StatusCode::ACCEPTED
}

/// Which environments there are and whether they have flags; no keys.
async fn status(State(hub): State<Hub>) -> Response {
    let environments = hub.statuses().into_iter().map(|(params, initialised)| {
        let variant = params.variant().to_string();
        (variant, serde_json::json!({ "name": &*params.name, "initialised": initialised }))
    });
    let environments: serde_json::Map<_, _> = environments.collect();
    axum::Json(serde_json::json!({ "environments": environments })).into_response()
}
