//! Which credential a request shows, and which filter it asks for.

use super::environment::Environment;
use super::hub::{Hub, unauthorized};
use crate::error::ApiError;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use highwater_relay::{Credential, EnvironmentId, EvaluationContext, FilterKey, MobileKey, SdkKey};
use serde::Deserialize;
use std::sync::Arc;

/// What requests say in their query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    filter: String,
    /// What proves whom a page asks for.
    h: String,
    /// Where a client of `FDv2` was.
    pub(super) basis: Option<String>,
    /// Whether to say how flags came to their values.
    #[serde(rename = "withReasons")]
    with_reasons: String,
}

impl Asked {
    fn filter(&self) -> FilterKey {
        FilterKey::new(&*self.filter)
    }

    pub(super) fn with_reasons(&self) -> bool {
        self.with_reasons == "true"
    }
}

/// An environment, by the credential that a request has shown.
pub(super) struct Shown {
    pub(super) environment: Arc<Environment>,
    pub(super) credential: Credential,
}

/// By the SDK key in the header.
pub(super) fn server(hub: &Hub, headers: &HeaderMap, asked: &Asked) -> Result<Shown, ApiError> {
    let key = SdkKey::new(key(headers)?).ok_or_else(unauthorized)?;
    of(hub, Credential::Sdk(key), asked)
}

/// By the mobile key in the header.
pub(super) fn mobile(hub: &Hub, headers: &HeaderMap, asked: &Asked) -> Result<Shown, ApiError> {
    let key = MobileKey::new(key(headers)?).ok_or_else(unauthorized)?;
    of(hub, Credential::Mobile(key), asked)
}

/// By the environment's id in the path.
pub(super) fn page(hub: &Hub, id: &str, asked: &Asked) -> Result<Shown, ApiError> {
    of(hub, Credential::Environment(EnvironmentId::new(id)), asked)
}

fn of(hub: &Hub, credential: Credential, asked: &Asked) -> Result<Shown, ApiError> {
    let environment = hub.find(&credential, &asked.filter())?;
    Ok(Shown { environment, credential })
}

/// `KEY`, or `api_key KEY` as older SDKs say it.
fn key(headers: &HeaderMap) -> Result<&str, ApiError> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.ok_or_else(unauthorized)?;
    let key = given.strip_prefix("api_key ").unwrap_or(given);
    if key.contains(' ') { Err(unauthorized()) } else { Ok(key) }
}

/// Refuses a page that cannot prove whom it asks for, where it has to.
pub(super) fn prove(
    environment: &Environment,
    context: &EvaluationContext,
    asked: &Asked,
) -> Result<(), ApiError> {
    let proves = |key: &SdkKey| context.is_proven(&asked.h, key);
    if !environment.params().secure_mode
        || environment.with(|streams| streams.sdk_keys().any(proves))
    {
        return Ok(());
    }
    let what = "this environment is in secure mode, and h does not prove whom is asked for";
    Err(ApiError::new(StatusCode::BAD_REQUEST, "not-proven", what).at("h"))
}
