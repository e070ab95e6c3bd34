//! How much the server takes on.

use clap::Args;
use core::time::Duration;
use tokio::time::Instant;

/// What a server takes on at once, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Streams and waiting queries at once.
    pub streams: usize,
    /// Streams and waiting queries at once of one token.
    pub streams_per_token: usize,
    /// Streams that may begin in a second; twice as many at first.
    pub opens_per_second: u32,
    /// Bytes of snapshots on their way to readers at once; one more is let pass if none is.
    pub snapshot_bytes: usize,
    /// Bytes of a request's head: its address and its headers.
    pub head_bytes: usize,
    /// How long a query may wait.
    pub wait: Duration,
    /// How long a stream may last before its reader is asked to come again; up to a quarter less,
    /// by chance, so that those who came together do not come again together.
    pub age: Option<Duration>,
    /// How long a reader may take nothing of what is sent to it.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: 50_000,
            streams_per_token: 10_000,
            opens_per_second: 5_000,
            snapshot_bytes: 256 << 20,
            head_bytes: 32 << 10,
            wait: Duration::from_mins(10),
            age: None,
            stall: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// When a stream that begins now is to end.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        let age = self.age?;
        // Without chance they end together, which is no fault.
        let chance = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        now.checked_add(age.mul_f64(1.0 - chance / 4.0))
    }
}

/// The same on the command line.
#[derive(Args, Clone, Debug)]
pub(crate) struct LimitArguments {
    /// Streams and waiting queries at once
    #[arg(long, default_value_t = 50_000, value_name = "COUNT")]
    max_streams: usize,
    /// Streams and waiting queries at once of one token
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    max_streams_per_token: usize,
    /// Streams that may begin in a second (twice as many at first); others are told when to come
    /// again
    #[arg(long, default_value_t = 5_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_opens_per_second: u32,
    /// Bytes of snapshots on their way to readers at once; others are told when to come again
    #[arg(long, default_value_t = 256 << 20, value_name = "BYTES")]
    max_snapshot_bytes: usize,
    /// Bytes of a request's address and headers
    #[arg(long, default_value_t = 32 << 10, value_name = "BYTES")]
    max_head: usize,
    /// Milliseconds that a query may wait
    #[arg(long, default_value_t = 600_000, value_name = "MS")]
    max_wait_ms: u64,
    /// Milliseconds after which a stream's reader is asked to come again, which costs it nothing;
    /// up to a quarter less, by chance; 0 for never
    #[arg(long, default_value_t = 0, value_name = "MS")]
    max_age_ms: u64,
    /// Milliseconds after which a reader that takes nothing is let go of
    #[arg(long, default_value_t = 30_000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    stall_ms: u64,
}

impl From<LimitArguments> for Limits {
    fn from(given: LimitArguments) -> Self {
        Self {
            streams: given.max_streams,
            streams_per_token: given.max_streams_per_token,
            opens_per_second: given.max_opens_per_second,
            snapshot_bytes: given.max_snapshot_bytes,
            head_bytes: given.max_head,
            wait: Duration::from_millis(given.max_wait_ms),
            age: (given.max_age_ms > 0).then(|| Duration::from_millis(given.max_age_ms)),
            stall: Duration::from_millis(given.stall_ms),
        }
    }
}
