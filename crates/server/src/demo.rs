//! The `demo` sub-command: the pages of `www/`, and what they are about: this machine's live process
//! table and faults on its wire, flags, and event streams.

mod control;
mod fault;
mod flags;
mod machine;
mod page;
mod publisher;
mod wire;

use crate::access::Access;
use crate::app::{App, around, routes};
use crate::cors::{Cors, is_loopback};
use crate::durable::Chosen;
use crate::error::ApiError;
use crate::serve::{Failure, Keep, Listen};
use axum::Router;
use axum::extract::{Extension, Request};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use clap::Args;
use core::time::Duration;
use publisher::Machine;
use std::path::PathBuf;
use wire::Wires;

/// `highwater demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArguments {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    keep: Keep,
    /// Milliseconds after which a quiet stream gets a heartbeat
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    heartbeat_ms: u64,
    /// Milliseconds between two looks at the process table
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(200..))]
    interval_ms: u64,
    /// Flags are served anyway: for scripts that still say it
    #[arg(long = "flags", hide = true)]
    _flags: bool,
    /// The folder of the built pages
    #[arg(long, default_value = "www/dist", value_name = "DIR")]
    www: PathBuf,
}

impl DemoArguments {
    /// Publishes and serves until SIGTERM or Ctrl-C, then drains.
    pub async fn run(self) -> Result<(), Failure> {
        let chosen = Chosen::in_memory(self.keep.retention());
        let settings = self.keep.settings(self.heartbeat_ms, Cors::Loopback);
        let state = chosen.app(settings, Access::default());
        chosen.begin(&state).await?;
        let machine = Machine::start(&state, Duration::from_millis(self.interval_ms)).await?;
        let router = routes(get(wire::stream))
            .route("/demo/faults/{fault}", post(control::fault))
            .layer(Extension(Wires::default()))
            .layer(Extension(machine));
        let router: Router<App> = page::serve(router, &self.www);
        let router = around(router, state.clone()).merge(flags::serve(&state).await?);
        let router = router.layer(middleware::from_fn(only_own_pages));
        let router = if self.listen.is_loopback() {
            router.layer(middleware::from_fn(only_local_names))
        } else {
            router
        };
        self.listen.run(state, router).await
    }
}

/// Refuses what another site's page asks for: it can read no answer, but there are requests that do
/// without one, and a web socket knows no such rule. Pages of this machine may do as they like.
async fn only_own_pages(request: Request, next: Next) -> Response {
    if !is_of_another_site(request.headers()) {
        return next.run(request).await;
    }
    let what = "the demo answers to its own pages, and to those of this machine";
    ApiError::new(StatusCode::FORBIDDEN, "foreign-origin", what).into_response()
}

fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(origin) = text(ORIGIN) else {
        return false; // no page
    };
    let page = origin.split_once("://").map(|(_, authority)| authority);
    page.is_none_or(|page| !is_loopback(page) && text(HOST) != Some(page))
}

/// Refuses requests that reached this machine under another machine's name: a page of that name
/// would count as the demo's own, and could read the process table.
async fn only_local_names(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if host.is_none_or(is_loopback) {
        return next.run(request).await;
    }
    let what = "the demo answers to localhost and 127.0.0.1 only";
    ApiError::new(StatusCode::FORBIDDEN, "foreign-host", what).into_response()
}
