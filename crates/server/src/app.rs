//! The application: shared state, routes, and what surrounds every request.

use crate::error::ApiError;
use crate::topics::Topics;
use crate::{Cors, items, query, stream, transactions};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post, put};
use axum::{Json, Router};
use highwater_publisher::Options;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What each topic keeps, and how often its quiet streams hear something.
    pub topic: Options,
    /// How many topics there may be.
    pub max_topics: usize,
    /// The greatest request body, in bytes.
    pub max_body: usize,
    /// Which other origins may read and write from a browser.
    pub cors: Cors,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topic: Options::default(),
            max_topics: 10_000,
            max_body: 16 << 20,
            cors: Cors::Nobody,
        }
    }
}

/// The state that all requests share. A clone is another handle to the same.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    topics: Topics,
    draining: watch::Sender<bool>,
}

impl App {
    /// Begins without topics.
    pub fn new(settings: Settings) -> Self {
        let topics = Topics::new(settings.topic, settings.max_topics);
        Self(Arc::new(Inner { settings, topics, draining: watch::Sender::new(false) }))
    }

    /// What is published here.
    pub fn topics(&self) -> &Topics {
        &self.0.topics
    }

    /// What the operator decided.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Says goodbye on every stream, ends every wait, and is not ready any more.
    pub fn drain(&self) {
        self.0.draining.send_replace(true);
    }

    pub(crate) fn draining(&self) -> watch::Receiver<bool> {
        self.0.draining.subscribe()
    }
}

/// The routes of `highwater serve`.
///
/// ```
/// use highwater_server::{App, Settings, app};
/// let router: axum::Router = app(App::new(Settings::default()));
/// ```
pub fn app(app: App) -> Router {
    around(routes(get(stream::stream)), app)
}

/// The native API, with the given way to answer a stream.
pub(crate) fn routes(stream: MethodRouter<App>) -> Router<App> {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/v1/topics/{topic}", get(query::topic).put(transactions::replace))
        .route("/v1/topics/{topic}/stream", stream)
        .route("/v1/topics/{topic}/transactions", post(transactions::commit))
        .route(
            "/v1/topics/{topic}/{kind}/{key}",
            put(items::put).get(items::get).delete(items::delete),
        )
        .fallback(unknown_path)
}

/// Limits, CORS, errors as JSON, and the access log, around all routes.
pub(crate) fn around(inner: Router<App>, app: App) -> Router {
    let settings = app.settings().clone();
    let router = inner
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(settings.max_body))
        .with_state(app);
    let router = match settings.cors.layer() {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(middleware::from_fn(log))
}

pub(crate) async fn unknown_path(request: Request) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "unknown-path",
        format!("there is nothing at {}", request.uri().path()),
    )
}

async fn wrong_method(request: Request) -> ApiError {
    let message = format!("{} is not possible here", request.method());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", message)
}

async fn health() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "status": "ok" }))
}

async fn ready(State(app): State<App>) -> Result<Json<serde_json::Value>, ApiError> {
    if *app.draining().borrow() {
        return Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "draining",
            "this server is about to stop",
        ));
    }
    Ok(Json(serde_json::json!({ "status": "ready" })))
}

/// One line a request; of a stream when it opens. The query is left out, since it may carry secrets.
async fn log(request: Request, next: Next) -> Response {
    let (method, path, start) =
        (request.method().clone(), request.uri().path().to_owned(), Instant::now());
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), start.elapsed());
    tracing::info!(%method, path, status, ?took, "request");
    response
}
