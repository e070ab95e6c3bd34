//! A topic as lines of JSON: `GET /v1/topics/{topic}/export?kind=`.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::items::moment;
use crate::plain::join;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use core::convert::Infallible;
use futures_util::stream::unfold;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    kind: Option<String>,
}

/// All items of one moment, sorted by kind and key: an item a line, as `import` takes them.
///
/// The lines are those that the topic has already: what is written meanwhile is not waited for,
/// and nothing is copied but what is just being sent.
pub(crate) async fn export(
    State(app): State<App>,
    Path(topic): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let channel = app.topics().read(&topic, None).await?;
    let (headers, load, lines) = channel.with(|topic| {
        let load = app.admission().snapshot(topic.bytes())?;
        Ok::<_, ApiError>((moment(&topic.place()), load, topic.lines(wanted.kind.as_deref())))
    })?;
    let pieces = unfold((lines.into_iter(), load), async |(mut lines, load)| {
        let (mut piece, mut size): (Vec<Bytes>, _) = (Vec::new(), 0);
        while size < PIECE
            && let Some(line) = lines.next()
        {
            size += line.len();
            piece.push(line);
        }
        (!piece.is_empty()).then(|| (Ok::<_, Infallible>(join(piece)), (lines, load)))
    });
    Ok((headers, [(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(pieces))
        .into_response())
}

/// Bytes that are handed to the socket at once, about.
const PIECE: usize = 64 << 10;
