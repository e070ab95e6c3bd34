//! Stands before every route: who is it, and may they?

use super::caller::Caller;
use super::grant::Act;
use crate::app::App;
use crate::error::ApiError;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Lets a request pass with its [`Caller`], or answers 401 or 403.
///
/// It looks at the route, and at nothing that a handler reads, so that no handler can forget it;
/// a route that it does not know is the administrator's.
pub(crate) async fn guard(
    State(app): State<App>,
    path: MatchedPath,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted = parameters
        .map_err(ApiError::from)
        .and_then(|parameters| admit(&app, path.as_str(), &parameters, &request));
    let caller = match admitted {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(caller); // for the access log
    response
}

fn admit(
    app: &App,
    path: &str,
    parameters: &RawPathParams,
    request: &Request,
) -> Result<Caller, ApiError> {
    let (access, headers) = (app.access(), request.headers());
    let Some(act) = act(path, parameters, request.method()) else {
        // Not even a wrong token is in the way of a health check.
        return Ok(Caller::of(access, headers).unwrap_or(Caller::Nameless));
    };
    let caller = Caller::of(access, headers)?;
    // The demo's own routes, on a server that is open to everybody.
    if !(access.is_open() && act == Act::Administer && !path.starts_with("/v1/")) {
        caller.expect(access, act)?;
    }
    Ok(caller)
}

/// What a request to this route does; nothing that needs to be allowed, of some.
fn act<'a>(path: &str, parameters: &'a RawPathParams, method: &Method) -> Option<Act<'a>> {
    let topic = parameters.iter().find(|(name, _)| *name == "topic").map(|(_, value)| value);
    Some(match (path, topic) {
        ("/healthz" | "/readyz" | "/v1/openapi.json", _) => return None,
        ("/metrics", _) => Act::Metrics,
        // Which one is known to the handler, who asks again.
        (path, _) if path.starts_with("/v1/eventstreams") => Act::Manage(None),
        ("/ws", _) => Act::Consume(None),
        (path, Some(topic)) if path.starts_with("/v1/topics/") => {
            if method.is_safe() {
                Act::Read(topic)
            } else {
                Act::Write(topic)
            }
        }
        _ => Act::Administer,
    })
}
