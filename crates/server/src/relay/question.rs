//! What clients ask: what flags come to, and for whom.

use super::hub::Hub;
use super::who::{Shown, Who};
use crate::accept::Takeover;
use crate::error::ApiError;
use crate::extract::{Path, Query, expect_json};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts as _, OptionalFromRequestParts as _, Request};
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use core::marker::PhantomData;
use highwater_relay::{Audience, Credential, EvaluationContext, SdkKey};
use serde::Deserialize;

/// Who asks, and for whom.
pub(super) struct Question {
    pub(super) context: EvaluationContext,
    pub(super) audience: Audience,
    pub(super) with_reasons: bool,
}

/// Somebody who asks, and says who it is in the way that `W` reads.
pub(super) struct Asking<W> {
    pub(super) shown: Shown,
    pub(super) question: Question,
    pub(super) takeover: Option<Takeover>,
    way: PhantomData<W>,
}

impl<W: Who> FromRequest<Hub> for Asking<W> {
    type Rejection = ApiError;

    /// First who asks, then for whom: a stranger learns nothing of what is wrong with the rest.
    async fn from_request(request: Request, hub: &Hub) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let shown: Shown = W::from_request_parts(&mut parts, hub).await?.into();
        let Query(asked): Query<Asked> = Query::from_request_parts(&mut parts, hub).await?;
        let Path(Named { context }) = Path::from_request_parts(&mut parts, hub).await?;
        let Ok(takeover) = Takeover::from_request_parts(&mut parts, hub).await;
        let context = match context {
            Some(segment) => EvaluationContext::from_path(&segment).map_err(|error| {
                ApiError::bad_request("bad-context", error.to_string()).at("path")
            })?,
            None => told(W::TELLING, &parts, body).await?,
        };
        let audience = match shown.credential {
            Credential::Environment(_) => {
                prove(&shown, &context, &asked.h)?;
                Audience::Browser
            }
            Credential::Mobile(_) | Credential::Sdk(_) => Audience::Mobile,
        };
        let question = Question { context, audience, with_reasons: asked.with_reasons == "true" };
        Ok(Self { shown, question, takeover, way: PhantomData })
    }
}

#[derive(Deserialize)]
struct Named {
    context: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    /// What proves whom a page asks for.
    #[serde(default)]
    h: String,
    /// Whether to say how flags came to their values.
    #[serde(default, rename = "withReasons")]
    with_reasons: String,
}

/// The context in the body, which is all that paths without one are for.
async fn told(methods: &[&str], parts: &Parts, body: Body) -> Result<EvaluationContext, ApiError> {
    if !methods.contains(&parts.method.as_str()) {
        let methods = methods.join(", ");
        let what = format!("a context is told with {methods}, not {}", parts.method);
        let error = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", what);
        return Err(match methods.parse() {
            Ok(methods) => error.with(ALLOW, methods),
            Err(_) => error,
        });
    }
    expect_json(&parts.headers)?;
    let body = to_bytes(body, LARGEST_CONTEXT).await.map_err(|_| {
        let what = format!("a context has at most {LARGEST_CONTEXT} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", what).at("body")
    })?;
    EvaluationContext::parse(&body)
        .map_err(|error| ApiError::bad_request("bad-context", error.to_string()).at("body"))
}

/// Refuses a page that cannot prove whom it asks for, where it has to.
fn prove(
    Shown { environment, .. }: &Shown,
    context: &EvaluationContext,
    hash: &str,
) -> Result<(), ApiError> {
    let proves = |key: &SdkKey| context.is_proven(hash, key);
    if !environment.params().secure_mode
        || environment.with(|streams| streams.sdk_keys().any(proves))
    {
        return Ok(());
    }
    let what = "this environment is in secure mode, and h does not prove whom is asked for";
    Err(ApiError::new(StatusCode::BAD_REQUEST, "not-proven", what).at("h"))
}

const LARGEST_CONTEXT: usize = 1 << 20;
