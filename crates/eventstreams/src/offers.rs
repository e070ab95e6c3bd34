//! Between a source and its stream: a channel that takes next to nothing while it is empty.

use crate::event::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// Events, and who waits until there is room for more.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) events: Vec<Event>,
    pub(crate) accepted: oneshot::Sender<()>,
}

/// The source's end.
#[derive(Clone, Debug)]
pub(crate) struct OfferSender(Arc<Shared>);

/// The stream's end; dropped, it takes nothing any more.
#[derive(Debug)]
pub(crate) struct OfferReceiver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// None when nobody takes them any more.
    waiting: Mutex<Option<VecDeque<Offer>>>,
    news: Notify,
}

pub(crate) fn offers() -> (OfferSender, OfferReceiver) {
    let waiting = Mutex::new(Some(VecDeque::new()));
    let shared = Arc::new(Shared { waiting, news: Notify::new() });
    (OfferSender(Arc::clone(&shared)), OfferReceiver(shared))
}

impl OfferSender {
    /// Comes back when they are accepted, or with an error when they never will be.
    pub(crate) fn send(&self, events: Vec<Event>) -> oneshot::Receiver<()> {
        let (accepted, answer) = oneshot::channel();
        if let Some(waiting) = &mut *self.0.waiting() {
            waiting.push_back(Offer { events, accepted });
            self.0.news.notify_one();
        }
        answer
    }
}

impl OfferReceiver {
    /// The next that there is; a wait that is given up loses nothing.
    pub(crate) async fn next(&self) -> Offer {
        loop {
            if let Some(offer) = self.0.waiting().as_mut().and_then(VecDeque::pop_front) {
                return offer;
            }
            self.0.news.notified().await;
        }
    }
}

impl Drop for OfferReceiver {
    fn drop(&mut self) {
        *self.0.waiting() = None;
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Option<VecDeque<Offer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
