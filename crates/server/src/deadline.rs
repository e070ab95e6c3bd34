//! Sockets whose reader has to take something from time to time.

use crate::app::App;
use axum::serve::Listener;
use core::future::Future as _;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// A listener whose sockets are [`Watched`].
pub(crate) struct Watching {
    listener: TcpListener,
    app: App,
}

impl Watching {
    pub(crate) fn new(listener: TcpListener, app: App) -> Self {
        Self { listener, app }
    }
}

impl Listener for Watching {
    type Io = Watched<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (socket, address) = Listener::accept(&mut self.listener).await;
        // An event is small and should leave at once, not wait for an acknowledgement.
        let _ = socket.set_nodelay(true); // a socket that is gone already tells so when it is used
        (Watched::new(socket, self.app.clone()), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A socket that breaks when what is written to it is not taken, not one byte, for too long.
///
/// The timer is there only while a write waits: an idle connection costs nothing.
pub(crate) struct Watched<T> {
    socket: T,
    app: App,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<T> Watched<T> {
    fn new(socket: T, app: App) -> Self {
        Self { socket, app, waiting: None }
    }

    fn watch(
        &mut self,
        context: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.waiting = None;
            return wrote;
        }
        let stall: Duration = self.app.settings().limits.stall;
        let timer = self.waiting.get_or_insert_with(|| Box::pin(sleep(stall)));
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.app.metrics().stalled();
        tracing::info!(?stall, "let go of a reader that takes nothing");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the reader takes nothing")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.watch(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(context, pieces);
        self.watch(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
