//! One client's socket.

use super::command;
use super::core::{CoreDialect, ProtocolError};
use super::hub::{Hub, Outgoing};
use super::round_trips::{Command, Connection};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use core::time::Duration;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// Serves a client until it goes, says something that is no command, or does not answer any more.
/// The socket is then dropped, without a goodbye, as clients know it; who speaks the dialect of
/// FireFly's core is told first what was wrong.
pub(super) async fn serve(socket: WebSocket, hub: Arc<Hub>, query: Option<String>) {
    let (id, outgoing) = hub.connect();
    let _leaves = Leaves(&hub, id);
    let client = Client { hub: &hub, id, dialect: Mutex::default() };
    let heard_at = Heard(Instant::now().into());
    let interval = hub.configuration.websockets.ping_interval.wait().max(Duration::from_millis(1));
    let (mut sink, stream) = socket.split();
    let wrong = if let Err(wrong) = client.begin(query.as_deref().unwrap_or_default()) {
        wrong
    } else {
        tokio::select! {
            () = hub.closed.cancelled() => None,
            () = write(&mut sink, outgoing, &client, interval) => None,
            wrong = read(stream, &client, &heard_at) => wrong,
            () = heard_at.silent_for(2 * interval) => {
                tracing::info!(connection = id.0, "a connection answers no ping, and is closed");
                None
            }
        }
    };
    client.end();
    if let Some(wrong) = wrong {
        let told = async {
            sink.send(Message::Text(wrong.message().into())).await?;
            sink.close().await
        };
        let _ = timeout(FAREWELL, told).await; // one that does not listen is dropped all the same
    }
}

/// Takes the connection out, however it ends.
struct Leaves<'h>(&'h Hub, Connection);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.disconnect(self.1);
    }
}

/// A connection, and what it speaks.
struct Client<'h> {
    hub: &'h Hub,
    id: Connection,
    dialect: Mutex<Dialect>,
}

#[derive(Debug, Default)]
enum Dialect {
    /// It has not said yet.
    #[default]
    Unknown,
    EventStreams,
    Core(CoreDialect),
}

/// Why a connection ends: what is to be told before, if anything is.
type Wrong = Option<ProtocolError>;

impl Client<'_> {
    fn begin(&self, query: &str) -> Result<(), Wrong> {
        let Some((dialect, started)) = CoreDialect::of_query(query) else { return Ok(()) };
        *self.dialect() = Dialect::Core(dialect);
        self.done(started)
    }

    fn heard(&self, message: &[u8]) -> Result<(), Wrong> {
        let mut dialect = self.dialect();
        if let Dialect::Unknown = *dialect {
            *dialect = if CoreDialect::begins_with(message) {
                Dialect::Core(CoreDialect::default())
            } else {
                Dialect::EventStreams
            };
        }
        if let Dialect::Core(core) = &mut *dialect {
            let heard = core.heard(message);
            drop(dialect);
            return self.done(heard);
        }
        match command::read(message) {
            Ok(Some(command)) => self.hub.heard(self.id, command),
            Ok(None) => tracing::debug!(connection = self.id.0, "a command that is not known"),
            Err(error) => {
                tracing::info!(connection = self.id.0, %error, "a connection is closed");
                return Err(None);
            }
        }
        Ok(())
    }

    fn done(&self, heard: Result<Option<Command>, ProtocolError>) -> Result<(), Wrong> {
        match heard {
            Ok(command) => {
                if let Some(command) = command {
                    self.hub.heard(self.id, command);
                }
                Ok(())
            }
            Err(error) => {
                tracing::info!(connection = self.id.0, %error, "a connection is closed");
                Err(Some(error))
            }
        }
    }

    /// The messages that this one is to the client, and what follows from having sent them.
    fn told(&self, outgoing: Outgoing) -> (Vec<Utf8Bytes>, Option<Command>) {
        match &mut *self.dialect() {
            Dialect::Core(core) => {
                let (texts, then) = core.told(&outgoing.stream, &outgoing.text);
                (texts.into_iter().map(Into::into).collect(), then)
            }
            _ => (vec![outgoing.text], None),
        }
    }

    fn end(self) {
        let (hub, id) = (self.hub, self.id);
        if let Dialect::Core(core) =
            self.dialect.into_inner().unwrap_or_else(PoisonError::into_inner)
        {
            core.closing().for_each(|command| hub.heard(id, command));
        }
    }

    fn dialect(&self) -> MutexGuard<'_, Dialect> {
        self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    mut outgoing: UnboundedReceiver<Outgoing>,
    client: &Client<'_>,
    interval: Duration,
) {
    let mut ping_at = Instant::now() + interval;
    loop {
        let Ok(first) = timeout_at(ping_at, outgoing.recv()).await else {
            ping_at = Instant::now() + interval;
            if sink.send(Message::Ping(PING)).await.is_err() {
                return;
            }
            continue;
        };
        let (mut next, mut bytes, mut then) = (first, 0, Vec::new());
        let Some(_) = next else { return };
        // What came meanwhile goes with it.
        while let Some(message) = next {
            bytes += message.text.len();
            let (texts, command) = client.told(message);
            then.extend(command);
            for text in texts {
                if sink.feed(Message::Text(text)).await.is_err() {
                    return;
                }
            }
            next = if bytes < AT_ONCE { outgoing.try_recv().ok() } else { None };
        }
        if sink.flush().await.is_err() {
            return;
        }
        client.hub.sent(client.id, bytes);
        for command in then {
            client.hub.heard(client.id, command);
        }
    }
}

async fn read(mut stream: SplitStream<WebSocket>, client: &Client<'_>, heard_at: &Heard) -> Wrong {
    while let Some(message) = stream.next().await {
        heard_at.now();
        let heard = match message {
            Ok(Message::Text(text)) => client.heard(text.as_bytes()),
            Ok(Message::Binary(bytes)) => client.heard(&bytes),
            Ok(_) => continue, // pings are answered, and so is a goodbye: the end comes next
            Err(error) => {
                tracing::info!(connection = client.id.0, %error, "a connection ended badly");
                return None;
            }
        };
        if let Err(wrong) = heard {
            return wrong;
        }
    }
    None
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

/// How long a client that has done something wrong has to hear it.
const FAREWELL: Duration = Duration::from_secs(1);
const PING: axum::body::Bytes = axum::body::Bytes::from_static(b"");
/// How many bytes are put into the socket's buffer before it is emptied.
const AT_ONCE: usize = 256 << 10;
