//! Suite `rest-filter`: what a list of event streams is asked, and what it answers.
//!
//! Script: `{suite, query}`, the query with its `?`, or its JSON form under `json`. Observed: `{status,
//! shape, names}` of the page, or `{status, error}` with a code.

use highwater_eventstreams::{
    Field, FilterError, Query, QueryLimits, Row, Timestamp, Value as Held,
};
use serde_json::{Value, json};

use crate::subject::{same, scenarios, tags};
use crate::{Departures, Error, Outcome, Subject, Verdict};

const SUITE: &str = "rest-filter";

/// Runs the suite.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for vector in scenarios(SUITE, "queries")? {
        let name = vector["query"].as_str().map_or_else(|| vector["json"].to_string(), Into::into);
        let verdict = Verdict::of(check(subject, &vector));
        outcome.record(&name, tags(&vector), verdict, departures);
    }
    Ok(outcome)
}

fn check(subject: &mut dyn Subject, vector: &Value) -> Result<(), Error> {
    let script = json!({ "suite": SUITE, "query": vector["query"], "json": vector["json"] });
    let observed = subject.observe(&script)?;
    for member in ["status", "shape", "names", "error", "count", "total"] {
        if !vector[member].is_null() {
            same(member, &observed[member], &vector[member])?;
        }
    }
    Ok(())
}

/// Runs a script on the filter, over the five streams of the recording.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let limits = QueryLimits::default();
    let query = match (&script["query"], &script["json"]) {
        (Value::String(query), _) => Query::from_url(query.trim_start_matches('?'), &limits),
        (_, Value::String(text)) => Query::from_json(text, &limits),
        (_, body @ Value::Object(_)) => Query::from_json(&body.to_string(), &limits),
        _ => return Err(Error::new("a script has a query, or its JSON form")),
    };
    Ok(query.map_or_else(|error| refusal(&error), |query| answer(&query)))
}

fn answer(query: &Query) -> Value {
    let topics = [Some("Topic0"), Some("Topic1"), Some("Topic0"), None, Some("Topic0")];
    let newest_first = topics.into_iter().enumerate().rev();
    let page = query.page(newest_first.map(|(number, topic)| Stream { number, topic }));
    let names: Vec<_> = page.items.iter().map(|stream| format!("s{}", stream.number)).collect();
    let mut answer = json!({ "status": 200, "shape": "array", "names": names });
    if let Some(total) = page.total {
        answer["shape"] = "object".into();
        answer["count"] = names.len().into();
        answer["total"] = total.into();
    }
    answer
}

fn refusal(error: &FilterError) -> Value {
    json!({ "status": 400, "error": error.code() })
}

struct Stream {
    number: usize,
    topic: Option<&'static str>,
}

impl Row for Stream {
    fn value(&self, field: Field) -> Option<Held> {
        let number = self.number;
        let text = |text: String| Some(Held::Text(text));
        match field {
            Field::Id => text(format!("00000000-0000-4000-8000-00000000000{number}")),
            Field::Name => text(format!("s{number}")),
            Field::Status => text("stopped".to_owned()),
            Field::Type => text("websocket".to_owned()),
            Field::TopicFilter => self.topic.map(|topic| Held::Text(topic.to_owned())),
            Field::InitialSequenceId => None,
            Field::Created | Field::Updated => Some(Held::Time(Timestamp::from_nanos(RECORDED))),
        }
    }
}

/// Some time in 2025, in nanoseconds.
const RECORDED: i64 = 1_750_000_000_000_000_000;
