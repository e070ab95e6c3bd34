//! The calls: `/v1/eventstreams…`.

use super::answer::{Call, Refusal, shown};
use super::source::check;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Path;
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use highwater_eventstreams::{
    Error, EventStream, EventStreamSpec, Query, QueryLimits, Reset, StreamList, Timestamp,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/eventstreams", get(list).post(create))
        .route("/v1/eventstreams/{stream}", get(read).put(replace).delete(remove))
        .route("/v1/eventstreams/query", post(query))
        .route("/v1/eventstreams/{stream}/start", post(start))
        .route("/v1/eventstreams/{stream}/stop", post(stop))
        .route("/v1/eventstreams/{stream}/reset", post(reset))
        .route("/ws", get(connect))
}

/// The clients of streams of type `websocket`.
async fn connect(
    State(app): State<App>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match app.websockets() {
        Some(websockets) => websockets.accept(&headers, query, upgrade),
        None => ApiError::new(
            StatusCode::NOT_FOUND,
            "no-event-streams",
            "this server has no event streams: they are begun with --event-streams",
        )
        .into_response(),
    }
}

async fn list(call: Call, RawQuery(text): RawQuery) -> Result<Response, Refusal> {
    let query =
        Query::from_url(text.as_deref().unwrap_or_default(), &LIMITS).map_err(Error::from)?;
    listed(call, query).await
}

/// (A stream that is called `query` is read by its id.)
async fn query(call: Call, body: Bytes) -> Result<Response, Refusal> {
    let query = Query::from_json(&String::from_utf8_lossy(&body), &LIMITS).map_err(Error::from)?;
    listed(call, query).await
}

async fn listed(call: Call, query: Query) -> Result<Response, Refusal> {
    let StreamList { items, total } = call.of(async |streams| streams.list(&query).await).await?;
    let items: Vec<Value> = items.iter().map(|stream| chosen(shown(stream), &query)).collect();
    Ok(match total {
        None => Json(items).into_response(),
        Some(total) => {
            Json(json!({ "count": items.len(), "total": total, "items": items })).into_response()
        }
    })
}

/// The members that were asked for, if any were.
fn chosen(mut stream: Value, query: &Query) -> Value {
    if let Some(members) = stream.as_object_mut().filter(|_| !query.members.is_empty()) {
        members.retain(|name, _| query.members.iter().any(|m| m.eq_ignore_ascii_case(name)));
    }
    stream
}

async fn create(call: Call, body: Bytes) -> Result<Response, Refusal> {
    put(call, String::new(), &body).await
}

async fn replace(call: Call, Path(name): Path<String>, body: Bytes) -> Result<Response, Refusal> {
    put(call, name, &body).await
}

async fn put(call: Call, name: String, body: &[u8]) -> Result<Response, Refusal> {
    let spec: EventStreamSpec = json_of(body)?;
    let (stream, is_new) = call.of(async |streams| streams.upsert(&name, spec).await).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(shown(&stream))).into_response())
}

async fn read(call: Call, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    let stream = call.of(async |streams| streams.get(&name).await).await?;
    Ok(Json(shown(&stream)))
}

async fn remove(call: Call, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    call.of(async |streams| streams.delete_stream(&name).await).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn start(call: Call, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    let started: EventStream = call
        .of(async |streams| {
            streams.start_stream(&name).await?;
            streams.get(&name).await
        })
        .await?;
    Ok(Json(shown(&started)))
}

async fn stop(call: Call, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    let stopped: EventStream = call
        .of(async |streams| {
            streams.stop_stream(&name).await?;
            streams.get(&name).await
        })
        .await?;
    Ok(Json(shown(&stopped)))
}

/// Where to begin again; as a new stream does, if nothing is said.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct To {
    sequence_id: Option<String>,
    time: Option<Timestamp>,
}

async fn reset(call: Call, Path(name): Path<String>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let To { sequence_id, time } = if body.is_empty() { To::default() } else { json_of(&body)? };
    check(sequence_id.as_deref().unwrap_or_default(), "sequenceId")?;
    let to = Reset { sequence_id, time };
    let again: EventStream = call
        .of(async |streams| {
            streams.reset_stream(&name, to).await?;
            streams.get(&name).await
        })
        .await?;
    Ok(Json(shown(&again)))
}

fn json_of<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::json(&error))
}

const LIMITS: QueryLimits =
    QueryLimits { default_limit: 25, max_limit: 250, max_skip: 1000, fields: true };
