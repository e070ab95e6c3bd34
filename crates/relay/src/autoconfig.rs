//! Automatic configuration: a relay is told which environments there are, and tells other relays.

mod cache;
mod follow;
mod io;
mod keep;
mod log;
mod manager;
mod message;
mod receiver;
mod retry;
mod said;
mod serve;
mod source;

pub use cache::{Cache, CacheError};
pub use follow::{AutoConfig, AutoConfigOptions, AutoConfigStatus};
pub use io::{StreamFault, StreamInput, StreamOutput, StreamPhase};
pub use manager::{StreamManager, StreamOptions};
pub use message::{Heard, Message, Note, Refusal, Weight};
pub use receiver::{ConfigReceiver, Strictness};
pub use retry::{Retry, WhenRefused};
pub use serve::router as auto_config_router;
pub use source::{AutoConfigSource, Speaks, Subscription};
