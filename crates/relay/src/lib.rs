//! LaunchDarkly Relay's streams: auto-config, and what SDKs connect to.
#![forbid(unsafe_code)]

mod autoconfig;
mod context;
mod credentials;
mod environment;
mod evaluation;
mod projects;
mod streams;

pub use autoconfig::{
    AutoConfig, AutoConfigOptions, AutoConfigSource, AutoConfigStatus, Cache, CacheError,
    ConfigReceiver, Heard, Message, Note, Refusal, Retry, Speaks, StreamFault, StreamInput,
    StreamManager, StreamOptions, StreamOutput, StreamPhase, Strictness, Subscription, Weight,
    WhenRefused, auto_config_router,
};
pub use context::{ContextError, EvaluationContext};
pub use credentials::{
    AutoConfigKey, Credential, EnvironmentId, MobileKey, Rotation, Rotator, SdkKey,
};
pub use environment::{
    EnvironmentParams, EnvironmentRep, ExpiringKey, FilterId, FilterKey, FilterParams, FilterRep,
    ListedKey, UnixMillis, VariantId,
};
pub use evaluation::{Audience, Evaluated, Rules};
pub use projects::{Action, EnvironmentManager, Environments, ProjectRouter, Queues};
pub use streams::{
    Collections, DuplicateKeys, EnvStreams, FlagData, FlagDataError, FlagFile, Initial, Item,
    ItemError, Items, Joined, Kind, Next, Pace, Put, Store, Stream, StreamProvider,
};
