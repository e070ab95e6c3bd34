//! LaunchDarkly Relay's streams: auto-config, and what SDKs connect to.
#![forbid(unsafe_code)]

mod autoconfig;
mod credentials;
mod environment;
mod projects;

pub use autoconfig::{
    ConfigReceiver, Heard, Message, Note, Refusal, Retry, StreamFault, StreamInput, StreamManager,
    StreamOptions, StreamOutput, StreamPhase, Strictness, Weight, WhenRefused,
};
pub use credentials::{
    AutoConfigKey, Credential, EnvironmentId, MobileKey, Rotation, Rotator, SdkKey,
};
pub use environment::{
    EnvironmentParams, EnvironmentRep, ExpiringKey, FilterId, FilterKey, FilterParams, FilterRep,
    UnixMillis, VariantId,
};
pub use projects::{Action, EnvironmentManager, ProjectRouter};
