//! What flags come to for a context: asked for, or streamed.

use super::environment::Environment;
use super::hub::unauthorized;
use super::question::Question;
use super::who::Shown;
use crate::access::Caller;
use crate::admission::Seat;
use crate::app::App;
use crate::error::ApiError;
use crate::leave::Leave;
use crate::plain::respond;
use crate::stream::{Closing, encode};
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use core::convert::Infallible;
use futures_util::stream::unfold;
use highwater_publisher::{Reader, Verdict};
use highwater_relay::{Credential, Evaluated};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

impl Question {
    fn answer(&self, environment: &Environment) -> Values {
        let rules = environment.rules();
        let values = rules.evaluate(&self.context, self.audience, self.with_reasons);
        values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

type Values = BTreeMap<String, Evaluated>;

/// Answers with what every flag comes to.
pub(super) fn once(environment: &Environment, question: &Question) -> Result<Response, ApiError> {
    super::poll::initialised(environment)?;
    let values = json(&question.answer(environment))?;
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    Ok((headers, values).into_response())
}

/// Answers with a stream: everything, then what changes.
pub(super) fn stream(
    app: &App,
    Shown { environment, credential }: Shown,
    question: Question,
) -> Result<Response, ApiError> {
    let seat = app.admission().stream(&Caller::Anybody)?;
    let reader = follow(&environment, &credential).ok_or_else(unauthorized)?;
    let name = format!("{}/eval", environment.params().variant());
    let mut response = respond(Body::empty());
    super::stream::tell_environment(&mut response, &environment);
    let heartbeat = environment.service().heartbeat;
    let open = Open {
        due: Instant::now() + heartbeat,
        environment,
        credential,
        question,
        reader,
        told: None,
        draining: app.draining(),
        until: app.settings().limits.until(Instant::now()),
        closing: Closing::opened(app, &name, Verdict::Full),
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
    /// Tells when something changes.
    reader: Reader,
    told: Option<Values>,
    draining: watch::Receiver<bool>,
    due: Instant,
    until: Option<Instant>,
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
            if self.until.is_some_and(|until| until <= Instant::now()) {
                self.closing.ends(Leave::Aged);
                return None;
            }
            let behind = if let Ok(batch) = self.reader.take(usize::MAX) {
                !batch.frames.is_empty()
            } else {
                // Too slow for every change, or the changes of another life: the newest state is
                // enough.
                self.reader = follow(&self.environment, &self.credential)?;
                true
            };
            if (behind || self.told.is_none()) && self.environment.is_initialised() {
                let now = self.question.answer(&self.environment);
                let events = events(self.told.as_ref(), &now);
                self.told = Some(now);
                if !events.is_empty() {
                    self.due = Instant::now() + self.environment.service().heartbeat;
                    return Some(events);
                }
            }
            tokio::select! {
                () = self.reader.ready() => {}
                _ = self.draining.changed() => {}
                () = sleep_until(self.until.map_or(self.due, |until| until.min(self.due))) => {
                    if Instant::now() >= self.due {
                        self.due = Instant::now() + self.environment.service().heartbeat;
                        return Some(Bytes::from_static(b":\n"));
                    }
                }
            }
        }
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

/// What leads from one set of values to the other. Clients believe a single change only at a newer
/// version; where a value has changed without (a segment has, or a flag that it depends on), they
/// are told everything.
fn events(before: Option<&Values>, now: &Values) -> Bytes {
    let mut out = BytesMut::new();
    let Some(before) = before else { return event("put", now) };
    for (key, value) in now {
        match before.get(key) {
            Some(same) if same == value => {}
            Some(old) if old.version >= value.version => return event("put", now),
            // It may have been deleted at a newer version, of which nothing is known here.
            None => return event("put", now),
            Some(_) => out.extend_from_slice(&event("patch", &Patch { key, value })),
        }
    }
    for (key, value) in before.iter().filter(|(key, _)| !now.contains_key(*key)) {
        out.extend_from_slice(&event("delete", &Delete { key, version: value.version + 1 }));
    }
    out.freeze()
}

#[derive(Serialize)]
struct Patch<'a> {
    key: &'a str,
    #[serde(flatten)]
    value: &'a Evaluated,
}

#[derive(Serialize)]
struct Delete<'a> {
    key: &'a str,
    version: u64,
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default(); // texts and JSON have a JSON form
    format!("event: {name}\ndata: {data}\n\n").into()
}

fn json(values: &Values) -> Result<String, ApiError> {
    serde_json::to_string(values).map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "no-json", error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(all: &[(&str, u64, i64)]) -> Values {
        let value = |version, value: i64| Evaluated {
            value: value.into(),
            variation: Some(0),
            version,
            flag_version: version,
            track_events: false,
            track_reason: false,
            debug_events_until_date: None,
            reason: None,
        };
        all.iter().map(|(key, version, one)| ((*key).to_owned(), value(*version, *one))).collect()
    }

    #[test]
    fn a_client_is_told_the_least_that_it_believes() {
        let names = |before: Option<&Values>, now: &Values| {
            let events = String::from_utf8(events(before, now).to_vec()).unwrap();
            let names = events.lines().filter_map(|line| line.strip_prefix("event: "));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let before = values(&[("a", 1, 1), ("b", 1, 1)]);
        assert_eq!(names(None, &before), ["put"]);
        assert!(names(Some(&before), &before).is_empty());
        assert_eq!(names(Some(&before), &values(&[("a", 2, 2), ("b", 1, 1)])), ["patch"]);
        assert_eq!(names(Some(&before), &values(&[("a", 2, 2)])), ["patch", "delete"]);
        assert_eq!(names(Some(&before), &values(&[("a", 1, 2), ("b", 1, 1)])), ["put"]);
        let more = values(&[("a", 1, 1), ("b", 1, 1), ("c", 1, 1)]);
        assert_eq!(names(Some(&before), &more), ["put"]);
    }
}
