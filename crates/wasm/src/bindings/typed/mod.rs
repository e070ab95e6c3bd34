//! The feature `typed`: values, options and findings that cross as types.
//!
//! For web applications in Rust there is [`Store`], which belongs to no JavaScript: values as the
//! application's own types, told of by closures, dropped to be let go of. For JavaScript there are
//! options by name ([`Session::with_options`](crate::Session::with_options)) and `inspect()`.

mod address;
mod changes;
mod error;
mod inspection;
mod listeners;
mod named;
mod options;
mod shared;
mod status;
mod store;
mod target;
mod values;

pub use changes::{ItemChange, Transaction};
pub use error::Error;
pub use highwater_core::{Action, Class, Error as Fault, Phase, SessionOptions, Version};
pub use inspection::Inspection;
pub use listeners::Subscription;
pub use named::{NamedMaterializerOptions, NamedSessionOptions};
pub use options::{HeadersContext, StoreOptions};
pub use status::Status;
pub use store::Store;
