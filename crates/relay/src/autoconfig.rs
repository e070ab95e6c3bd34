//! Automatic configuration: a relay is told which environments there are, and tells other relays.

mod message;
mod receiver;
mod said;

pub use message::{Heard, Message, Note, Refusal, Weight};
pub use receiver::{ConfigReceiver, Strictness};
