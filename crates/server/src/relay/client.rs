//! What flags come to for a context: asked for, or streamed.

use super::environment::Environment;
use super::fdv2::Resumed;
use super::hub::unauthorized;
use super::poll::{initialised, unless_known};
use super::question::Question;
use super::source::Words;
use super::stream::tell_environment;
use super::values::{Told, Values};
use super::who::Shown;
use crate::access::Caller;
use crate::admission::Seat;
use crate::app::App;
use crate::error::ApiError;
use crate::leave::Leave;
use crate::plain::respond;
use crate::stream::{Closing, HEARTBEAT, encode};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use core::convert::Infallible;
use core::time::Duration;
use futures_util::stream::unfold;
use highwater_publisher::{Reader, Verdict};
use highwater_relay::Credential;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Answers with what every flag comes to.
pub(super) fn once(environment: &Environment, question: &Question) -> Result<Response, ApiError> {
    initialised(environment)?;
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    Ok((headers, Values::of(environment, question).to_json()).into_response())
}

/// The same in the words of the newest protocol, unless the client has it.
pub(super) fn poll(
    Shown { environment, .. }: &Shown,
    question: &Question,
    Resumed(basis): &Resumed,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    initialised(environment)?;
    let values = Values::of(environment, question);
    let state = values.state();
    let mut response = unless_known(headers, &state, || {
        let is_known = basis.as_ref() == Some(&state);
        Told::to_json(&if is_known { values.up_to_date() } else { values.since(None, Words::FDv2) })
    });
    tell_environment(&mut response, environment);
    Ok(response)
}

/// Answers with a stream: everything, unless the client has it, then what changes.
pub(super) fn stream(
    app: &App,
    Shown { environment, credential }: Shown,
    question: Question,
    words: Words,
    Resumed(basis): Resumed,
) -> Result<Response, ApiError> {
    if words == Words::FDv2 {
        initialised(&environment)?;
    }
    let seat = app.admission().stream(&Caller::Anybody)?;
    let reader = follow(&environment, &credential).ok_or_else(unauthorized)?;
    let (path, every, heartbeat) = match words {
        Words::FDv1 => ("/eval", environment.service().heartbeat, &b":\n"[..]),
        Words::FDv2 => ("/sdk/stream/eval", environment.service().topic.heartbeat, HEARTBEAT),
    };
    let name = format!("{}{path}", environment.params().variant());
    let mut response = respond(Body::empty());
    tell_environment(&mut response, &environment);
    let open = Open {
        environment,
        credential,
        question,
        words,
        reader,
        basis,
        told: None,
        draining: app.draining(),
        every,
        heartbeat: Bytes::from_static(heartbeat),
        due: Instant::now() + every,
        until: app.settings().limits.until(Instant::now()),
        closing: Closing::opened(app, &name, Verdict::Full),
        ended: false,
        _seat: seat,
    };
    *response.body_mut() = Body::from_stream(unfold(open, async |mut open| {
        Some((Ok::<_, Infallible>(open.next().await?), open))
    }));
    Ok(response)
}

/// A client that is told what its flags come to. It is on its own: nobody else is told the same.
struct Open {
    environment: Arc<Environment>,
    credential: Credential,
    question: Question,
    words: Words,
    /// Tells when something changes.
    reader: Reader,
    /// What it says that it has.
    basis: Option<String>,
    told: Option<Values>,
    draining: watch::Receiver<bool>,
    /// After so much silence it is told something.
    every: Duration,
    heartbeat: Bytes,
    due: Instant,
    until: Option<Instant>,
    closing: Closing,
    ended: bool,
    _seat: Seat,
}

impl Open {
    async fn next(&mut self) -> Option<Bytes> {
        let next = self.wait().await;
        self.due = Instant::now() + self.every;
        next
    }

    async fn wait(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        loop {
            if *self.draining.borrow_and_update() {
                return self.leave(Leave::Draining);
            }
            if self.until.is_some_and(|until| until <= Instant::now()) {
                return self.leave(Leave::Aged);
            }
            let moved = if let Ok(batch) = self.reader.take(usize::MAX) {
                !batch.frames.is_empty()
            } else {
                // Too slow for every change, or the changes of another life: the newest state is
                // enough.
                let Some(reader) = follow(&self.environment, &self.credential) else {
                    return self.leave(Leave::Revoked);
                };
                self.reader = reader;
                true
            };
            if (moved || self.told.is_none()) && self.environment.is_initialised() {
                let events = self.look();
                if !events.is_empty() {
                    return Some(Told::to_events(&events));
                }
            }
            tokio::select! {
                () = self.reader.ready() => {}
                _ = self.draining.changed() => {}
                () = sleep_until(self.until.map_or(self.due, |until| until.min(self.due))) => {
                    if Instant::now() >= self.due {
                        return Some(self.heartbeat.clone());
                    }
                }
            }
        }
    }

    /// What leads from what it was told to what there is now.
    fn look(&mut self) -> Vec<Told> {
        let now = Values::of(&self.environment, &self.question);
        let is_known = self.basis.take().is_some_and(|basis| basis == now.state());
        let events = if is_known && self.words == Words::FDv2 {
            now.up_to_date()
        } else {
            now.since(self.told.as_ref(), self.words)
        };
        self.told = Some(now);
        events
    }

    /// The last words, for which the older protocol has none.
    fn leave(&mut self, why: Leave) -> Option<Bytes> {
        self.ended = true;
        self.closing.ends(why);
        (self.words == Words::FDv2).then(|| why.frame())
    }
}

/// A reader of what changes from now on, as long as the credential is one.
fn follow(environment: &Environment, credential: &Credential) -> Option<Reader> {
    let joining = environment.with(|streams| {
        let now = streams.store_mut().topic().cursor();
        streams.join_topic(credential, Some(&now))
    });
    Some(encode(joining?).reader)
}
