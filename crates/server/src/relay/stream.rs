//! The streams of the older protocols: `/all`, `/flags`, and the pings.

use super::environment::Environment;
use super::hub::unauthorized;
use super::who::Shown;
use crate::accept::Takeover;
use crate::access::Caller;
use crate::admission::Seat;
use crate::app::App;
use crate::error::ApiError;
use crate::fanout::Granted;
use crate::leave::Leave;
use crate::stream::{Closing, respond};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use core::convert::Infallible;
use core::future::poll_fn;
use core::time::Duration;
use futures_util::stream::{pending, unfold};
use highwater_core::Instant;
use highwater_publisher::Verdict;
use highwater_relay::{Credential, Joined, Next, Pace, Stream, StreamProvider};
use std::sync::Arc;
use tokio::sync::watch;

/// Answers with a stream of a provider.
///
/// Where the connection can be taken over it leaves HTTP here, and of the answer only the head is
/// used.
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
    let verdict = if first.is_some() { Verdict::Full } else { Verdict::UpToDate };
    let params = environment.params();
    let name = format!("{}{}", params.variant(), path(provider));
    let closing = Closing::opened(app, &name, verdict);
    let mut response = if let Some(takeover) = takeover {
        let load = first.as_ref().map(|first| app.admission().snapshot(first.len())).transpose()?;
        takeover.grant(Granted {
            source: environment.outlet(provider),
            reader,
            greeting: first.into_iter().collect(),
            until: app.settings().limits.until(tokio::time::Instant::now()),
            load,
            closing,
            seat,
        });
        respond(Body::from_stream(pending::<Result<Bytes, Infallible>>()))
    } else {
        let started = tokio::time::Instant::now();
        let longest = app.settings().limits.age;
        let pace = Pace { heartbeat: Some(environment.service().heartbeat), longest };
        let open = Open {
            stream: Stream::new(first, reader, pace, Instant::from_millis(0)),
            environment: Arc::clone(&environment),
            provider,
            credential,
            started,
            draining: app.draining(),
            closing,
            _seat: seat,
        };
        respond(Body::from_stream(unfold(open, async |mut open| {
            Some((Ok::<_, Infallible>(open.next().await?), open))
        })))
    };
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

/// A stream that stays with HTTP.
struct Open {
    stream: Stream,
    environment: Arc<Environment>,
    provider: StreamProvider,
    credential: Credential,
    started: tokio::time::Instant,
    draining: watch::Receiver<bool>,
    closing: Closing,
    _seat: Seat,
}

impl Open {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.draining.borrow_and_update() {
                self.closing.ends(Leave::Draining);
                return None;
            }
            let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let until = match self.stream.next(Instant::from_millis(millis)) {
                Next::Send(frame) => return Some(frame),
                Next::Wait(until) => until,
                Next::Behind => {
                    let joined = self
                        .environment
                        .with(|streams| streams.join(self.provider, &self.credential))?;
                    self.closing.cut_over();
                    self.stream.restart(joined.initial.bytes().await, joined.reader);
                    continue;
                }
                Next::End => return None,
            };
            let wake = until.map(|until| self.started + Duration::from_millis(until.as_millis()));
            tokio::select! {
                () = poll_fn(|context| self.stream.poll_ready(context)) => {}
                _ = self.draining.changed() => {}
                () = tokio::time::sleep_until(wake.unwrap_or(self.started)), if wake.is_some() => {}
            }
        }
    }
}
