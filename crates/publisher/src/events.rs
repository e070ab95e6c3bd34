//! The event publisher: transactions in, a subscription for each reader out.

mod bell;
mod buffer;
mod channel;
mod error;
mod event;
mod group;
mod handle;
#[cfg(all(test, loom))]
mod model;
mod publisher;
mod request;
mod snapshot;
mod subscription;
mod sync;

pub use channel::Begun;
pub use error::{PublishError, RegisterError, SnapshotError, SubscribeError, SubscriptionError};
pub use event::{Delivery, Event, Events, Payload, Publication, Subject};
pub use publisher::{BufferStatus, EventPublisher};
pub use request::{PublisherOptions, SubscribeRequest, Tail, Verdict};
pub use snapshot::{Build, Builder, Handler};
pub use subscription::{Heard, Subscription};
