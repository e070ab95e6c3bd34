//! Connections: HTTP until one asks for a stream, and is given over to the [fan-out](crate::fanout).

use crate::app::App;
use crate::deadline::Watched;
use crate::fanout::{Fanout, Granted, Stream};
use axum::Router;
use axum::body::Body;
use axum::extract::OptionalFromRequestParts;
use axum::extract::connect_info::ConnectInfo;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, Request, Response, StatusCode, Version};
use bytes::Bytes;
use core::convert::Infallible;
use core::future::{pending, poll_fn};
use core::net::SocketAddr;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower_service::Service as _;

/// Takes connections until `stopping`, and answers on each until it ends.
///
/// Every connection holds a clone of `stopping`: when all are gone, all connections are.
pub(crate) async fn accept(
    mut listener: TcpListener,
    router: Router,
    app: App,
    mut stopping: watch::Receiver<bool>,
) {
    let fanout = Fanout::start(&app);
    loop {
        // Of a failure that is no connection's own it makes a pause, and no end.
        let (socket, peer) = tokio::select! {
            accepted = axum::serve::Listener::accept(&mut listener) => accepted,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        // An event is small and should leave at once, not wait for an acknowledgement.
        let _ = socket.set_nodelay(true); // a socket that is gone already tells so when it is used
        let (router, fanout, open) = (router.clone(), fanout.clone(), stopping.clone());
        let socket = Watched::new(socket, app.clone());
        tokio::spawn(async move {
            if let Some(stream) = answer(socket, peer, router, open).await {
                fanout.join(stream);
            }
        });
    }
}

/// Answers requests until the connection ends, or becomes a stream.
async fn answer(
    socket: Watched<TcpStream>,
    peer: SocketAddr,
    router: Router,
    open: watch::Receiver<bool>,
) -> Option<Stream> {
    let takeover = Takeover::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        let (mut router, takeover) = (router.clone(), takeover.clone());
        if request.version() == Version::HTTP_11 {
            request.extensions_mut().insert(takeover.clone());
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let Ok(response) = router.call(request).await;
            if takeover.leave_with(&response) {
                // From here on the connection is not HTTP's, which is told nothing of it.
                pending::<()>().await;
            }
            Ok::<Response<Body>, Infallible>(response)
        }
    });
    let loan = Loan { socket: TokioIo::new(socket), takeover: takeover.clone() };
    let mut http = http1::Builder::new().serve_connection(loan, service).with_upgrades();
    let (mut stop, mut stopping) = (open.clone(), false);
    loop {
        let given_over = poll_fn(|context| match Pin::new(&mut http).poll(context) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => {
                takeover.given_over().map_or(Poll::Pending, |over| Poll::Ready(Some(over)))
            }
        });
        tokio::select! {
            given_over = given_over => {
                let (granted, head) = given_over?;
                let socket = http.into_parts()?.io.socket.into_inner().into_inner();
                return Some(Stream { socket, head, granted, open });
            }
            _ = stop.wait_for(|stopping| *stopping), if !stopping => {
                stopping = true;
                Pin::new(&mut http).graceful_shutdown();
            }
        }
    }
}

/// Where a request for a stream leaves what it was granted; an extension of every request whose
/// connection can be taken over, and an argument of who answers to one.
#[derive(Clone, Default)]
pub(crate) struct Takeover(Arc<Taken>);

#[derive(Default)]
struct Taken {
    granted: Mutex<Option<(Granted, Option<Bytes>)>>,
    /// Something was written that has not left yet.
    unsent: AtomicBool,
}

impl Takeover {
    /// Has the connection taken over, if the answer still says so when it comes out.
    pub(crate) fn grant(&self, stream: Granted) {
        *self.granted() = Some((stream, None));
    }

    /// Whether the connection is taken over, with this answer's head.
    fn leave_with(&self, response: &Response<Body>) -> bool {
        let mut granted = self.granted();
        if response.status() != StatusCode::OK {
            *granted = None; // somebody on the way has refused it
        }
        let Some((_, head)) = &mut *granted else { return false };
        *head = Some(encode(response));
        true
    }

    /// What there is to go on with, once all earlier answers have left.
    fn given_over(&self) -> Option<(Granted, Bytes)> {
        let mut granted = self.granted();
        let ready =
            matches!(&*granted, Some((_, Some(_)))) && !self.0.unsent.load(Ordering::Relaxed);
        let (stream, head) = granted.take_if(|_| ready)?;
        Some((stream, head?))
    }

    fn granted(&self) -> std::sync::MutexGuard<'_, Option<(Granted, Option<Bytes>)>> {
        self.0.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Takeover {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        // What is asked for with HEAD has no stream, and of another request the body may be still
        // to come.
        let is_get = parts.method == Method::GET;
        Ok(is_get.then(|| parts.extensions.get().cloned()).flatten())
    }
}

/// The head of an answer that comes in chunks, and is the connection's last.
fn encode(response: &Response<Body>) -> Bytes {
    let framing =
        |name: &&HeaderName| [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING].contains(name);
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    for (name, value) in response.headers().iter().filter(|(name, _)| !framing(name)) {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    let date = httpdate::fmt_http_date(SystemTime::now());
    head.extend_from_slice(format!("{FRAMING}date: {date}\r\n\r\n").as_bytes());
    head.into()
}

const FRAMING: &str = "transfer-encoding: chunked\r\nconnection: close\r\n";

/// A socket that is lent to HTTP, and notes whether HTTP has written all that it was told to.
struct Loan {
    socket: TokioIo<Watched<TcpStream>>,
    takeover: Takeover,
}

impl Loan {
    fn unsent(&self, unsent: bool) {
        self.takeover.0.unsent.store(unsent, Ordering::Relaxed); // of one task
    }
}

impl Read for Loan {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl Write for Loan {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unsent(true);
        Pin::new(&mut self.socket).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unsent(true);
        Pin::new(&mut self.socket).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// HTTP comes here when it has nothing left to write.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unsent(false);
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
