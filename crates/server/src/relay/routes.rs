//! The paths that SDKs know.

use super::client::{self, Question};
use super::hub::Hub;
use super::who::{self, Asked, Shown};
use super::{fdv2, poll, stream};
use crate::accept::Takeover;
use crate::error::ApiError;
use crate::extract::expect_json;
use crate::log;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, Query, Request, State};
use axum::http::header::{CONTENT_TYPE, DATE, ETAG, HeaderName};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use core::time::Duration;
use highwater_relay::{Audience, EvaluationContext, Kind, StreamProvider};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

type Answer = Result<Response, ApiError>;
type Wish = Option<Extension<Takeover>>;

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
        .route("/all", get(all))
        .route("/flags", get(flags))
        .route("/sdk/stream", get(newest))
        .route("/sdk/poll", get(newest_polled))
        .route("/sdk/latest-all", get(latest))
        .route("/sdk/flags", get(every_flag))
        .route("/sdk/flags/{key}", get(one_flag))
        .route("/sdk/segments/{key}", get(one_segment))
        .route("/mping", get(mobile_ping))
        .route("/meval/{context}", get(mobile_stream))
        .route("/meval", any(mobile_stream_reported))
        .route("/ping/{environment}", get(page_ping))
        .route("/eval/{environment}/{context}", get(page_stream))
        .route("/eval/{environment}", any(page_stream_reported))
        .route("/msdk/evalx/contexts/{context}", get(mobile_values))
        .route("/msdk/evalx/users/{context}", get(mobile_values))
        .route("/msdk/evalx/context", any(mobile_values_reported))
        .route("/msdk/evalx/user", any(mobile_values_reported))
        .route("/sdk/evalx/{environment}/contexts/{context}", get(page_values))
        .route("/sdk/evalx/{environment}/users/{context}", get(page_values))
        .route("/sdk/evalx/{environment}/context", any(page_values_reported))
        .route("/sdk/evalx/{environment}/user", any(page_values_reported))
        .route("/sdk/goals/{environment}", get(goals))
        .route("/bulk", post(server_events))
        .route("/diagnostic", post(server_events))
        .route("/mobile", post(mobile_events))
        .route("/mobile/events", post(mobile_events))
        .route("/mobile/events/bulk", post(mobile_events))
        .route("/mobile/events/diagnostic", post(mobile_events))
        .route("/events/bulk/{environment}", post(page_events))
        .route("/events/diagnostic/{environment}", post(page_events))
        .route("/status", get(status))
        .route_layer(middleware::from_fn(log::matched))
        .layer(cors)
        .layer(middleware::from_fn_with_state(app, log::log_route))
        .with_state(hub)
}

async fn all(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    wish: Wish,
    headers: HeaderMap,
) -> Answer {
    let shown = who::server(&hub, &headers, &asked)?;
    stream::open(hub.app(), shown, StreamProvider::All, unwrap(wish)).await
}

async fn flags(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    wish: Wish,
    headers: HeaderMap,
) -> Answer {
    let shown = who::server(&hub, &headers, &asked)?;
    stream::open(hub.app(), shown, StreamProvider::Flags, unwrap(wish)).await
}

async fn newest(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    wish: Wish,
    headers: HeaderMap,
) -> Answer {
    let shown = who::server(&hub, &headers, &asked)?;
    fdv2::stream(hub.app(), &shown, &asked, &headers, unwrap(wish))
}

async fn newest_polled(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    let shown = who::server(&hub, &headers, &asked)?;
    fdv2::poll(&shown, &asked, &headers)
}

async fn latest(State(hub): State<Hub>, Query(asked): Query<Asked>, headers: HeaderMap) -> Answer {
    poll::all(&who::server(&hub, &headers, &asked)?.environment, &headers)
}

async fn every_flag(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    poll::collection(&who::server(&hub, &headers, &asked)?.environment, Kind::Flag)
}

async fn one_flag(
    State(hub): State<Hub>,
    Path(key): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    poll::item(&who::server(&hub, &headers, &asked)?.environment, Kind::Flag, &key)
}

async fn one_segment(
    State(hub): State<Hub>,
    Path(key): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    poll::item(&who::server(&hub, &headers, &asked)?.environment, Kind::Segment, &key)
}

async fn mobile_ping(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    wish: Wish,
    headers: HeaderMap,
) -> Answer {
    let shown = who::mobile(&hub, &headers, &asked)?;
    stream::open(hub.app(), shown, StreamProvider::MobilePing, unwrap(wish)).await
}

async fn mobile_stream(
    State(hub): State<Hub>,
    Path(context): Path<String>,
    Query(asked): Query<Asked>,
    wish: Wish,
    headers: HeaderMap,
) -> Answer {
    let shown = who::mobile(&hub, &headers, &asked)?;
    let question = Question::new(from_path(&context)?, Audience::Mobile, &asked);
    evaluated(&hub, shown, question, unwrap(wish)).await
}

