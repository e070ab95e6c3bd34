//! The task around a worker: its socket and its timer.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::Uri;
use hyper::header::HeaderMap;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tower_service::Service;
use url::Url;

use super::batch::Delivery;
use super::worker::{Effect, Worker};
use super::{OnError, Said};
use crate::http::{AGENT, Boxed, Connector, connector};

type Transport = WebSocketStream<TokioIo<<Connector as Service<Uri>>::Response>>;

pub(super) struct Socket {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) max_bytes: usize,
    pub(super) on_error: OnError,
    pub(super) batches: mpsc::Sender<Delivery>,
    pub(super) said: mpsc::UnboundedReceiver<Said>,
    /// The connection that there is now, for those who have batches.
    pub(super) connection: Arc<AtomicU64>,
}

/// What there is of a connection.
enum Link {
    None,
    Dialing(Boxed<Result<Transport, String>>),
    Open(Box<Transport>),
}

impl Socket {
    /// Carries out what the worker says until nobody reads the stream any more.
    pub(super) async fn run(mut self, mut worker: Worker) {
        let began = Instant::now();
        let mut link = Link::None;
        let mut effects = worker.woken(Duration::ZERO);
        loop {
            for effect in core::mem::take(&mut effects) {
                if let Err(why) = self.carry_out(effect, &mut link).await {
                    link = Link::None;
                    effects = worker.lost(began.elapsed(), &why);
                    break; // the others were for this connection
                }
            }
            self.connection.store(worker.connection(), Ordering::Relaxed);
            if !effects.is_empty() {
                continue;
            }
            let wake = worker.wake_at().map(|at| began + at);
            effects = tokio::select! {
                biased;
                said = self.said.recv() => match said {
                    Some(Said::Answer { connection, number, answer }) => {
                        worker.said(connection, number, answer)
                    }
                    Some(Said::Close) | None => break,
                },
                happened = link.next(&self.batches) => match happened {
                    Happened::Opened(socket) => {
                        link = Link::Open(socket);
                        worker.opened()
                    }
                    Happened::Text(text) => worker.heard(began.elapsed(), &text),
                    Happened::Lost(why) => {
                        link = Link::None;
                        worker.lost(began.elapsed(), &why)
                    }
                    Happened::NobodyReads => break,
                },
                () = sleep_until(wake.unwrap_or(began)), if wake.is_some() => {
                    worker.woken(began.elapsed())
                }
            };
        }
        if let Link::Open(mut socket) = link {
            let _ = timeout(PATIENCE, (*socket).close(None)).await; // the server sees its end in any case
        }
    }

    async fn carry_out(&mut self, effect: Effect, link: &mut Link) -> Result<(), String> {
        match (effect, link) {
            (Effect::Connect, link) => {
                let dialing = dial(self.url.clone(), self.headers.clone(), self.max_bytes);
                *link = Link::Dialing(Box::pin(dialing));
            }
            (Effect::Send(text), Link::Open(socket)) => {
                let sent = timeout(PATIENCE, socket.send(Message::text(text))).await;
                let sent = sent.map_err(|_| "the server takes nothing".to_owned())?;
                sent.map_err(|error| format!("the connection was lost: {error}"))?;
            }
            (Effect::Send(_), _) => {}
            (Effect::Deliver(delivery), _) => {
                // Read only when there is room; and who is gone needs none.
                let _ = self.batches.send(delivery).await;
            }
            (Effect::Report(what), _) => (self.on_error)(&what),
        }
        Ok(())
    }
}

enum Happened {
    Opened(Box<Transport>),
    Text(String),
    Lost(String),
    NobodyReads,
}

impl Link {
    /// What happens next of it. Nothing is read as long as there is no room for it.
    async fn next(&mut self, batches: &mpsc::Sender<Delivery>) -> Happened {
        let socket = match self {
            Self::None => return core::future::pending().await,
            Self::Dialing(dialing) => {
                return match dialing.await {
                    Ok(socket) => Happened::Opened(Box::new(socket)),
                    Err(why) => Happened::Lost(why),
                };
            }
            Self::Open(socket) => socket,
        };
        if batches.reserve().await.is_err() {
            return Happened::NobodyReads;
        }
        loop {
            return match socket.next().await {
                Some(Ok(Message::Text(text))) => Happened::Text(text.as_str().into()),
                Some(Ok(Message::Close(Some(frame)))) => Happened::Lost(format!(
                    "the server has closed the connection ({}): {}",
                    frame.code, frame.reason
                )),
                Some(Ok(_)) => continue, // pings are answered
                Some(Err(error)) => Happened::Lost(format!("the connection was lost: {error}")),
                None => Happened::Lost("the connection has ended".into()),
            };
        }
    }
}

async fn dial(url: Url, headers: HeaderMap, max_bytes: usize) -> Result<Transport, String> {
    let connecting = async {
        let uri: Uri = url.as_str().parse().map_err(|error| format!("{url}: {error}"))?;
        let stream = connector().call(uri).await.map_err(|error| error.to_string())?;
        let mut address = url.clone();
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        let _ = address.set_scheme(scheme); // for the handshake, which wants it so
        let request = address.as_str().into_client_request();
        let mut request = request.map_err(|error| error.to_string())?;
        request.headers_mut().insert("user-agent", hyper::header::HeaderValue::from_static(AGENT));
        request.headers_mut().extend(headers);
        let limits = WebSocketConfig::default()
            .max_message_size(Some(max_bytes))
            .max_frame_size(Some(max_bytes));
        match client_async_with_config(request, TokioIo::new(stream), Some(limits)).await {
            Ok((socket, _)) => Ok(socket),
            Err(SocketError::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let body =
                    String::from_utf8_lossy(body.get(..LONGEST).unwrap_or(body)).into_owned();
                Err(format!("the server answered {}: {}", answer.status(), body.trim()))
            }
            Err(error) => Err(error.to_string()),
        }
    };
    timeout(PATIENCE, connecting).await.unwrap_or(Err("the server does not answer".into()))
}

/// How long the server may take to answer, or to take something.
const PATIENCE: Duration = Duration::from_secs(30);
/// So much is told of a refusal.
const LONGEST: usize = 500;
