//! What a client is told when a request fails: a status and a JSON body.

use axum::extract::rejection::{
    BytesRejection, PathRejection, QueryRejection, RawPathParamsRejection,
};
use axum::http::header::{HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use core::time::Duration;
use highwater_publisher::{CommitError, NameError, ObjectError, Refusal};
use serde::Serialize;

/// `{"error":{"code","message","where"?,"current"?}}` with its status.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    /// Few errors have one.
    header: Option<Box<(HeaderName, HeaderValue)>>,
    body: Body,
}

#[derive(Debug, Serialize)]
struct Body {
    code: &'static str,
    message: String,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// The version of the item now, with null for none; left out where no version was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<serde_json::Value>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let body = Body { code, message: message.into(), place: None, current: None };
        Self { status, header: None, body }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn unknown_topic(topic: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown-topic", format!("there is no topic {topic:?}"))
    }

    /// What is wrong, in words.
    pub(crate) fn message(&self) -> &str {
        &self.body.message
    }

    /// Says which part of the request is meant.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.body.place = Some(place.into());
        self
    }

    /// Says which line of the body is meant. What was said of a place before counts within it.
    pub(crate) fn in_line(mut self, number: u64) -> Self {
        let within = self.body.place.take().unwrap_or_default();
        // A text of one line says of its places that they are in line 1.
        let within = within.strip_prefix("line 1").unwrap_or(&within).trim_start();
        self.body.place = Some(format!("line {number} {within}").trim_end().into());
        self
    }

    /// The same with another status.
    pub(crate) fn but(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Says more in a header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// Says when it may be worth asking again: in whole seconds, and never at once.
    pub(crate) fn retry_after(self, after: Duration) -> Self {
        let seconds = after.as_millis().div_ceil(1000).max(1) as u64;
        self.with(RETRY_AFTER, seconds.into())
    }

    /// Unreadable JSON, or JSON of another shape than asked for, with its place in the body.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        let code = if error.is_data() { "wrong-shape" } else { "bad-json" };
        let place = format!("line {} column {}", error.line(), error.column());
        Self::bad_request(code, error.to_string()).at(place)
    }

    pub(crate) fn object(error: &ObjectError) -> Self {
        match error {
            ObjectError::Json(error) => Self::json(error),
            other => Self::bad_request("wrong-shape", other.to_string()),
        }
    }

    /// Of a transaction whose operations stand in the list of this name.
    pub(crate) fn commit(list: &str, error: CommitError) -> Self {
        match error {
            CommitError::Refused { operation, refusal } => {
                Self::refusal(refusal, StatusCode::CONFLICT).at(format!("{list}[{operation}]"))
            }
            other => Self::bad_request("empty-transaction", other.to_string()),
        }
    }

    /// Of a request for one item.
    pub(crate) fn item(error: CommitError) -> Self {
        match error {
            CommitError::Refused { refusal: refusal @ Refusal::NotFound, .. } => {
                Self::refusal(refusal, StatusCode::NOT_FOUND)
            }
            CommitError::Refused { refusal, .. } => Self::refusal(refusal, StatusCode::CONFLICT),
            other => Self::bad_request("empty-transaction", other.to_string()),
        }
    }

    fn refusal(refusal: Refusal, status: StatusCode) -> Self {
        let message = refusal.to_string();
        let (status, code, current) = match refusal {
            Refusal::Conflict { current } => (status, "conflict", Some(current.into())),
            Refusal::Stale { current, .. } => {
                (StatusCode::CONFLICT, "stale-version", Some(current.into()))
            }
            Refusal::NotFound => (status, "not-found", None),
            Refusal::Exhausted => (StatusCode::CONFLICT, "exhausted", None),
            Refusal::NotPositive => (StatusCode::BAD_REQUEST, "bad-version", None),
            Refusal::Repeated => (StatusCode::BAD_REQUEST, "repeated-item", None),
            _ => (StatusCode::CONFLICT, "refused", None),
        };
        let body = Body { code, message, place: None, current };
        Self { status, header: None, body }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = axum::Json(serde_json::json!({ "error": self.body }));
        let header = self.header.map(|header| [*header]);
        (self.status, header.map(AppendHeaders), body).into_response()
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        Self::bad_request("bad-name", error.to_string())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request("bad-path", rejection.body_text()).at("path")
    }
}

impl From<RawPathParamsRejection> for ApiError {
    fn from(rejection: RawPathParamsRejection) -> Self {
        Self::bad_request("bad-path", rejection.body_text()).at("path")
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request("bad-query", rejection.body_text()).at("query")
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        let status = rejection.status();
        let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too-large" } else { "bad-body" };
        Self::new(status, code, rejection.body_text()).at("body")
    }
}
