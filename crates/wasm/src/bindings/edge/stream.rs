//! The main transport: the body of a `fetch`, as bytes.

use core::mem;
use core::time::Duration;
use std::rc::Rc;

use highwater_core::{ConnectionId, Input, Request};
use js_sys::{Date, Function, Object};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, Headers, RequestInit, Response};

use super::link::{Body, Chunk, Reader, Surroundings, set_header};
use super::{Connection, Edge};

/// One connection. It is always waiting for one promise, whose outcome one of two functions
/// takes.
pub(super) struct Stream {
    request: Request,
    abort: AbortController,
    stage: Stage,
    /// New headers were asked for after a 401.
    renewed: bool,
    settled: Function,
    failed: Function,
}

#[derive(Clone)]
enum Stage {
    Headers,
    Response,
    Body(Reader),
}

impl Stream {
    pub(super) fn id(&self) -> ConnectionId {
        self.request.connection
    }

    pub(super) fn abort(self) {
        self.abort.abort();
    }

    pub(super) fn connect(edge: &Edge, link: &Rc<dyn Surroundings>, request: Request) {
        let Ok(abort) = AbortController::new() else {
            return edge.fail(request.connection, "there is no AbortController here");
        };
        let id = request.connection;
        let attempt = request.attempt;
        edge.connection.replace(Connection::Stream(Self {
            request,
            abort,
            stage: Stage::Headers,
            renewed: false,
            settled: edge.callback(id, settled),
            failed: edge.callback(id, |edge, id, error| {
                if let Some(link) = edge.link() {
                    edge.fail(id, &link.words(&error));
                }
            }),
        }));
        ask_headers(edge, link, attempt, false);
    }
}

/// What a connection was waiting for is there.
fn settled(edge: &Edge, id: ConnectionId, value: JsValue) {
    let Some(link) = edge.link() else {
        return;
    };
    let stage = with(edge, |stream| stream.stage.clone());
    let outcome = match stage {
        Some(Stage::Headers) => send(edge, &link, &value.unchecked_into()),
        Some(Stage::Response) => open(edge, &link, id, &value.unchecked_into()),
        Some(Stage::Body(reader)) => {
            read(edge, &link, id, &reader, &value.unchecked_into());
            Ok(())
        }
        None => Ok(()),
    };
    if let Err(error) = outcome
        && edge.is_current(id)
    {
        edge.fail(id, &link.words(&error));
    }
}

fn ask_headers(edge: &Edge, link: &Rc<dyn Surroundings>, attempt: u32, expired: bool) {
    // Asked before the connection is looked at: the application may close it here.
    let headers = link.headers(attempt, expired);
    with(edge, |stream| {
        stream.stage = Stage::Headers;
        link.watch(headers, &stream.settled, &stream.failed);
    });
}

fn send(edge: &Edge, link: &Rc<dyn Surroundings>, headers: &Headers) -> Result<(), JsValue> {
    let sent = with(edge, |stream| {
        set_header(headers, "accept", "text/event-stream, application/x-ndjson;q=0.9");
        let Request { query, last_event_id, .. } = &stream.request;
        let asks = |name: &str| query.iter().any(|(known, _)| *known == name);
        // Where the address says where to go on, the header would only cost a preflight.
        if let Some(id) = last_event_id.as_deref().and_then(sendable)
            && !asks("basis")
            && !asks("index")
        {
            set_header(headers, "last-event-id", &id);
        }
        let init = Object::assign(&Object::new(), &link.init());
        let init: RequestInit = init.unchecked_into();
        init.set_headers(headers);
        init.set_signal(Some(&stream.abort.signal()));
        (link.address(query), init)
    });
    let Some((url, init)) = sent else {
        return Ok(());
    };
    let response = link.fetch(&url, &init)?;
    with(edge, |stream| {
        stream.stage = Stage::Response;
        link.watch(response, &stream.settled, &stream.failed);
    });
    Ok(())
}

fn open(
    edge: &Edge,
    link: &Rc<dyn Surroundings>,
    id: ConnectionId,
    response: &Response,
) -> Result<(), JsValue> {
    let status = response.status();
    let again = with(edge, |stream| {
        let again = status == 401 && link.renews() && !mem::replace(&mut stream.renewed, true);
        if again {
            stream.abort.abort();
            stream.abort = AbortController::new().ok()?;
        }
        again.then_some(stream.request.attempt)
    });
    if let Some(attempt) = again.flatten() {
        ask_headers(edge, link, attempt, true);
        return Ok(());
    }
    let headers = response.headers();
    let content_type = headers.get("content-type")?;
    let retry_after = headers.get("retry-after")?.as_deref().and_then(wait);
    let body = response.body();
    if let Some(body) = &body
        && status == 200
    {
        let reader = body.unchecked_ref::<Body>().reader()?;
        with(edge, |stream| stream.stage = Stage::Body(reader));
    }
    edge.input(Input::Opened {
        connection: id,
        status,
        content_type: content_type.as_deref(),
        retry_after,
    });
    if !edge.is_current(id) {
        return Ok(());
    }
    match with(edge, |stream| stream.stage.clone()) {
        Some(Stage::Body(reader)) => read_on(edge, link, &reader),
        _ => end(edge, id),
    }
    Ok(())
}

fn read(
    edge: &Edge,
    link: &Rc<dyn Surroundings>,
    id: ConnectionId,
    reader: &Reader,
    chunk: &Chunk,
) {
    if chunk.done() {
        return end(edge, id);
    }
    let bytes = chunk.value();
    let mut buffer = edge.chunk.take();
    let length = bytes.length() as usize;
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    bytes.copy_to(&mut buffer[..length]);
    edge.input(Input::Bytes { connection: id, bytes: &buffer[..length] });
    if buffer.len() <= KEPT {
        edge.chunk.set(buffer);
    }
    if edge.is_current(id) {
        read_on(edge, link, reader);
    }
}

fn read_on(edge: &Edge, link: &Rc<dyn Surroundings>, reader: &Reader) {
    let chunk = reader.read();
    with(edge, |stream| link.watch(chunk, &stream.settled, &stream.failed));
}

fn end(edge: &Edge, id: ConnectionId) {
    edge.connection.replace(Connection::None);
    edge.input(Input::Ended { connection: id });
}

/// Something done with the current stream. No JavaScript that could come back here is called
/// within.
fn with<R>(edge: &Edge, then: impl FnOnce(&mut Stream) -> R) -> Option<R> {
    match &mut *edge.connection.borrow_mut() {
        Connection::Stream(stream) => Some(then(stream)),
        _ => None,
    }
}

/// How a `Last-Event-ID` is sent: its UTF-8 bytes, each as a character, which is all that
/// `Headers` takes. `None` for what no header can hold or no server would take.
fn sendable(id: &str) -> Option<String> {
    let bad = id.len() > LONGEST_ID || id.bytes().any(|byte| byte < 0x20 || byte == 0x7f);
    (!bad && !id.is_empty()).then(|| id.bytes().map(char::from).collect())
}

/// A `Retry-After`: seconds, or a date.
fn wait(retry_after: &str) -> Option<Duration> {
    let text = retry_after.trim();
    let millis = if let Ok(seconds) = text.parse::<u32>() {
        f64::from(seconds) * 1000.0
    } else {
        Date::parse(text) - Date::now()
    };
    // A date that is none is NaN, which no comparison holds for.
    (millis > 0.0).then(|| Duration::from_millis(millis.min(super::LONGEST) as u64))
}

const LONGEST_ID: usize = 4096;
/// A buffer larger than this is not kept.
const KEPT: usize = 1 << 20;
