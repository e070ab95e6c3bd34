//! The calls: `/v1/eventstreams…`.

use super::answer::{Call, Refusal, shown};
use super::source::check;
use crate::access::{Act, Caller, Glob};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Path;
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use highwater_eventstreams::{
    Error, EventStream, EventStreamSpec, Expression, Field, Guest, Match, Query, QueryLimits,
    Reset, StreamList, Test, Timestamp,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

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
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match app.websockets() {
        Some(websockets) => {
            let guest = Arc::new(Consumer { app: app.clone(), caller });
            websockets.accept_guest(&headers, query, upgrade, guest)
        }
        None => ApiError::new(
            StatusCode::NOT_FOUND,
            "no-event-streams",
            "this server has no event streams: they are begun with --event-streams",
        )
        .into_response(),
    }
}

/// A client of `/ws`, and what it may.
struct Consumer {
    app: App,
    caller: Caller,
}

impl Guest for Consumer {
    fn may_stay(&self) -> Result<(), String> {
        self.caller.is_still_known().map_err(|refusal| refusal.message().into())
    }

    fn may_consume(&self, stream: &str) -> Result<(), String> {
        let allowed = self.caller.expect(self.app.access(), Act::Consume(Some(stream)));
        allowed.map_err(|refusal| refusal.message().into())
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

async fn listed(call: Call, mut query: Query) -> Result<Response, Refusal> {
    let managed = call.managed();
    if let Some(globs) = &managed {
        let filter = core::mem::replace(&mut query.filter, Expression::All(Vec::new()));
        query.filter = Expression::All(vec![filter, named(globs)]);
    }
    let may = |stream: &EventStream| {
        let name = stream.spec.name.as_deref().unwrap_or_default();
        managed.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob.matches(name)))
    };
    let StreamList { mut items, total } =
        call.of(async |streams| streams.list(&query).await).await?;
    items.retain(may);
    let items: Vec<Value> = items.iter().map(|stream| chosen(shown(stream), &query)).collect();
    Ok(match total {
        None => Json(items).into_response(),
        Some(total) => {
            Json(json!({ "count": items.len(), "total": total, "items": items })).into_response()
        }
    })
}

/// Streams whose names have all parts of a pattern, first and last where they are to be. (In which
/// order the others come is looked at afterwards.)
fn named(globs: &[Glob]) -> Expression {
    let test = |part, text: &str| {
        let test = Test::Text { part, ignore_case: false, text: text.into() };
        Expression::Compare { field: Field::Name, test, negated: false }
    };
    let of = |glob: &Glob| {
        let parts: Vec<_> = glob.parts().collect();
        let last = parts.len() - 1;
        if last == 0 {
            return test(Match::Whole, parts[0]);
        }
        let place = |at| match at {
            0 => Match::Starts,
            at if at == last => Match::Ends,
            _ => Match::Contains,
        };
        let parts = parts.iter().enumerate().filter(|(_, text)| !text.is_empty());
        Expression::All(parts.map(|(at, text)| test(place(at), text)).collect())
    };
    Expression::Any(globs.iter().map(of).collect())
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
    // What it was called, and what it will be.
    let place = if name.is_empty() { spec.id.as_deref().unwrap_or_default() } else { &name };
    let old = call.name_of(place).await?;
    let new = spec.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&name);
    for called in old.as_deref().into_iter().chain([new]) {
        call.expect(Act::Manage(Some(called)))?;
    }
    if let Some(topic) = spec.source.as_deref() {
        call.expect(Act::Read(topic))?;
    }
    if let Some(topic) = spec.dead_letter_topic.as_deref().filter(|topic| !topic.is_empty()) {
        call.expect(Act::Write(topic))?;
    }
    let (stream, is_new) = call.of(async |streams| streams.upsert(&name, spec).await).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(shown(&stream))).into_response())
}

async fn read(call: Call, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    call.expect_managed(&name).await?;
    let stream = call.of(async |streams| streams.get(&name).await).await?;
    Ok(Json(shown(&stream)))
}

async fn remove(call: Call, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    call.expect_managed(&name).await?;
    call.of(async |streams| streams.delete_stream(&name).await).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn start(call: Call, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    call.expect_managed(&name).await?;
    let started: EventStream = call
        .of(async |streams| {
            streams.start_stream(&name).await?;
            streams.get(&name).await
        })
        .await?;
    Ok(Json(shown(&started)))
}

async fn stop(call: Call, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    call.expect_managed(&name).await?;
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
    call.expect_managed(&name).await?;
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
