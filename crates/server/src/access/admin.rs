//! The administrator's API: `/v1/admin/tokens`.

use super::grant::Grant;
use super::tokens::{Minted, NoAccess, Token};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Text, expect_json};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/admin/tokens", get(list).post(mint))
        .route("/v1/admin/tokens/{id}", delete(revoke))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: Box<str>,
    #[serde(default)]
    read: Vec<super::Glob>,
    #[serde(default)]
    write: Vec<super::Glob>,
    #[serde(default)]
    consume: Vec<super::Glob>,
    #[serde(default)]
    manage: Vec<super::Glob>,
    #[serde(default)]
    metrics: bool,
}

/// All tokens, without their secrets, which nobody has.
async fn list(State(app): State<App>) -> Json<Value> {
    let tokens: Vec<Value> = app.access().list().iter().map(|token| shown(token)).collect();
    Json(json!({ "tokens": tokens }))
}

/// Makes a token, and tells its secret this once.
async fn mint(
    State(app): State<App>,
    headers: HeaderMap,
    body: Text,
) -> Result<Response, ApiError> {
    expect_json(&headers)?;
    let Wanted { name, read, write, consume, manage, metrics } = body.json()?;
    if name.is_empty() || name.len() > LONGEST {
        let message = format!("the name of a token has from 1 to {LONGEST} bytes");
        return Err(ApiError::bad_request("bad-name", message).at("name"));
    }
    let grant = Grant { read, write, consume, manage, metrics };
    let Minted { token, secret } = blocking(move || app.access().mint(&name, grant)).await?;
    tracing::info!(token = %token.id(), name = token.name(), "token made");
    let mut body = shown(&token);
    body["secret"] = secret.reveal().into();
    let place = HeaderValue::try_from(format!("/v1/admin/tokens/{}", token.id()))
        .expect("hexadecimal digits are legal in a header");
    let headers = [(LOCATION, place), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, headers, Json(body)).into_response())
}

/// Takes a token away, and ends the streams of its holder.
async fn revoke(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let token = blocking({
        let app = app.clone();
        move || app.access().revoke(&id)
    })
    .await?;
    // Only now: whoever comes between is refused, and whoever came before is found here.
    app.topics().close(token.id());
    if let Some(websockets) = app.websockets() {
        websockets.review();
    }
    tracing::info!(token = %token.id(), name = token.name(), "token revoked");
    Ok(Json(shown(&token)))
}

fn shown(token: &Token) -> Value {
    let grant = token.grant();
    json!({
        "id": &**token.id(),
        "name": token.name(),
        "read": grant.read,
        "write": grant.write,
        "consume": grant.consume,
        "manage": grant.manage,
        "metrics": grant.metrics,
        "created": token.created(),
        "configured": token.is_configured(),
        "revoked": token.is_revoked(),
    })
}

/// Where waiting for the disk holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NoAccess> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|lost| Err(NoAccess::Storage(std::io::Error::other(lost))));
    done.map_err(|error| {
        let (status, code) = match &error {
            NoAccess::Unknown => (StatusCode::NOT_FOUND, "unknown-token"),
            NoAccess::Configured => (StatusCode::CONFLICT, "configured"),
            NoAccess::TooMany => (StatusCode::INSUFFICIENT_STORAGE, "too-many-tokens"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "storage-failed"),
        };
        tracing::warn!(%error, "no change to tokens");
        ApiError::new(status, code, error.to_string())
    })
}

/// The longest name of a token, in bytes.
const LONGEST: usize = 256;
