//! The paths that SDKs know.

use super::fdv2::{self, Resumed};
use super::hub::Hub;
use super::question::Asking;
use super::source::Words;
use super::who::{Client, Mobile, Page, Server, Who};
use super::{client, poll, stream};
use crate::accept::Takeover;
use crate::error::ApiError;
use crate::extract::Path;
use crate::log;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
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
        .route("/sdk/stream/eval/{context}", get(newest_values))
        .route("/sdk/stream/eval", any(newest_values))
        .route("/sdk/poll/eval/{context}", get(newest_values_polled))
        .route("/sdk/poll/eval", any(newest_values_polled))
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
fn stream_of<W: Who>(provider: StreamProvider) -> MethodRouter<Hub> {
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
async fn evaluated<W>(State(hub): State<Hub>, asking: Asking<W>) -> Answer {
    let Asking { shown, question, takeover, .. } = asking;
    if shown.environment.service().evaluate {
        return client::stream(hub.app(), shown, question, Words::FDv1, Resumed(None));
    }
    let provider = match question.audience {
        Audience::Browser => StreamProvider::JsPing,
        Audience::Mobile => StreamProvider::MobilePing,
    };
    stream::open(hub.app(), shown, provider, takeover).await
}

/// The same values without a stream.
async fn values<W>(Asking { shown, question, .. }: Asking<W>) -> Answer {
    client::once(&shown.environment, &question)
}

/// A client's stream in the newest protocol, which has no pings.
async fn newest_values(
    State(hub): State<Hub>,
    resumed: Resumed,
    Asking { shown, question, .. }: Asking<Client>,
) -> Answer {
    client::stream(hub.app(), shown, question, Words::FDv2, resumed)
}

async fn newest_values_polled(
    resumed: Resumed,
    headers: HeaderMap,
    Asking { shown, question, .. }: Asking<Client>,
) -> Answer {
    client::poll(&shown, &question, &resumed, &headers)
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
