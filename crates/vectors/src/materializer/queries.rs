//! The queries of a scenario, and their clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater::{Answer, Cause, Failure, FeedError, Query, Render as _, Sight};
use highwater_core::Session;
use serde_json::{Value, json};

use crate::Error;
use crate::health::{Health, Instances, error, shown};
use crate::subject::text;

/// A value, and the index that it was rendered at.
type Rendered = (Arc<Instances>, u64);

#[derive(Default)]
pub(super) struct Queries {
    all: BTreeMap<String, State>,
    now: u64,
}

enum State {
    Blocked { query: Query<Rendered>, deadline: Option<u64> },
    Done(Value),
}

impl Queries {
    pub(super) fn begin(&mut self, step: &Value, session: &Session<Health>) -> Result<(), Error> {
        let min = &step["min_index"];
        let min = min.as_u64().or_else(|| min.as_str()?.parse().ok());
        let min = min.ok_or_else(|| Error::new("no number min_index"))?;
        let state = match Query::begin(min, &sight(session)) {
            Ok(answer) => State::Done(answered(&answer)),
            Err(query) => {
                let deadline = step["timeout_ms"].as_u64().map(|timeout| self.now + timeout);
                State::Blocked { query, deadline }
            }
        };
        self.all.insert(text(step, "id")?.to_owned(), state);
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: &str, session: &Session<Health>) -> Result<(), Error> {
        let state = self.all.get_mut(id).ok_or_else(|| Error::new(format!("no query {id}")))?;
        if let State::Blocked { query, .. } = state {
            *state = State::Done(failed(&query.clone().end(Cause::Cancelled, &sight(session))));
        }
        Ok(())
    }

    pub(super) fn pass(&mut self, millis: u64, session: &Session<Health>) {
        self.now += millis;
        for state in self.all.values_mut() {
            if let State::Blocked { query, deadline: Some(deadline) } = state
                && *deadline <= self.now
            {
                *state = State::Done(failed(&query.clone().end(Cause::Deadline, &sight(session))));
            }
        }
    }

    /// Shows every query what there is after a step.
    pub(super) fn look(&mut self, session: &Session<Health>) {
        let sight = sight(session);
        for state in self.all.values_mut() {
            let State::Blocked { query, .. } = state else { continue };
            match query.look(&sight) {
                Some(Ok(answer)) => *state = State::Done(answered(&answer)),
                Some(Err(failure)) => *state = State::Done(failed(&failure)),
                None => {}
            }
        }
    }

    pub(super) fn shown(&self) -> Value {
        let state = |state: &State| match state {
            State::Blocked { .. } => json!({ "state": "blocked" }),
            State::Done(result) => result.clone(),
        };
        self.all.iter().map(|(id, query)| (id.clone(), state(query))).collect()
    }
}

fn sight(session: &Session<Health>) -> Sight<Rendered> {
    let status = session.status();
    let index = status.cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    let instances = session.materializer().view().render();
    let error = status.error.map(|error| FeedError::new(error.class(), error.clone()));
    Sight { index, value: (instances, index), news: status.news, error }
}

fn answered(answer: &Answer<Rendered>) -> Value {
    let (value, value_index) = &answer.value;
    json!({
        "state": "done", "cached": answer.cached, "error": null, "index": index(answer.index),
        "value": shown(value), "value_index": index(*value_index),
    })
}

fn failed(failure: &Failure<Rendered>) -> Value {
    let cause = match &failure.cause {
        Cause::Told(told) => told.cause.downcast_ref().map_or("another error", error),
        Cause::Deadline => "deadline_exceeded",
        Cause::Cancelled => "canceled",
        _ => "another cause",
    };
    let value = failure.value.as_ref();
    json!({
        "state": "done", "cached": false, "error": cause, "index": index(failure.index),
        "value": value.map(|(value, _)| shown(value)),
        "value_index": value.map(|(_, at)| index(*at)),
    })
}

/// As the recordings write it: text where a number would not be exact everywhere.
fn index(index: u64) -> Value {
    if index < 1 << 53 { index.into() } else { index.to_string().into() }
}
