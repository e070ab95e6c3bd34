//! LaunchDarkly Relay's streams: auto-config, and what SDKs connect to.
#![forbid(unsafe_code)]

mod autoconfig;
mod credentials;
mod environment;
mod projects;

pub use autoconfig::{
    AutoConfig, AutoConfigOptions, AutoConfigSource, AutoConfigStatus, Cache, CacheError,
    ConfigReceiver, Heard, Message, Note, Refusal, Retry, Speaks, StreamFault, StreamInput,
    StreamManager, StreamOptions, StreamOutput, StreamPhase, Strictness, Subscription, Weight,
    WhenRefused, auto_config_router,
};
pub use credentials::{
    AutoConfigKey, Credential, EnvironmentId, MobileKey, Rotation, Rotator, SdkKey,
};
pub use environment::{
    EnvironmentParams, EnvironmentRep, ExpiringKey, FilterId, FilterKey, FilterParams, FilterRep,
    ListedKey, UnixMillis, VariantId,
};
pub use projects::{Action, EnvironmentManager, Environments, ProjectRouter, Queues};
