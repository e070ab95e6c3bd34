//! A socket, and how far it has taken what it is sent.

use core::pin::Pin;
use core::task::{Context, Waker};
use highwater_publisher::{Progress, Window};
use std::io::{ErrorKind, IoSlice};
use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

pub(super) struct Wire {
    socket: TcpStream,
    /// Raises the stream's signal.
    waker: Waker,
    pub(super) progress: Progress,
    /// Since when it takes nothing; its signal comes when it does.
    pub(super) blocked: Option<Instant>,
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Nothing is due any more.
    All,
    /// More is due, and the socket would take it.
    Part,
    /// More is due, and the socket takes nothing.
    Blocked,
    /// Nobody is there.
    Gone,
}

impl Wire {
    pub(super) fn new(socket: TcpStream, waker: Waker) -> Self {
        Self { socket, waker, progress: Progress::default(), blocked: None }
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Sends what is due: all of it in one write, if it is not too much.
    pub(super) fn send(&mut self, window: &Window) -> Sent {
        loop {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let (count, bytes) = self.progress.due(window, &mut slices, BYTES);
            let written = match &slices[..count] {
                [] => return Sent::All,
                [one] => self.socket.try_write(one),
                many => self.socket.try_write_vectored(many),
            };
            match written {
                Ok(written) => {
                    self.progress.advance(window, written);
                    if self.progress.is_at_end(window) {
                        return Sent::All;
                    } else if written == bytes {
                        return Sent::Part;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut context = Context::from_waker(&self.waker);
                    if self.socket.poll_write_ready(&mut context).is_pending() {
                        self.blocked = Some(Instant::now());
                        return Sent::Blocked;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Sent::Gone,
            }
        }
    }

    /// Looks whether the socket takes something again.
    pub(super) fn unblock(&mut self) {
        if self.blocked.is_some() {
            let mut context = Context::from_waker(&self.waker);
            if self.socket.poll_write_ready(&mut context).is_ready() {
                self.blocked = None;
            }
        }
    }

    /// Reads past what the client still says, and tells whether it is there.
    ///
    /// Its signal comes when there is something to read, so this has to be called once at first.
    pub(super) fn is_there(&self) -> bool {
        let mut heard = [0; 512];
        for _ in 0..16 {
            if self.socket.poll_read_ready(&mut self.context()).is_pending() {
                return true;
            }
            match self.socket.try_read(&mut heard) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) if is_passing(error.kind()) => {}
                Err(_) => return false,
            }
        }
        // It talks a lot: the others first.
        self.waker.wake_by_ref();
        true
    }

    /// Ends the connection in order: what was written arrives.
    pub(super) fn shut(mut self) {
        // Of a socket it is done at once, or there is nobody to be told.
        let mut context = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.socket).poll_shutdown(&mut context);
    }
}

fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// The most that one write takes, so that nobody waits long for its turn.
const BYTES: usize = 64 << 10;
const SLICES: usize = 128;
