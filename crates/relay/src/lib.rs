//! LaunchDarkly Relay's streams: auto-config, and what SDKs connect to.
#![forbid(unsafe_code)]
