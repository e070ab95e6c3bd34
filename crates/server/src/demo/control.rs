//! `POST /demo/faults/{fault}`: breaks streams on demand.

use super::fault::Fault;
use super::publisher::Machine;
use super::wire::{Order, Wires};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Text};
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use core::time::Duration;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Whose streams; everyone's if left out.
    client: Option<String>,
    /// How long a stall lasts; three heartbeats if left out.
    seconds: Option<f64>,
}

/// Answers how many streams were told.
pub(super) async fn fault(
    State(app): State<App>,
    Extension(wires): Extension<Wires>,
    Extension(machine): Extension<Machine>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Text,
) -> Result<Json<serde_json::Value>, ApiError> {
    same_origin(&headers)?;
    let fault: Fault = name.parse().map_err(|()| unknown(&name))?;
    let wanted = if body.trim().is_empty() { Wanted::default() } else { body.json::<Wanted>()? };
    let stall = match wanted.seconds {
        None => app.settings().topic.heartbeat * 3,
        Some(seconds) => Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|stall| *stall <= LONGEST)
            .ok_or_else(|| {
                ApiError::bad_request("wrong-shape", "a stall lasts from 0 to 3600 seconds")
                    .at("seconds")
            })?,
    };
    // A publisher that restarts loses all its readers, whoever asked for it.
    let client = if fault == Fault::Restart { None } else { wanted.client.as_deref() };
    let clients = wires.send(client, Order { fault, stall });
    if fault == Fault::Restart {
        machine.restart();
    }
    tracing::info!(fault = name, clients, "fault");
    Ok(Json(serde_json::json!({ "fault": name, "clients": clients })))
}

/// Refuses a page of another origin: it could not read the answer, but it could break streams.
fn same_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(origin) = text(ORIGIN) else {
        return Ok(());
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    if authority.is_some() && authority == text(HOST) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "foreign-origin",
        "only the demo's own page can break its streams",
    ))
}

fn unknown(name: &str) -> ApiError {
    let known = Fault::ALL.map(|(name, _)| name).join(", ");
    ApiError::new(
        StatusCode::NOT_FOUND,
        "unknown-fault",
        format!("there is no fault {name:?}, only {known}"),
    )
}

const LONGEST: Duration = Duration::from_hours(1);
