//! The publishing half of Highwater, without I/O, tasks or a clock.
//!
//! - [`EventPublisher`] carries events to subscribers: topics and their subjects, transactions,
//!   snapshots that are built once for all who wait, positions to resume from, tokens. A
//!   [`Subscription`] is a place in a list that all readers of a subject share: it owns no queue,
//!   and one that falls behind the tail is cut over to a new snapshot.
//! - [`Topic`] keeps versioned items, and encodes each transaction once into the bytes that go on
//!   the wire. An event publisher carries them.
//! - A [`Feed`] is the same of frames that somebody else encodes.
//! - A [`Window`] is what many sockets are sent, each at its own [`Progress`].
//! - An [`engine::Engine`] makes transactions durable, and tells of those of others.
//! - `LocalMaterializer` (feature `local`) follows a subject in the same process.
//!
//! ```
//! use highwater_publisher::{Epoch, Id, Object, Operation, Options, Topic, Verdict};
//!
//! let mut topic = Topic::new("flags", Epoch::new("k3v9")?, Options::default());
//! let dark_mode = Id::new("flag", "dark-mode")?;
//! topic.commit([Operation::put(dark_mode.clone(), Object::parse(r#"{ "on": true }"#)?)].into())?;
//!
//! // A new reader gets everything, then follows.
//! let mut new = topic.subscribe(None, None);
//! assert_eq!(new.verdict, Verdict::Full);
//! topic.commit([Operation::delete(dark_mode)].into())?;
//! let frames = topic.read(&mut new.reader, usize::MAX).frames;
//! assert_eq!(frames.len(), 1);
//! assert!(frames[0].starts_with(b"event: delete-object\n"));
//!
//! // One that was here before gets only what it missed.
//! let back = topic.subscribe(Some("k3v9.1"), None);
//! assert_eq!(back.verdict, Verdict::Changes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(not(loom))] // Tokio has another meaning of that
pub mod engine;
mod epoch;
mod error;
mod events;
mod feed;
mod frame;
mod id;
mod item;
#[cfg(all(feature = "local", not(loom)))]
mod local;
mod object;
mod part;
mod reader;
mod topic;
mod transaction;
mod window;

pub use error::{CommitError, Refusal};
pub use events::{
    Begun, BufferStatus, Build, Builder, Delivery, Event, EventPublisher, Events, Handler, Heard,
    Payload, Publication, PublishError, PublisherOptions, RegisterError, SnapshotError, Subject,
    SubscribeError, SubscribeRequest, Subscription, SubscriptionError, Tail, Verdict,
};
pub use feed::Feed;
pub use id::{Epoch, Id, NameError};
pub use item::{Committed, Item, Options, Replacement};
#[cfg(all(feature = "local", not(loom)))]
pub use local::{AclError, Fold, LocalMaterializer, Refusal as FoldRefusal};
pub use object::{Object, ObjectError};
pub use reader::{Batch, Encoding, Joined, Joining, Reader};
pub use topic::{Replacing, Topic};
pub use transaction::{Change, Expect, Operation, Transaction};
pub use window::{Progress, Window};
