//! The streams of the older protocols: `/all`, `/flags`, and the pings.

use super::environment::Environment;
use super::hub::unauthorized;
use super::who::Shown;
use crate::accept::Takeover;
use crate::access::Caller;
use crate::app::App;
use crate::error::ApiError;
use crate::fanout::Granted;
use crate::plain;
use crate::stream::Closing;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use highwater_publisher::Verdict;
use highwater_relay::{Joined, StreamProvider};
use tokio::time::Instant;

/// Answers with a stream of a provider.
pub(super) async fn open(
    app: &App,
    shown: Shown,
    provider: StreamProvider,
    takeover: Option<Takeover>,
) -> Result<Response, ApiError> {
    let Shown { environment, credential } = shown;
    let joined = environment.with(|streams| {
        // It may have been removed since it was looked up.
        if streams.knows(&credential) { Ok(streams.join(provider, &credential)) } else { Err(()) }
    });
    let joined = joined.map_err(|()| unauthorized())?;
    let Some(Joined { initial, reader }) = joined else {
        let what = "there is no such stream for this kind of key";
        return Err(ApiError::new(StatusCode::NOT_FOUND, "wrong-credential", what));
    };
    let seat = app.admission().stream(&Caller::Anybody)?;
    let first = initial.bytes().await;
    let load = first.as_ref().map(|first| app.admission().snapshot(first.len())).transpose()?;
    let verdict = if first.is_some() { Verdict::Full } else { Verdict::UpToDate };
    let name = format!("{}{}", environment.params().variant(), path(provider));
    let granted = Granted {
        source: environment.outlet(provider),
        reader,
        greeting: first.into_iter().collect(),
        until: app.settings().limits.until(Instant::now()),
        load,
        closing: Closing::opened(app, &name, verdict),
        seat,
    };
    let mut response = plain::answer(app, granted, takeover);
    tell_environment(&mut response, &environment);
    Ok(response)
}

/// Says in the head which environment it is.
pub(super) fn tell_environment(response: &mut Response, environment: &Environment) {
    if let Ok(id) = HeaderValue::from_str(environment.params().id.as_str()) {
        response.headers_mut().insert(HeaderName::from_static("x-ld-envid"), id);
    }
}

const fn path(provider: StreamProvider) -> &'static str {
    match provider {
        StreamProvider::All => "/all",
        StreamProvider::Flags => "/flags",
        StreamProvider::MobilePing => "/mping",
        StreamProvider::JsPing => "/ping",
    }
}
