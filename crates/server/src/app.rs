//! The application: shared state, routes, and what surrounds every request.

use crate::access::{self, Access};
use crate::admission::Admission;
use crate::durable::Log;
use crate::error::ApiError;
use crate::limits::Limits;
use crate::metrics::{self, Metrics};
use crate::topics::Topics;
use crate::{Cors, eventstreams, export, import, items, log, openapi, query, stream, transactions};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{MethodRouter, get, post, put};
use axum::{Json, Router};
use highwater_eventstreams::{Manager, WebSocketFactory};
use highwater_publisher::Options;
use highwater_publisher::engine::{Engine, Failure};
use std::sync::{Arc, OnceLock};
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
    /// What it takes on at once, and for how long.
    pub limits: Limits,
    /// Which other origins may read and write from a browser.
    pub cors: Cors,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topic: Options::default(),
            max_topics: 10_000,
            max_body: 16 << 20,
            limits: Limits::default(),
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
    access: Access,
    admission: Admission,
    metrics: Metrics,
    draining: watch::Sender<bool>,
    event_streams: OnceLock<(Manager, WebSocketFactory)>,
}

impl App {
    /// Begins without topics, and open to everybody.
    pub fn new(settings: Settings) -> Self {
        Self::guarded(settings, Access::default())
    }

    /// Begins without topics.
    pub fn guarded(settings: Settings, access: Access) -> Self {
        Self::over(settings, access, None)
    }

    /// Waits for an engine, whose topics it then has: see [`begin`](Self::begin).
    pub fn durable(settings: Settings, access: Access) -> Self {
        Self::over(settings, access, Some(Log::default()))
    }

    fn over(settings: Settings, access: Access, log: Option<Log>) -> Self {
        let topics = Topics::new(settings.topic, settings.max_topics, log);
        let admission = Admission::new(settings.limits.clone());
        let (metrics, draining) = (Metrics::new(), watch::Sender::new(false));
        let event_streams = OnceLock::new();
        Self(Arc::new(Inner {
            settings,
            topics,
            access,
            admission,
            metrics,
            draining,
            event_streams,
        }))
    }

    /// Who may do what.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.0.admission
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Takes up the topics of an engine. Until then a [durable](Self::durable) one is not ready, and
    /// any other one has no use for it.
    pub async fn begin(&self, engine: Arc<dyn Engine>) -> Result<(), Failure> {
        self.topics().begin(engine).await
    }

    /// Has event streams from now on, and WebSocket clients of them.
    pub fn take_up_event_streams(&self, manager: Manager, websockets: WebSocketFactory) {
        let _ = self.0.event_streams.set((manager, websockets)); // those that were there before stay
    }

    /// The event streams, where there are any.
    pub fn event_streams(&self) -> Option<&Manager> {
        self.0.event_streams.get().map(|(manager, _)| manager)
    }

    /// Where WebSocket clients of event streams connect, if there are any.
    pub fn websockets(&self) -> Option<&WebSocketFactory> {
        self.0.event_streams.get().map(|(_, websockets)| websockets)
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

/// The routes of a server whose topics are nobody's business: whether it is well, and its counts.
pub(crate) fn bare(app: App) -> Router {
    around(own_routes().fallback(unknown_path), app)
}

fn own_routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::metrics))
}

/// The native API, with the given way to answer a stream.
pub(crate) fn routes(stream: MethodRouter<App>) -> Router<App> {
    own_routes()
        .route("/v1/topics/{topic}", get(query::topic).put(transactions::replace))
        .route("/v1/topics/{topic}/stream", stream)
        .route("/v1/topics/{topic}/transactions", post(transactions::commit))
        .route("/v1/topics/{topic}/export", get(export::export))
        .route("/v1/topics/{topic}/import", post(import::import))
        .route(
            "/v1/topics/{topic}/{kind}/{key}",
            put(items::put).get(items::get).delete(items::delete),
        )
        .route("/v1/openapi.json", get(openapi::openapi))
        .merge(access::routes())
        .merge(eventstreams::routes())
        .fallback(unknown_path)
}

/// Limits, CORS, errors as JSON, and the access log, around all routes.
pub(crate) fn around(inner: Router<App>, app: App) -> Router {
    let settings = app.settings().clone();
    let router = inner
        .route_layer(middleware::from_fn_with_state(app.clone(), access::guard))
        .route_layer(middleware::from_fn(log::matched))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(settings.max_body))
        .with_state(app.clone());
    let router = match settings.cors.layer() {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(middleware::from_fn_with_state(app, log::log))
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
    app.topics().ready()?;
    Ok(Json(serde_json::json!({ "status": "ready" })))
}
