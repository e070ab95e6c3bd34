//! Automatic configuration: a relay is told which environments there are, and tells other relays.

mod io;
mod manager;
mod message;
mod receiver;
mod retry;
mod said;

pub use io::{StreamFault, StreamInput, StreamOutput, StreamPhase};
pub use manager::{StreamManager, StreamOptions};
pub use message::{Heard, Message, Note, Refusal, Weight};
pub use receiver::{ConfigReceiver, Strictness};
pub use retry::{Retry, WhenRefused};
