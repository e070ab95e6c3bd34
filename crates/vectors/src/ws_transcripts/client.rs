//! A plain WebSocket client.

use core::net::SocketAddr;
use core::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::Error;

pub(super) struct Client(WebSocketStream<TcpStream>);

/// What a client hears.
#[derive(Debug)]
enum Heard {
    Text(String),
    Pong(String),
    /// The end, with the code of the goodbye; 1006 without one.
    End(u16),
}

impl Client {
    /// The status of the handshake, and the client if it was upgraded.
    pub(super) async fn connect(
        address: SocketAddr,
        origin: Option<&str>,
    ) -> Result<(u16, Option<Self>), Error> {
        let mut request = format!("ws://{address}/ws").into_client_request().map_err(failed)?;
        if let Some(origin) = origin {
            let origin = origin.parse().map_err(|error| Error::new(format!("{error}")))?;
            request.headers_mut().insert("origin", origin);
        }
        let socket = TcpStream::connect(address).await.map_err(failed)?;
        match client_async(request, socket).await {
            Ok((socket, response)) => Ok((response.status().as_u16(), Some(Self(socket)))),
            Err(WsError::Http(response)) => Ok((response.status().as_u16(), None)),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) async fn send(&mut self, message: String, binary: bool) -> Result<(), Error> {
        let message =
            if binary { Message::binary(message.into_bytes()) } else { Message::text(message) };
        self.0.send(message).await.map_err(failed)
    }

    pub(super) async fn ping(&mut self, data: &str) -> Result<(), Error> {
        self.0.send(Message::Ping(data.to_owned().into())).await.map_err(failed)
    }

    pub(super) async fn close(&mut self, code: u64) -> Result<(), Error> {
        let code = CloseCode::from(u16::try_from(code).unwrap_or(1000));
        let frame = CloseFrame { code, reason: "".into() };
        self.0.send(Message::Close(Some(frame))).await.map_err(failed)
    }

    pub(super) async fn receive(&mut self) -> Result<String, Error> {
        match self.hear().await? {
            Heard::Text(text) => Ok(text),
            other => Err(Error::new(format!("heard {other:?}"))),
        }
    }

    pub(super) async fn pong(&mut self) -> Result<String, Error> {
        match self.hear().await? {
            Heard::Pong(data) => Ok(data),
            other => Err(Error::new(format!("heard {other:?}"))),
        }
    }

    pub(super) async fn closed(&mut self) -> Result<u16, Error> {
        match self.hear().await? {
            Heard::End(code) => Ok(code),
            other => Err(Error::new(format!("heard {other:?}"))),
        }
    }

    pub(super) async fn silent(&mut self, millis: u64) -> Result<(), Error> {
        match timeout(Duration::from_millis(millis), self.next()).await {
            Err(_) => Ok(()),
            Ok(heard) => Err(Error::new(format!("heard {heard:?}"))),
        }
    }

    async fn hear(&mut self) -> Result<Heard, Error> {
        let heard = timeout(PATIENCE, self.next()).await;
        heard.map_err(|_| Error::new("heard nothing"))
    }

    async fn next(&mut self) -> Heard {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Heard::Text(text.as_str().to_owned()),
                Some(Ok(Message::Pong(data))) => {
                    return Heard::Pong(String::from_utf8_lossy(&data).into_owned());
                }
                Some(Ok(Message::Close(frame))) => {
                    return Heard::End(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::End(1006),
            }
        }
    }
}

/// A request that asks for no upgrade: the status of the answer, and its body.
pub(super) async fn get(address: SocketAddr) -> Result<(u16, String), Error> {
    let mut socket = TcpStream::connect(address).await.map_err(failed)?;
    let request = format!("GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = String::new();
    let read = timeout(PATIENCE, socket.read_to_string(&mut answer)).await;
    read.map_err(|_| Error::new("no answer"))?.map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.unwrap_or(0), body.to_owned()))
}

fn failed(error: impl core::fmt::Display) -> Error {
    Error::new(error.to_string())
}

/// How long something may take that has to come.
const PATIENCE: Duration = Duration::from_secs(20);
