//! Who of a shard has something to do: told by sockets and topics, from any thread.

use core::task::{Context, Poll, Waker};
use futures_util::task::AtomicWaker;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

/// Whom a signal is for. One that is gone, or has its number from another, looks in vain.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    Stream(usize),
    Lane(usize),
}

/// The signals that have come.
#[derive(Debug, Default)]
pub(super) struct Signals {
    raised: Mutex<Vec<Mark>>,
    shard: AtomicWaker,
}

impl Signals {
    /// A waker that raises a signal.
    pub(super) fn waker(self: &Arc<Self>, mark: Mark) -> Waker {
        Arc::new(Bell { mark, signals: Arc::clone(self) }).into()
    }

    /// Waits until there are some.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        self.shard.register(context.waker());
        if self.raised().is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Those that there are, in the place of an empty list.
    pub(super) fn take(&self, list: &mut Vec<Mark>) {
        core::mem::swap(&mut *self.raised(), list);
    }

    fn raised(&self) -> std::sync::MutexGuard<'_, Vec<Mark>> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Bell {
    mark: Mark,
    signals: Arc<Signals>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.signals.raised().push(self.mark);
        self.signals.shard.wake();
    }
}
