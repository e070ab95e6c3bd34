//! LaunchDarkly Relay's streams: auto-config, and what SDKs connect to.
#![forbid(unsafe_code)]

mod credentials;
mod environment;
mod projects;

pub use credentials::{AutoConfigKey, Credential, EnvironmentId, MobileKey, SdkKey};
pub use environment::{
    EnvironmentParams, EnvironmentRep, ExpiringKey, FilterId, FilterKey, FilterParams, FilterRep,
    UnixMillis, VariantId,
};
pub use projects::Action;
