//! A whole topic at one moment, perhaps a later one: `GET /v1/topics/{topic}?kind=&index=&wait=`.

use crate::access::Caller;
use crate::app::App;
use crate::duration;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::items::moment;
use crate::topics::Channel;
use axum::extract::{Extension, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use core::time::Duration;
use highwater_publisher::{Item, Topic};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

#[derive(Deserialize)]
pub(crate) struct Wanted {
    kind: Option<String>,
    index: Option<u64>,
    wait: Option<String>,
}

/// Answers at once, or with an index as soon as the topic is beyond it or the wait is over.
pub(crate) async fn topic(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(topic): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let wait = wanted.wait.as_deref().map_or(Ok(DEFAULT_WAIT), wait_of)?;
    let channel = app.topics().find(&topic).ok_or_else(|| ApiError::unknown_topic(&topic))?;
    if let Some(index) = wanted.index {
        let _seat = app.admission().seat(&caller)?;
        let wait = wait.min(app.settings().limits.wait);
        beyond(&app, &channel, index, Instant::now() + wait).await;
        caller.is_still_known()?;
    }
    let (headers, list) = channel.with(|topic| {
        let load = app.admission().snapshot(topic.bytes())?;
        Ok::<_, ApiError>((moment(topic), (load, list(topic, wanted.kind.as_deref()))))
    })?;
    let (load, list) = list;
    let about =
        [(CONTENT_TYPE, "application/json".into()), (CONTENT_LENGTH, list.len().to_string())];
    Ok((headers, about, load.carry(list.into())).into_response())
}

/// Waits until the topic's index is another than the caller's: greater, or of another life.
async fn beyond(app: &App, channel: &Channel, index: u64, deadline: Instant) {
    let mut draining = app.draining();
    let epoch = channel.with(|topic| topic.epoch().clone());
    loop {
        let here = |topic: &mut Topic| topic.index() == index && *topic.epoch() == epoch;
        let Some(mut reader) = channel.with(|topic| here(topic).then(|| topic.follow())) else {
            return;
        };
        if *draining.borrow_and_update() {
            return;
        }
        tokio::select! {
            () = reader.ready() => {}
            _ = draining.changed() => {}
            () = sleep_until(deadline) => return,
        }
    }
}

/// Written by hand, since the objects are JSON already.
fn list(topic: &Topic, kind: Option<&str>) -> Vec<u8> {
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let (name, cursor, index) = (quote(topic.name()), topic.cursor(), topic.index());
    let mut out =
        format!("{{\"topic\":{name},\"cursor\":\"{cursor}\",\"index\":{index},\"items\":[")
            .into_bytes();
    for (position, Item { kind, key, version, object }) in topic.items(kind).enumerate() {
        let comma = if position == 0 { "" } else { "," };
        let (kind, key) = (quote(kind), quote(key));
        let head =
            format!("{comma}{{\"kind\":{kind},\"key\":{key},\"version\":{version},\"object\":");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(object);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

fn wait_of(text: &str) -> Result<Duration, ApiError> {
    let wrong = || {
        let what = format!("a wait is {}", duration::SHAPE);
        ApiError::bad_request("bad-query", what).at("wait")
    };
    duration::parse(text).ok_or_else(wrong)
}

const DEFAULT_WAIT: Duration = Duration::from_mins(5);
