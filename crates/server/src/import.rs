//! Lines of JSON into a topic: `POST /v1/topics/{topic}/import?stale=`.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::items::moment;
use crate::lines::Lines;
use crate::transactions::Line;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use highwater_publisher::{CommitError, Id, Operation, Refusal, Topic};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    stale: Stale,
}

/// What becomes of a line whose version is not greater than that of the item.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stale {
    /// The import ends there.
    #[default]
    Refuse,
    /// It is passed over: the topic has that or something newer.
    Skip,
}

/// What an import came to.
#[derive(Clone, Copy, Default, Serialize)]
struct Count {
    lines: u64,
    operations: u64,
    skipped: u64,
    transactions: u64,
}

/// A change or a transaction a line, taken in as they come: some at once, so that neither a
/// million lines are kept nor a million transactions made.
///
/// At the first wrong line it ends: what stands before that is in the topic, and the line and
/// what follows is not. The error says which line it is.
pub(crate) async fn import(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    expect_lines(&headers)?;
    let mut lines = Lines::new(body, app.settings().max_body);
    let mut import = Import::new(&app, &name, wanted.stale);
    loop {
        let line = match lines.next().await {
            Ok(None) => break,
            Ok(Some(text)) => Line::parse(&text).map(|line| (line, text.len())),
            Err(error) => Err(error),
        };
        match line {
            Ok((line, bytes)) => import.take(lines.number(), line, bytes)?,
            Err(error) => {
                // All before the line; if that fails, an earlier line is the wrong one.
                import.flush()?;
                return Err(error.in_line(lines.number()));
            }
        }
    }
    import.flush()?;
    import.count.lines = lines.number();
    Ok(import.answer())
}

struct Import<'a> {
    app: &'a App,
    name: &'a str,
    stale: Stale,
    count: Count,
    /// Operations that are not yet in the topic, with the numbers of their lines.
    pending: Vec<(u64, Operation)>,
    bytes: usize,
}

impl<'a> Import<'a> {
    fn new(app: &'a App, name: &'a str, stale: Stale) -> Self {
        Self { app, name, stale, count: Count::default(), pending: Vec::new(), bytes: 0 }
    }

    fn take(&mut self, number: u64, line: Line, bytes: usize) -> Result<(), ApiError> {
        match line {
            Line::Change(operation) => {
                self.pending.push((number, operation));
                self.bytes += bytes;
                let enough = self.pending.len() >= OPERATIONS || self.bytes >= BYTES;
                if enough { self.flush() } else { Ok(()) }
            }
            Line::Transaction(transaction) => {
                self.flush()?;
                let done = self.app.topics().write(self.name, |topic| {
                    let done = topic.commit(transaction);
                    done.map_err(|error| ApiError::commit("operations", error).in_line(number))
                })?;
                self.count.transactions += 1;
                self.count.operations += done.versions.len() as u64;
                Ok(())
            }
        }
    }

    /// Puts what is pending into the topic: all of it, or what stands before the wrong line.
    fn flush(&mut self) -> Result<(), ApiError> {
        self.bytes = 0;
        let pending = core::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let (stale, count) = (self.stale, &mut self.count);
        let wrong = self.app.topics().write(self.name, |topic| {
            match put(topic, pending, stale, count) {
                // Nothing was done: without this write, there would be no topic.
                Some(wrong) if topic.index() == 0 => Err(wrong),
                wrong => Ok(wrong),
            }
        })?;
        wrong.map_or(Ok(()), Err)
    }

    fn answer(&self) -> Response {
        let mut body = serde_json::json!({ "topic": self.name, "count": self.count });
        let Some(channel) = self.app.topics().find(self.name) else {
            return Json(body).into_response(); // not one line, and no topic before
        };
        channel.with(|topic| {
            body["cursor"] = topic.cursor().into();
            body["index"] = topic.index().into();
            (moment(topic), Json(body)).into_response()
        })
    }
}

/// Commits the operations; at a wrong one, those before it, and says what is wrong and where.
fn put(
    topic: &mut Topic,
    mut pending: Vec<(u64, Operation)>,
    stale: Stale,
    count: &mut Count,
) -> Option<ApiError> {
    loop {
        if stale == Stale::Skip {
            count.skipped += skip(topic, &mut pending);
        }
        if pending.is_empty() {
            return None;
        }
        let refused = commit(topic, &pending, count)?;
        let CommitError::Refused { operation, refusal } = refused else {
            return Some(ApiError::commit("", refused));
        };
        if operation > 0 {
            // They were right one after the other, and still are.
            commit(topic, &pending[..operation], count);
        }
        if stale == Stale::Refuse || !matches!(refusal, Refusal::Stale { .. }) {
            let refused = CommitError::Refused { operation, refusal };
            let wrong = ApiError::commit("", refused).at("");
            return Some(wrong.in_line(pending[operation].0));
        }
        // An operation before it in the list made it stale: with that done, it is found.
        pending.drain(..operation);
    }
}

fn commit(
    topic: &mut Topic,
    operations: &[(u64, Operation)],
    count: &mut Count,
) -> Option<CommitError> {
    let transaction = operations.iter().map(|(_, operation)| operation.clone()).collect();
    match topic.commit(transaction) {
        Ok(_) => {
            count.transactions += 1;
            count.operations += operations.len() as u64;
            None
        }
        Err(refused) => Some(refused),
    }
}

/// Drops the operations whose versions are not greater than what the topic has, or will have by
/// one before them.
fn skip(topic: &Topic, pending: &mut Vec<(u64, Operation)>) -> u64 {
    let before = pending.len();
    let mut greatest: HashMap<Id, i64> = HashMap::new();
    pending.retain(|(_, operation)| {
        let (id, version) = (operation.id(), operation.version());
        let Some(version) = version else { return true };
        let last = greatest.get(id).copied().or_else(|| topic.last_version(id));
        let newer = last.is_none_or(|last| version > last);
        if newer {
            greatest.insert(id.clone(), version);
        }
        newer
    });
    (before - pending.len()) as u64
}

/// As `expect_json`, and for the same reason.
fn expect_lines(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if ["application/x-ndjson", "application/ndjson"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
    {
        return Ok(());
    }
    let message = format!("content-type has to be application/x-ndjson, not {given:?}");
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-content-type", message)
        .at("content-type"))
}

/// Operations of a transaction, at most.
const OPERATIONS: usize = 1000;

/// Bytes of a transaction's lines, about.
const BYTES: usize = 1 << 20;