async fn mobile_stream_reported(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Answer {
    let shown = who::mobile(&hub, request.headers(), &asked)?;
    let question = Question::new(reported(request).await?, Audience::Mobile, &asked);
    evaluated(&hub, shown, question, None).await
}

async fn page_ping(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    wish: Wish,
) -> Answer {
    let shown = who::page(&hub, &id, &asked)?;
    stream::open(hub.app(), shown, StreamProvider::JsPing, unwrap(wish)).await
}

async fn page_stream(
    State(hub): State<Hub>,
    Path((id, context)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    wish: Wish,
) -> Answer {
    let shown = who::page(&hub, &id, &asked)?;
    let question = Question::new(from_path(&context)?, Audience::Browser, &asked);
    who::prove(&shown.environment, &question.context, &asked)?;
    evaluated(&hub, shown, question, unwrap(wish)).await
}

async fn page_stream_reported(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Answer {
    let shown = who::page(&hub, &id, &asked)?;
    let question = Question::new(reported(request).await?, Audience::Browser, &asked);
    who::prove(&shown.environment, &question.context, &asked)?;
    evaluated(&hub, shown, question, None).await
}

async fn mobile_values(
    State(hub): State<Hub>,
    Path(context): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    let Shown { environment, .. } = who::mobile(&hub, &headers, &asked)?;
    client::once(&environment, &Question::new(from_path(&context)?, Audience::Mobile, &asked))
}

async fn mobile_values_reported(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Answer {
    let Shown { environment, .. } = who::mobile(&hub, request.headers(), &asked)?;
    client::once(&environment, &Question::new(reported(request).await?, Audience::Mobile, &asked))
}

async fn page_values(
    State(hub): State<Hub>,
    Path((id, context)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let Shown { environment, .. } = who::page(&hub, &id, &asked)?;
    let question = Question::new(from_path(&context)?, Audience::Browser, &asked);
    who::prove(&environment, &question.context, &asked)?;
    client::once(&environment, &question)
}

async fn page_values_reported(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Answer {
    let Shown { environment, .. } = who::page(&hub, &id, &asked)?;
    let question = Question::new(reported(request).await?, Audience::Browser, &asked);
    who::prove(&environment, &question.context, &asked)?;
    client::once(&environment, &question)
}

/// There are none: they are counted where events are.
async fn goals(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    who::page(&hub, &id, &asked)?;
    Ok(([(CONTENT_TYPE, "application/json")], "[]").into_response())
}

/// Events are taken, so that SDKs need not keep them, and go nowhere.
async fn server_events(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    _: Bytes,
) -> Answer {
    who::server(&hub, &headers, &asked)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

async fn mobile_events(
    State(hub): State<Hub>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    _: Bytes,
) -> Answer {
    who::mobile(&hub, &headers, &asked)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

async fn page_events(
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    _: Bytes,
) -> Answer {
    who::page(&hub, &id, &asked)?;
    Ok(StatusCode::ACCEPTED.into_response())
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

/// A client's stream: pings, or values where the operator wants that.
async fn evaluated(
    hub: &Hub,
    shown: Shown,
    question: Question,
    takeover: Option<Takeover>,
) -> Answer {
    if shown.environment.service().evaluate {
        return client::stream(hub.app(), shown, question);
    }
    let provider = match question.audience {
        Audience::Browser => StreamProvider::JsPing,
        Audience::Mobile => StreamProvider::MobilePing,
    };
    stream::open(hub.app(), shown, provider, takeover).await
}

fn unwrap(wish: Wish) -> Option<Takeover> {
    wish.map(|Extension(takeover)| takeover)
}

fn from_path(segment: &str) -> Result<EvaluationContext, ApiError> {
    EvaluationContext::from_path(segment)
        .map_err(|error| ApiError::bad_request("bad-context", error.to_string()).at("path"))
}

/// The context in the body of a REPORT, which is all that these paths are for.
async fn reported(request: Request) -> Result<EvaluationContext, ApiError> {
    if request.method().as_str() != "REPORT" {
        let what = format!("{} is not possible here", request.method());
        return Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", what));
    }
    expect_json(request.headers())?;
    let body = axum::body::to_bytes(Body::new(request.into_body()), LARGEST_CONTEXT).await;
    let body = body.map_err(|_| {
        let what = format!("a context has at most {LARGEST_CONTEXT} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", what).at("body")
    })?;
    EvaluationContext::parse(&body)
        .map_err(|error| ApiError::bad_request("bad-context", error.to_string()).at("body"))
}

const LARGEST_CONTEXT: usize = 1 << 20;
