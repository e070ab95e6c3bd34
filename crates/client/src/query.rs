//! Blocking queries over shared materializers.

mod entry;
mod feed;
mod http;
mod rule;
mod store;
mod updates;
mod wait;

pub use entry::{EntryStatus, QueryRequest, Run};
pub use feed::{Feed, Render};
pub use rule::{Answer, Cause, Failure, FeedError, Query, Sight};
pub use store::QueryStore;
pub use updates::Updates;
pub use wait::{Waiter, Wanted};
