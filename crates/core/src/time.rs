//! Time as an argument.

use core::ops::Add;
#[cfg(feature = "full")]
pub use core::time::Duration;

#[cfg(not(feature = "full"))]
pub use lean::Duration;

/// A point on the caller's clock, in milliseconds.
///
/// The core reads no clock: whoever drives it says what time it is. Any clock will do that does
/// not run backwards (`performance.now()`, `std::time::Instant`, a test's counter); only
/// differences count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// A time that does not come.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The instant `millis` milliseconds after the clock's zero.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the clock's zero.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// So many milliseconds later.
    pub(crate) const fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// For how many milliseconds it has been later than `earlier`.
    pub(crate) const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    #[inline(never)]
    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(millis(wait)))
    }
}

/// A duration in milliseconds. (`as_millis` divides 128 bits, which costs a kilobyte of code.)
#[cfg(feature = "full")]
#[inline(never)]
pub(crate) const fn millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(duration.subsec_millis() as u64)
}

#[cfg(not(feature = "full"))]
pub(crate) use lean::millis;

/// Durations that need no arithmetic to be milliseconds.
#[cfg(not(feature = "full"))]
mod lean {
    /// A time in milliseconds, in the place of the standard library's.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Duration(u64);

    impl Duration {
        pub(crate) const ZERO: Self = Self(0);

        /// So many milliseconds.
        pub const fn from_millis(millis: u64) -> Self {
            Self(millis)
        }

        /// So many milliseconds.
        pub const fn as_millis(self) -> u64 {
            self.0
        }

        pub(crate) const fn from_secs(seconds: u64) -> Self {
            Self(seconds * 1000)
        }

        pub(crate) const fn from_mins(minutes: u64) -> Self {
            Self::from_secs(minutes * 60)
        }

        pub(crate) const fn from_hours(hours: u64) -> Self {
            Self::from_mins(hours * 60)
        }

        pub(crate) const fn is_zero(self) -> bool {
            self.0 == 0
        }
    }

    pub(crate) const fn millis(duration: Duration) -> u64 {
        duration.0
    }
}
