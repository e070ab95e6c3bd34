//! One line a request, and its count; and what is refused before anybody looks at it.

use crate::access::Caller;
use crate::app::App;
use crate::error::ApiError;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::time::Instant;

/// As [`log`], of paths that carry whom a client asks for: only the pattern is told.
pub(crate) async fn log_route(State(app): State<App>, request: Request, next: Next) -> Response {
    told(&app, String::new(), request, next).await
}

/// Of a stream, the line is written when it opens.
///
/// The query is left out, since it may carry secrets, and so are all headers. A token is named by
/// its id.
pub(crate) async fn log(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    told(&app, path, request, next).await
}

async fn told(app: &App, path: String, request: Request, next: Next) -> Response {
    let (method, start) = (request.method().clone(), Instant::now());
    let response = match head_fits(&request, app.settings().limits.head_bytes) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let (status, took) = (response.status(), start.elapsed());
    let route = response.extensions().get::<Matched>().map(|Matched(path)| path.as_str());
    app.metrics().answered(&method, route, status, took);
    let path = if path.is_empty() { route.unwrap_or_default() } else { &path };
    let token = response.extensions().get().map_or("", Caller::label);
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(%method, path, status = status.as_u16(), took_us, token, "request");
    response
}

/// The pattern that a request's path is of, told by its answer.
#[derive(Clone)]
struct Matched(MatchedPath);

/// Tells [`log`], which stands before all routes, which one it was.
pub(crate) async fn matched(path: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(Matched(path));
    response
}

/// Refuses a head that is larger than anybody needs. (The HTTP library has a limit of its own,
/// of some 400 KiB, which bounds what is read at all.)
fn head_fits(request: &Request, most: usize) -> Result<(), ApiError> {
    let address = request.uri().to_string().len();
    let too_large = |status, what: &str| {
        let message = format!("{what} has more than {most} bytes");
        Err(ApiError::new(status, "head-too-large", message))
    };
    if address > most {
        return too_large(StatusCode::URI_TOO_LONG, "the address");
    }
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if address + headers > most {
        return too_large(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of the request");
    }
    Ok(())
}
