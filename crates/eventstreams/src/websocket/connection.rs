//! One client's socket.

use super::command;
use super::hub::Hub;
use super::round_trips::Connection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use core::time::Duration;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Serves a client until it goes, says something that is no command, or does not answer any more.
/// The socket is then dropped, without a goodbye, as clients know it.
pub(super) async fn serve(socket: WebSocket, hub: Arc<Hub>) {
    let (id, outgoing) = hub.connect();
    let _leaves = Leaves(&hub, id);
    let heard_at = Heard(Instant::now().into());
    let interval = hub.configuration.websockets.ping_interval.wait().max(Duration::from_millis(1));
    let (sink, stream) = socket.split();
    tokio::select! {
        () = hub.closed.cancelled() => {}
        () = write(sink, outgoing, &hub, id, interval) => {}
        () = read(stream, &hub, id, &heard_at) => {}
        () = heard_at.silent_for(2 * interval) => {
            tracing::info!(connection = id.0, "a connection answers no ping, and is closed");
        }
    }
}

/// Takes the connection out, however it ends.
struct Leaves<'h>(&'h Hub, Connection);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.disconnect(self.1);
    }
}

async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut outgoing: UnboundedReceiver<Utf8Bytes>,
    hub: &Hub,
    id: Connection,
    interval: Duration,
) {
    let mut ping_at = Instant::now() + interval;
    loop {
        let Ok(text) = timeout_at(ping_at, outgoing.recv()).await else {
            ping_at = Instant::now() + interval;
            if sink.send(Message::Ping(PING)).await.is_err() {
                return;
            }
            continue;
        };
        let Some(text) = text else { return };
        let mut bytes = text.len();
        let mut written = sink.feed(Message::Text(text)).await;
        // What came meanwhile goes with it.
        while written.is_ok()
            && bytes < AT_ONCE
            && let Ok(text) = outgoing.try_recv()
        {
            bytes += text.len();
            written = sink.feed(Message::Text(text)).await;
        }
        if written.is_err() || sink.flush().await.is_err() {
            return;
        }
        hub.sent(id, bytes);
    }
}

async fn read(mut stream: SplitStream<WebSocket>, hub: &Hub, id: Connection, heard_at: &Heard) {
    while let Some(message) = stream.next().await {
        heard_at.now();
        let read = match message {
            Ok(Message::Text(text)) => command::read(text.as_bytes()),
            Ok(Message::Binary(bytes)) => command::read(&bytes),
            Ok(_) => continue, // pings are answered, and so is a goodbye: the end comes next
            Err(error) => {
                tracing::info!(connection = id.0, %error, "a connection ended badly");
                return;
            }
        };
        match read {
            Ok(Some(command)) => hub.heard(id, command),
            Ok(None) => tracing::debug!(connection = id.0, "a command that is not known"),
            Err(error) => {
                tracing::info!(connection = id.0, %error, "a connection is closed");
                return;
            }
        }
    }
}

/// When the client was heard last.
struct Heard(Mutex<Instant>);

impl Heard {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn at(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn silent_for(&self, time: Duration) {
        loop {
            let limit = self.at() + time;
            sleep_until(limit).await;
            if self.at() + time <= Instant::now() {
                return;
            }
        }
    }
}

const PING: axum::body::Bytes = axum::body::Bytes::from_static(b"");
/// How many bytes are put into the socket's buffer before it is emptied.
const AT_ONCE: usize = 256 << 10;
