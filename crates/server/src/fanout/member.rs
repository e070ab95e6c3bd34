//! A stream, as its shard knows it.

use super::source::{Granted, Source as From};
use super::wire::Wire;
use super::{Stream, chunk};
use crate::admission::{Load, Seat};
use crate::leave::Leave;
use crate::stream::Closing;
use bytes::Bytes;
use core::task::Waker;
use highwater_publisher::{Reader, SubscriptionError, Window};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

pub(super) struct Member {
    pub(super) wire: Wire,
    pub(super) source: Source,
    pub(super) closing: Closing,
    /// When its reader is asked to come again.
    pub(super) until: Option<Instant>,
    _seat: Seat,
    _open: watch::Receiver<bool>,
}

/// Where a stream has from what it is sent.
pub(super) enum Source {
    Own(Box<Own>),
    Lane { lane: usize, seat: usize },
}

/// What a stream reads that is not where others are.
pub(super) struct Own {
    pub(super) from: Arc<dyn From>,
    /// None if nothing comes after what is in the window.
    pub(super) reader: Option<Reader>,
    pub(super) window: Window,
    /// Held until the socket has taken the snapshot.
    _load: Option<Load>,
}

impl Member {
    /// A stream that has come; on its own at first.
    pub(super) fn new(stream: Stream, waker: Waker) -> Self {
        let Stream { socket, head, granted, open } = stream;
        let Granted { source: from, reader, greeting, until, load, closing, seat } = granted;
        let mut own = Own { from, reader: Some(reader), window: Window::default(), _load: load };
        own.window.push(0, head);
        own.push(greeting);
        Self {
            wire: Wire::new(socket, waker),
            source: Source::Own(Box::new(own)),
            closing,
            until,
            _seat: seat,
            _open: open,
        }
    }

    /// Goes on by itself, after the end of what was begun to be sent to it.
    pub(super) fn go_alone(&mut self, from: Arc<dyn From>, frames: Vec<Bytes>, reader: Reader) {
        self.closing.cut_over();
        let window = Window::default();
        let mut own = Own { from, reader: Some(reader), window, _load: None };
        own.push(frames);
        self.set(own);
    }

    /// Says goodbye, after the end of what was begun to be sent to it.
    pub(super) fn leave(&mut self, from: Arc<dyn From>, why: Leave) {
        self.closing.ends(why);
        let mut own = Own { from, reader: None, window: Window::default(), _load: None };
        own.say_goodbye(why);
        self.set(own);
    }

    fn set(&mut self, own: Own) {
        self.wire.progress.go_on_at(0);
        self.source = Source::Own(Box::new(own));
    }
}

impl Own {
    /// Adds frames, as one chunk: they stay shared.
    fn push(&mut self, frames: Vec<Bytes>) {
        let length = frames.iter().map(Bytes::len).sum();
        if length > 0 {
            let chunk = [chunk::head(length)].into_iter().chain(frames).chain([chunk::TAIL]);
            chunk.for_each(|piece| self.window.push(0, piece));
        }
    }

    fn say_goodbye(&mut self, why: Leave) {
        self.push(self.from.goodbye(why).into_iter().collect());
        self.window.push(0, chunk::LAST);
    }

    /// Ends after what it is sent already.
    pub(super) fn end(&mut self, why: Leave, closing: &mut Closing) {
        if self.reader.take().is_some() {
            closing.ends(why);
            self.say_goodbye(why);
        }
    }

    /// Reads a little more; says what there is to do next.
    pub(super) fn read(&mut self, closing: &mut Closing, wire: &Wire) -> Next {
        let Some(reader) = &mut self.reader else { return Next::End };
        match reader.take(CHUNK) {
            Ok(batch) if batch.frames.is_empty() && !batch.whole => {
                if reader.is_live() {
                    Next::Settle
                } else if reader.poll_ready(&mut wire.context()).is_ready() {
                    Next::GoOn
                } else {
                    Next::Wait
                }
            }
            Ok(batch) => {
                self.push(batch.frames);
                Next::GoOn
            }
            Err(SubscriptionError::AclChanged) => {
                self.end(Leave::Revoked, closing);
                Next::GoOn
            }
            Err(error) => {
                if let Some((frames, moved)) = self.from.rejoin(reader, &error) {
                    *reader = moved;
                    closing.cut_over();
                    self.push(frames);
                } else {
                    self.end(Leave::Revoked, closing);
                }
                Next::GoOn
            }
        }
    }
}

/// What becomes of a stream on its own that was sent all that it has read.
pub(super) enum Next {
    /// There is more.
    GoOn,
    /// Its signal comes when there is more.
    Wait,
    /// It has read all that there is.
    Settle,
    /// Nothing comes any more.
    End,
}

/// How many bytes a stream on its own reads ahead of its socket, about.
const CHUNK: usize = 64 << 10;
