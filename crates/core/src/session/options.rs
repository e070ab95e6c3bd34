//! The choices that a session leaves open.


use crate::backoff::Profile;
use crate::materializer::MaterializerOptions;
use crate::protocol::Protocol;
use crate::time::Duration;

/// The choices that a session leaves open.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionOptions {
    /// How to wait between attempts.
    pub profile: Profile,
    /// A connection on which nothing comes for so long, comments included, is given up. `None`:
    /// never. A server that announces its heartbeats decides for itself.
    pub idle: Option<Duration>,
    /// A snapshot that has begun, or the fetch of one, must end within this.
    pub snapshot_timeout: Duration,
    /// A connection attempt must be answered within this.
    pub connect_timeout: Duration,
    /// After so many failures in a row the session stops. `None`: never.
    pub give_up_after: Option<u32>,
    /// Where chance comes from: give each session another.
    pub seed: u64,
    /// The choices of the materializer.
    pub materializer: MaterializerOptions,
}

impl SessionOptions {
    /// What the protocol's own clients do, as far as that is good.
    pub fn of(protocol: &Protocol) -> Self {
        let (profile, idle) = protocol.patience();
        Self {
            profile,
            idle: idle.map(Duration::from_secs),
            snapshot_timeout: Duration::from_mins(2),
            connect_timeout: Duration::from_secs(30),
            give_up_after: None,
            seed: 0x9e37_79b9_7f4a_7c15,
            materializer: MaterializerOptions::default(),
        }
    }
}
