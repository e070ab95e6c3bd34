//! Streams whose sockets we write to ourselves: a transaction costs a subscriber one write, and
//! waiting costs it a place in a list.
//!
//! A request for a stream is routed, checked and logged like any other. Its answer's body is not
//! given to the HTTP library: the [connection](crate::accept) takes the socket back and hands it
//! to one of the shards, a task for each core. There
//!
//! - a stream begins on its own: the head, the intent, the snapshot or what it missed;
//! - once it has read all there is it joins a **lane**: those that read the same of a topic on the
//!   same terms. A lane has one reader, and one window of the frames that not all of its members
//!   have been sent. A member is a socket and an ordinal: nothing is queued or allocated for it;
//! - the shard goes round the members of the lanes that have news, and sends each in one vectored
//!   write everything that it lacks. Under load there is more of that, and fewer writes;
//! - a socket that takes nothing is passed over until it does. Whoever is not where the window
//!   begins any more is on its own again, with a new snapshot, once its socket takes something.
//!
//! Every few writes the shard lets others run. [`crate::plain`] says the same on the wire; it
//! serves where there is no socket to be had (another server, HTTP/2).

mod chunk;
mod lane;
mod member;
mod shard;
mod signals;
mod source;
mod wire;

use crate::app::App;
use bytes::Bytes;
use core::sync::atomic::{AtomicUsize, Ordering};
use shard::Shard;
pub(crate) use source::{Granted, Source};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

/// The shards. A clone is another handle to the same; they end when the last one is dropped.
#[derive(Clone)]
pub(crate) struct Fanout {
    shards: Arc<[mpsc::UnboundedSender<Stream>]>,
    turn: Arc<AtomicUsize>,
}

/// A stream that was asked for and granted.
pub(crate) struct Stream {
    pub(crate) socket: TcpStream,
    /// Status line and header fields.
    pub(crate) head: Bytes,
    pub(crate) granted: Granted,
    /// Dropped with the stream, so that somebody can wait for the last one.
    pub(crate) open: watch::Receiver<bool>,
}

impl Fanout {
    pub(crate) fn start(app: &App) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let start = |_| {
            let (sender, arrivals) = mpsc::unbounded_channel();
            tokio::spawn(Shard::new(app, arrivals).run());
            sender
        };
        Self { shards: (0..cores).map(start).collect(), turn: Arc::default() }
    }

    pub(crate) fn join(&self, stream: Stream) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        // A shard ends only with its runtime, and then nobody is here to hear of it.
        let _ = self.shards[turn % self.shards.len()].send(stream);
    }
}
