//! What a call has, and what it is answered: errors are `{"error":"FFnnnnn: …"}`.

use crate::access::{Act, Caller, Glob};
use crate::app::App;
use crate::error::ApiError;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use core::time::Duration;
use highwater_eventstreams::{Error, EventStream, Manager, Period};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Why a call was not answered.
#[derive(Debug)]
pub(super) enum Refusal {
    /// As FireFly says it.
    Told(StatusCode, String),
    /// The caller may not.
    Forbidden(ApiError),
}

impl Refusal {
    /// JSON that is unreadable, or of another shape than asked for. What is no duration has its own code.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let has_code = text.starts_with("FF");
        let text = if has_code { text } else { format!("FF00127: {text}") };
        Self::Told(StatusCode::BAD_REQUEST, text)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::warn!(%error, "event streams");
        }
        Self::Told(status, error.to_string())
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Forbidden(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Told(status, text) => (status, Json(json!({ "error": text }))).into_response(),
            Self::Forbidden(error) => error.into_response(),
        }
    }
}

/// The streams, who asks for them, and how long the caller waits for an answer.
pub(super) struct Call {
    manager: Manager,
    within: Duration,
    app: App,
    caller: Caller,
}

impl Call {
    /// Refuses what the caller may not.
    pub(super) fn expect(&self, act: Act<'_>) -> Result<(), Refusal> {
        Ok(self.caller.expect(self.app.access(), act)?)
    }

    /// Refuses a stream that the caller may not manage, whatever it was asked for by.
    pub(super) async fn expect_managed(&self, name_or_id: &str) -> Result<(), Refusal> {
        let name = self.name_of(name_or_id).await?;
        self.expect(Act::Manage(Some(name.as_deref().unwrap_or(name_or_id))))
    }

    /// What a stream is called, if it is there.
    pub(super) async fn name_of(&self, name_or_id: &str) -> Result<Option<String>, Refusal> {
        match self.manager.get(name_or_id).await {
            Ok(stream) => Ok(stream.spec.name),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The streams that the caller may manage; nothing if that is all of them.
    pub(super) fn managed(&self) -> Option<Vec<Glob>> {
        self.caller.managed(self.app.access())
    }

    /// What the work comes to, if it does in time. What was begun goes on.
    pub(super) async fn of<T>(
        self,
        work: impl AsyncFnOnce(Manager) -> Result<T, Error>,
    ) -> Result<T, Refusal> {
        let done = timeout(self.within, work(self.manager)).await;
        Ok(done.unwrap_or(Err(Error::Cancelled))?)
    }
}

impl FromRequestParts<App> for Call {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Some(manager) = app.event_streams() else {
            let text = "FF00154: this server has no event streams, or not yet".to_owned();
            return Err(Refusal::Told(StatusCode::SERVICE_UNAVAILABLE, text));
        };
        let within = match parts.headers.get("request-timeout") {
            None => USUAL,
            Some(text) => wait(text.to_str().unwrap_or_default())?.min(LONGEST),
        };
        if let Some(id) = parts.headers.get("x-firefly-request-id") {
            tracing::info!(id = %id.to_str().unwrap_or_default(), uri = %parts.uri, "request");
        }
        let (manager, within) = (manager.within(within), within.saturating_add(LATE));
        // Nobody gets past the guard without one.
        let caller = parts.extensions.get().cloned().unwrap_or(Caller::Nameless);
        Ok(Self { manager, within, app: app.clone(), caller })
    }
}

/// A duration; a number without a unit is of seconds.
fn wait(text: &str) -> Result<Duration, Error> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let read = if digits { format!("{text}s").parse::<Period>() } else { text.parse() };
    let wait = read.map(Period::wait).map_err(|_| Error::Duration(text.into()))?;
    if wait.is_zero() { Err(Error::Duration(text.into())) } else { Ok(wait) }
}

/// As it is told to whoever may manage streams, who need not know what they are signed with.
pub(super) fn shown(stream: &EventStream) -> Value {
    let mut value = serde_json::to_value(stream).unwrap_or_default();
    if let Some(webhook) = value.get_mut("webhook").and_then(Value::as_object_mut) {
        webhook.remove("signingSecret");
    }
    value
}

const USUAL: Duration = Duration::from_mins(2);
const LONGEST: Duration = Duration::from_mins(10);
/// A stream that does not stop in time says so itself.
const LATE: Duration = Duration::from_millis(250);
