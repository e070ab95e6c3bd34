//! A materializer in the publisher's own process: subscribed to directly, without a wire.

use crate::events::{
    Delivery, Event, EventPublisher, Payload, SubscribeError, SubscribeRequest, Subscription,
    SubscriptionError,
};
use crate::id::Epoch;
use core::fmt;
use highwater::{Class, Feed, FeedError, Waiter};
use std::sync::Arc;

/// Folds the events of a subject into a value.
pub trait Fold<P>: Send {
    /// What is made of them; cheap to clone.
    type Value;

    /// Takes in a transaction, or a whole snapshot after a [`reset`](Self::reset). A refusal has
    /// everything read anew.
    fn update(&mut self, events: &[Arc<Event<P>>]) -> Result<(), Box<Refusal>>;

    /// Forgets everything.
    fn reset(&mut self);

    /// What there is now.
    fn render(&self) -> Self::Value;
}

/// Why a fold refuses events.
pub type Refusal = dyn core::error::Error + Send + Sync;

/// Why nobody knows what a token may see.
#[derive(Debug)]
#[non_exhaustive]
pub enum AclError {
    /// There is no such token (any more): there is nothing to wait for.
    NotFound,
    /// It cannot be looked up at present.
    Unavailable(Box<dyn core::error::Error + Send + Sync>),
}

/// Keeps a [`Fold`] up with a subject, over refused resumes, closes and refreshes.
///
/// What was folded stays readable until a new snapshot is whole. Its [`run`](Self::run) is what a
/// [`QueryRequest`](highwater::QueryRequest) makes.
pub struct LocalMaterializer<P: Payload, F, A, R> {
    publisher: EventPublisher<P>,
    fold: F,
    resolve: A,
    request: R,
    waiter: Waiter,
    index: u64,
    epoch: Option<Epoch>,
}

impl<P, F, A, R> LocalMaterializer<P, F, A, R>
where
    P: Payload,
    F: Fold<P>,
    A: FnMut() -> Result<Arc<P::Authorizer>, AclError> + Send,
    R: FnMut(u64) -> SubscribeRequest + Send,
{
    /// `request` makes the request from an index, 0 for everything; `resolve` looks up what its
    /// token may see, before every subscription.
    pub fn new(
        publisher: EventPublisher<P>,
        fold: F,
        resolve: A,
        request: R,
        waiter: Waiter,
    ) -> Self {
        Self { publisher, fold, resolve, request, waiter, index: 0, epoch: None }
    }

    /// Runs until it is over: the token is gone, the topic is none, or the publisher shuts down.
    pub async fn run(mut self, feed: Feed<F::Value>) {
        loop {
            let Err(ending) = self.follow(&feed).await;
            let error = ending.into_error();
            let over = error.class == Class::Terminal;
            feed.fail(error);
            if over {
                return;
            }
            self.waiter.wait().await;
        }
    }

    /// Follows one subscription to its end.
    async fn follow(&mut self, feed: &Feed<F::Value>) -> Result<core::convert::Infallible, Ending> {
        let authorizer = (self.resolve)().map_err(Ending::Acl)?;
        let mut subscription = self.subscribe()?;
        // What has come of a snapshot that is not whole yet.
        let mut snapshot = (self.index == 0).then(Vec::new);
        loop {
            let delivery = subscription.next().await.map_err(Ending::Subscription)?;
            let Some(delivery) = delivery.readable_by(&authorizer) else { continue };
            let index = delivery.index();
            match (delivery, &mut snapshot) {
                (Delivery::NewSnapshotToFollow, pending) => *pending = Some(Vec::new()),
                (Delivery::Event(event), Some(pending)) => pending.push(event),
                (Delivery::Batch { events, .. }, Some(pending)) => {
                    pending.extend(events.iter().cloned());
                }
                (Delivery::EndOfSnapshot(_), pending) => {
                    let events = pending.take().unwrap_or_default();
                    if self.index > 0 {
                        self.fold.reset();
                    }
                    self.update(&events, index, &subscription, feed)?;
                }
                (Delivery::Event(event), None) => {
                    self.update(&[event], index, &subscription, feed)?;
                }
                (Delivery::Batch { events, .. }, None) => {
                    self.update(&events, index, &subscription, feed)?;
                }
            }
        }
    }

    fn subscribe(&mut self) -> Result<Subscription<P>, Ending> {
        let mut request = (self.request)(self.index);
        if let Some(epoch) = self.epoch.as_ref().filter(|_| self.index > 0) {
            request = request.position(epoch.as_str(), self.index);
        }
        self.publisher.subscribe(&request).map_err(Ending::Refused)
    }

    fn update(
        &mut self,
        events: &[Arc<Event<P>>],
        index: u64,
        subscription: &Subscription<P>,
        feed: &Feed<F::Value>,
    ) -> Result<(), Ending> {
        if let Err(refusal) = self.fold.update(events) {
            self.fold.reset();
            self.index = 0;
            feed.reset(self.fold.render());
            return Err(Ending::Fold(refusal));
        }
        self.index = index;
        self.epoch = Some(subscription.epoch().clone());
        self.waiter.reset();
        feed.update(index, self.fold.render());
        Ok(())
    }
}

/// Why a subscription could not be followed any further.
enum Ending {
    Acl(AclError),
    Refused(SubscribeError),
    Subscription(SubscriptionError),
    Fold(Box<Refusal>),
}

impl Ending {
    fn into_error(self) -> FeedError {
        match self {
            Self::Acl(error @ AclError::NotFound) => FeedError::new(Class::Terminal, error),
            Self::Acl(error @ AclError::Unavailable(_)) => FeedError::new(Class::Retry, error),
            Self::Refused(error) => FeedError::new(Class::Terminal, error),
            Self::Subscription(error @ SubscriptionError::ShuttingDown) => {
                FeedError::new(Class::Terminal, error)
            }
            Self::Subscription(error) => FeedError::new(Class::Retry, error),
            Self::Fold(refusal) => FeedError::new(Class::Reset, refusal),
        }
    }
}

impl fmt::Display for AclError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("the token was not found"),
            Self::Unavailable(error) => write!(f, "the token could not be looked up: {error}"),
        }
    }
}

impl core::error::Error for AclError {}
