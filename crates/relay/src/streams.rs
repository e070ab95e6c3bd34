//! What SDKs connect to: the streams of an environment, and what they are told.
//!
//! [`Store`] has an environment's flags and segments; [`EnvStreams`] tells SDKs of them in the words
//! of each [`StreamProvider`].

mod encode;
mod env_streams;
mod flag_data;
mod provider;
mod put;
mod store;
mod stream;
#[cfg(test)]
mod tests;
mod update;

pub use env_streams::{EnvStreams, Initial, Joined};
pub use flag_data::{DuplicateKeys, FlagData, FlagDataError, FlagFile};
pub use provider::StreamProvider;
pub use put::Put;
pub use store::{Items, Store};
pub use stream::{Next, Pace, Stream};
pub use update::{Collections, Item, ItemError, Kind};
