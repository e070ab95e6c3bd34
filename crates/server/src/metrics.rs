//! What happened, counted: `GET /metrics`, in the text form that Prometheus reads.

use crate::app::App;
use crate::leave::Leave;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use core::time::Duration;
use highwater_eventstreams::Totals;
use highwater_publisher::Verdict;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::borrow::Cow;

/// The counts of one server. Labels are few and not the callers': what they name has no label of
/// its own, so that nobody can fill the memory with names.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    took: Family<Route, Histogram>,
    opened: Family<Opened, Counter>,
    closed: Family<Closed, Counter>,
    cut_over: Counter,
    stalled: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: Cow<'static, str>,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Opened {
    verdict: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Closed {
    why: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::<Request, Counter>::default();
        let took = Family::<Route, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let opened = Family::<Opened, Counter>::default();
        let closed = Family::<Closed, Counter>::default();
        let cut_over = Counter::default();
        let mut registry = Registry::with_prefix("highwater");
        registry.register("requests", "Requests answered", requests.clone());
        let what = "Time to an answer's head; of what waits, the wait included";
        registry.register_with_unit("request_duration", what, Unit::Seconds, took.clone());
        registry.register("streams_opened", "Streams begun, by how they went on", opened.clone());
        registry.register("streams_closed", "Streams ended, by what ended them", closed.clone());
        let what = "Readers that were too far behind, and were given a new snapshot";
        registry.register("streams_cut_over", what, cut_over.clone());
        let stalled = Counter::default();
        let what = "Connections that were broken because their reader took nothing";
        registry.register("connections_stalled", what, stalled.clone());
        let version = [(Cow::from("version"), Cow::from(env!("CARGO_PKG_VERSION")))];
        let build = registry.sub_registry_with_labels(version.into_iter());
        build.register("build_info", "Which program this is", ConstGauge::new(1));
        Self { registry, requests, took, opened, closed, cut_over, stalled }
    }

    /// A request was answered. `route` is the pattern that its path is of; `None` for none.
    pub(crate) fn answered(
        &self,
        method: &axum::http::Method,
        route: Option<&str>,
        status: StatusCode,
        took: Duration,
    ) {
        let known = METHODS.iter().find(|known| **known == method.as_str());
        let method = known.copied().unwrap_or("other").into();
        let route = route.unwrap_or_default().to_owned();
        self.took.get_or_create_owned(&Route { route: route.clone() }).observe(took.as_secs_f64());
        self.requests
            .get_or_create_owned(&Request { method, route, status: status.as_u16() })
            .inc();
    }

    pub(crate) fn opened(&self, verdict: Verdict) {
        let verdict = match verdict {
            Verdict::Full => "full",
            Verdict::Changes => "changes",
            Verdict::UpToDate => "up-to-date",
        };
        self.opened.get_or_create_owned(&Opened { verdict }).inc();
    }

    pub(crate) fn closed(&self, leave: Option<Leave>) {
        let why = leave.map_or("gone", Leave::as_str);
        self.closed.get_or_create_owned(&Closed { why }).inc();
    }

    pub(crate) fn cut_over(&self) {
        self.cut_over.inc();
    }

    pub(crate) fn stalled(&self) {
        self.stalled.inc();
    }
}

/// Everything counted so far, and what there is now.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let mut now = Registry::with_prefix("highwater");
    let mut gauge = |name, what, value: usize| {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        now.register(name, what, ConstGauge::new(value));
    };
    let (topics, bytes) = app.topics().size();
    gauge("streams", "Streams and waiting queries that are open", app.admission().streams());
    let what = "Bytes of snapshots on their way to readers";
    gauge("snapshot_bytes_in_flight", what, app.admission().snapshot_bytes());
    gauge("topics", "Topics that there are", topics);
    gauge("topic_bytes", "Bytes of all topics' items", bytes);
    gauge("tokens", "Tokens that are known", app.access().len());
    if let Some(manager) = app.event_streams() {
        event_streams(&mut now, &manager.totals());
    }
    if let Some(websockets) = app.websockets() {
        let what = "WebSocket clients of event streams";
        let count = ConstGauge::new(websockets.connections() as u64);
        now.register("eventstream_clients", what, count);
    }
    let mut out = String::new();
    let written = text::encode_registry(&mut out, &app.metrics().registry)
        .and_then(|()| text::encode_registry(&mut out, &now))
        .and_then(|()| text::encode_eof(&mut out));
    if written.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response(); // a String takes all text
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], out).into_response()
}

/// Event streams, all of them together: their names are their makers', and each tells its own in the API.
fn event_streams(registry: &mut Registry, totals: &Totals) {
    let &Totals { running, retrying, blocked, stopped, failed, .. } = totals;
    let states = [
        ("running", running),
        ("retrying", retrying),
        ("blocked", blocked),
        ("stopped", stopped),
        ("failed", failed),
    ];
    let streams = Family::<InState, Gauge>::default();
    for (state, count) in states {
        streams
            .get_or_create_owned(&InState { state })
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    registry.register("eventstreams", "Event streams, by how they are", streams);
    for (name, what, value) in [
        ("eventstream_pending_events", "Events at hand that nobody has taken yet", totals.pending),
        (
            "eventstream_lag",
            "Transactions that streams are behind their topics, all together",
            totals.lag,
        ),
        ("eventstream_lag_most", "Transactions that the last of them is behind", totals.most_lag),
    ] {
        registry.register(name, what, ConstGauge::new(value));
    }
    for (name, what, value) in [
        ("eventstream_events", "Events that were delivered", totals.delivered_events),
        ("eventstream_batches", "Batches that were delivered", totals.delivered_batches),
        ("eventstream_failed_attempts", "Attempts at batches that failed", totals.failed_attempts),
    ] {
        registry.register(name, what, ConstCounter::new(value));
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

const METHODS: [&str; 7] = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"];

/// Seconds.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 300.0];
