//! The `demo` sub-command: this machine's live process table, a page that shows it, and faults.

mod control;
mod fault;
mod flags;
mod machine;
mod page;
mod publisher;
mod wire;

use crate::app::{App, around, routes};
use crate::cors::{Cors, is_loopback};
use crate::error::ApiError;
use crate::serve::{Failure, Keep, Listen};
use axum::Router;
use axum::extract::{Extension, Request};
use axum::http::StatusCode;
use axum::http::header::HOST;
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
    /// Serve flags to LaunchDarkly's SDKs as well, with a page where they are changed: /flags.html
    #[arg(long)]
    flags: bool,
    /// The folder of the built page
    #[arg(long, default_value = "www/dist", value_name = "DIR")]
    www: PathBuf,
}

impl DemoArguments {
    /// Publishes and serves until SIGTERM or Ctrl-C, then drains.
    pub async fn run(self) -> Result<(), Failure> {
        let state = App::new(self.keep.settings(self.heartbeat_ms, Cors::Loopback));
        let machine = Machine::start(&state, Duration::from_millis(self.interval_ms)).await?;
        let router = routes(get(wire::stream))
            .route("/demo/faults/{fault}", post(control::fault))
            .layer(Extension(Wires::default()))
            .layer(Extension(machine));
        let router: Router<App> = page::serve(router, &self.www);
        let router = around(router, state.clone());
        let router = if self.flags { router.merge(flags::serve(&state)?) } else { router };
        let router = if self.listen.is_loopback() {
            router.layer(middleware::from_fn(only_local_names))
        } else {
            router
        };
        self.listen.run(state, router).await
    }
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
