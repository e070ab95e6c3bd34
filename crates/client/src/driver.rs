//! The task that keeps a store up.

use std::sync::Arc;

use bytes::Bytes;
use highwater_core::{ConnectionId, Effect, Failure, Input, View};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep_until};

use crate::Phase;
use crate::http::{Answer, Boxed, Fetched, Head, Http, next_piece};
use crate::shared::Shared;

/// Carries out what the session asks for, until it has stopped.
pub(crate) async fn run<V: View>(shared: Stopping<V>, http: Arc<Http>) {
    let shared = &*shared.0;
    let mut wake: Option<Instant> = None;
    let mut line: Option<Line> = None;
    let mut fetch: Option<(ConnectionId, Boxed<Fetched>)> = None;
    loop {
        while let Some(effect) = shared.poll() {
            match effect {
                Effect::Connect(request) => {
                    let id = request.connection;
                    let dialing = Arc::clone(&http).open(request);
                    line = Some(Line { id, state: State::Dialing(Box::pin(dialing)) });
                }
                Effect::Disconnect(id) => {
                    line.take_if(|line| line.id == id);
                    fetch.take_if(|(on, _)| *on == id);
                }
                Effect::Fetch(id) => fetch = Some((id, Box::pin(Arc::clone(&http).fetch()))),
                Effect::WakeAt(at) => wake = Some(shared.clock().at(at)),
                _ => {}
            }
        }
        if shared.status().borrow().phase == Phase::Stopped {
            return;
        }
        tokio::select! {
            () = shared.called() => {}
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                wake = None;
                shared.input(Input::Wake);
            }
            event = Line::next(&mut line) => hear(shared, &mut line, event),
            (connection, fetched) = next_fetched(&mut fetch) => {
                fetch = None;
                match fetched {
                    Ok((status, body)) => {
                        shared.input(Input::Fetched { connection, status, body: &body });
                    }
                    Err(what) => {
                        let failure = Failure::Network { what: &what, temporary: None };
                        line.take_if(|line| line.id == connection);
                        shared.input(Input::Failed { connection, failure });
                    }
                }
            }
        }
    }
}

/// Stops the session when the task ends, however it ends (also when it never ran), so that nobody
/// waits for it in vain.
pub(crate) struct Stopping<V: View>(pub(crate) Arc<Shared<V>>);

impl<V: View> Drop for Stopping<V> {
    fn drop(&mut self) {
        self.0.input(Input::Stop);
    }
}

/// The one connection that there is.
struct Line {
    id: ConnectionId,
    state: State,
}

enum State {
    Dialing(Boxed<Result<Answer, Box<str>>>),
    Open(Incoming),
}

enum Event {
    Answered(Head),
    Piece(Bytes),
    Ended,
    Failed(Box<str>),
}

impl Line {
    /// What happens next on the connection; never, without one. May be dropped while it waits.
    async fn next(line: &mut Option<Self>) -> Event {
        let Some(line) = line else {
            return core::future::pending().await;
        };
        match &mut line.state {
            State::Dialing(answer) => match answer.await {
                Ok(Answer { head, body }) => {
                    line.state = State::Open(body);
                    Event::Answered(head)
                }
                Err(what) => Event::Failed(what),
            },
            State::Open(body) => match next_piece(body).await {
                Some(Ok(piece)) => Event::Piece(piece),
                Some(Err(what)) => Event::Failed(what),
                None => Event::Ended,
            },
        }
    }
}

/// Tells the session what happened on its connection.
fn hear<V: View>(shared: &Shared<V>, line: &mut Option<Line>, event: Event) {
    let Some(connection) = line.as_ref().map(|line| line.id) else {
        return;
    };
    match event {
        Event::Answered(head) => shared.input(Input::Opened {
            connection,
            status: head.status,
            content_type: head.content_type.as_deref(),
            retry_after: head.retry_after,
        }),
        Event::Piece(bytes) => shared.input(Input::Bytes { connection, bytes: &bytes }),
        Event::Ended => {
            *line = None;
            shared.input(Input::Ended { connection });
        }
        Event::Failed(what) => {
            *line = None;
            let failure = Failure::Network { what: &what, temporary: None };
            shared.input(Input::Failed { connection, failure });
        }
    }
}

async fn next_fetched(
    fetch: &mut Option<(ConnectionId, Boxed<Fetched>)>,
) -> (ConnectionId, Fetched) {
    let Some((id, fetch)) = fetch else {
        return core::future::pending().await;
    };
    (*id, fetch.await)
}
