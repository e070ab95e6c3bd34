//! The publishing half of Highwater, without I/O: a [`Topic`] takes transactions in and gives frames out.
//!
//! A topic is one life of a collection of items. Each transaction moves its index by one, is encoded
//! once into the bytes that go on the wire, and is kept in a bounded log. A [`Reader`] is a place in
//! that log: it owns no queue, and one that falls behind the log is cut over to a new snapshot.
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

mod error;
mod events;
mod frame;
mod id;
mod item;
mod object;
mod part;
mod reader;
mod topic;
mod transaction;

pub use error::{CommitError, Refusal};
pub use events::{
    Begun, BufferStatus, Build, Builder, Delivery, Event, EventPublisher, Events, Handler, Heard,
    Payload, Publication, PublishError, PublisherOptions, RegisterError, SnapshotError, Subject,
    SubscribeError, SubscribeRequest, Subscription, SubscriptionError, Tail, Verdict,
};
pub use id::{Epoch, Id, NameError};
pub use item::{Committed, Item, Options, Replacement};
pub use object::{Object, ObjectError};
pub use reader::{Batch, Joined, Joining, Reader};
pub use topic::Topic;
pub use transaction::{Change, Expect, Operation, Transaction};
