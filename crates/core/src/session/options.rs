//! The choices that a session leaves open.

#[cfg(feature = "full")]
use crate::backoff::{Backoff, Profile};
#[cfg(feature = "full")]
use crate::materializer::MaterializerOptions;
#[cfg(feature = "full")]
use crate::protocol::Protocol;
#[cfg(feature = "full")]
use crate::time::{Duration, millis};
#[cfg(not(feature = "full"))]
pub use lean::SessionOptions;

/// The choices that a session leaves open.
#[cfg(feature = "full")]
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

/// Of these, what bounds a connection: in milliseconds, and never is the greatest number.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) idle: u64,
    pub(super) snapshot: u64,
    pub(super) connect: u64,
    pub(super) failures: u32,
}

#[cfg(feature = "full")]
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

    pub(super) fn limits(&self) -> Limits {
        Limits {
            idle: self.idle.map_or(u64::MAX, millis),
            snapshot: millis(self.snapshot_timeout),
            connect: millis(self.connect_timeout),
            failures: self.give_up_after.unwrap_or(u32::MAX),
        }
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.profile)
    }
}

/// The same as numbers only.
#[cfg(not(feature = "full"))]
#[expect(clippy::cast_sign_loss, reason = "casts saturate")]
mod lean {
    use super::Limits;
    use crate::backoff::Backoff;
    use crate::materializer::MaterializerOptions;

    /// The choices that a session leaves open, in the order in which `settings.rs` of the crate
    /// `highwater-wasm` has them; those that this module does not have stand there, too.
    #[derive(Clone, Copy)]
    pub struct SessionOptions {
        numbers: [f64; 16],
        pub(in crate::session) seed: u64,
        pub(in crate::session) materializer: MaterializerOptions,
    }

    impl SessionOptions {
        /// What is given (where that is no number, nothing is), and else what our own servers' clients
        /// do.
        pub fn of(given: impl Fn(usize) -> f64) -> Self {
            let mut numbers = STANDARD.map(f64::from);
            for (at, number) in numbers.iter_mut().enumerate() {
                let given = given(at);
                if !given.is_nan() {
                    *number = given;
                }
            }
            let materializer = MaterializerOptions { max_event_bytes: numbers[9] as usize };
            Self { numbers, seed: numbers[4].to_bits(), materializer }
        }

        pub(in crate::session) const fn limits(&self) -> Limits {
            let [idle, snapshot, connect, failures, ..] = self.numbers;
            Limits {
                idle: idle as u64,
                snapshot: snapshot as u64,
                connect: connect as u64,
                failures: failures as u32,
            }
        }

        pub(in crate::session) const fn backoff(&self) -> Backoff {
            let [.., free, factor, min, max, jitter, healthy] = self.numbers;
            Backoff::of([free, factor, min, max, jitter, healthy])
        }
    }

    const STANDARD: [f32; 16] = [
        300_000.0,
        120_000.0,
        30_000.0,
        f32::INFINITY,
        0.618_034,
        0.0,
        0.0,
        0.0,
        0.0,
        67_108_864.0,
        0.0,
        500.0,
        0.0,
        30_000.0,
        -100.0,
        10_000.0,
    ];
}
