//! Choices as numbers: one list of them crosses the boundary, checked and named in TypeScript.

use core::time::Duration;

use highwater_core::{
    Forgive, Jitter, Judge, MaterializerOptions, Profile, Protocol, Refill, SessionOptions,
};

/// Places in the list. A place that is missing or NaN means "as the protocol has it".
mod place {
    pub(super) const IDLE: usize = 0;
    pub(super) const SNAPSHOT_TIMEOUT: usize = 1;
    pub(super) const CONNECT_TIMEOUT: usize = 2;
    pub(super) const GIVE_UP_AFTER: usize = 3;
    pub(super) const SEED: usize = 4;
    pub(super) const REFILL: usize = 5;
    pub(super) const JUDGE: usize = 6;
    pub(super) const TOMBSTONE_COUNT: usize = 7;
    pub(super) const TOMBSTONE_AGE: usize = 8;
    pub(super) const MAX_EVENT_BYTES: usize = 9;
    pub(super) const PROFILE: usize = 10;
}

/// The number at each place; NaN where there is none.
pub(crate) type Numbers<'n> = &'n dyn Fn(usize) -> f64;

/// A session's choices. An idle time or a number of failures that is infinite means "never".
pub(crate) fn session(protocol: &Protocol, numbers: Numbers<'_>) -> SessionOptions {
    let mut options = SessionOptions::of(protocol);
    if let Some(idle) = at(numbers, place::IDLE) {
        options.idle = idle.is_finite().then(|| millis(idle));
    }
    if let Some(timeout) = at(numbers, place::SNAPSHOT_TIMEOUT) {
        options.snapshot_timeout = millis(timeout);
    }
    if let Some(timeout) = at(numbers, place::CONNECT_TIMEOUT) {
        options.connect_timeout = millis(timeout);
    }
    if let Some(failures) = at(numbers, place::GIVE_UP_AFTER) {
        options.give_up_after = failures.is_finite().then_some(failures as u32);
    }
    if let Some(seed) = at(numbers, place::SEED) {
        options.seed = seed.to_bits();
    }
    options.profile = profile(options.profile, &|at| numbers(place::PROFILE + at));
    options.materializer = materializer(numbers);
    options
}

/// A materializer's choices, out of the same list.
pub(crate) fn materializer(numbers: Numbers<'_>) -> MaterializerOptions {
    let mut options = MaterializerOptions::default();
    if at(numbers, place::REFILL) == Some(1.0) {
        options.refill = Refill::EmptyFirst;
    }
    if at(numbers, place::JUDGE) == Some(1.0) {
        options.judge = Judge::OnArrival;
    }
    if let Some(count) = at(numbers, place::TOMBSTONE_COUNT) {
        options.tombstones.count = count as usize;
    }
    if let Some(age) = at(numbers, place::TOMBSTONE_AGE) {
        options.tombstones.age = millis(age);
    }
    if let Some(limit) = at(numbers, place::MAX_EVENT_BYTES) {
        options.max_event_bytes = limit as usize;
    }
    options
}

/// A back-off: `[free failures, first wait, least wait, greatest wait, jitter, forgiveness]`.
///
/// Jitter is a percentage, below zero if it is taken away. Forgiveness is a connection's healthy
/// life in milliseconds, below zero for "at once when the view has moved".
pub(crate) fn profile(mut profile: Profile, numbers: Numbers<'_>) -> Profile {
    if let Some(failures) = at(numbers, 0) {
        profile.min_failures = failures as u32;
    }
    if let Some(factor) = at(numbers, 1) {
        profile.factor = millis(factor);
    }
    if let Some(min) = at(numbers, 2) {
        profile.min = millis(min);
    }
    if let Some(max) = at(numbers, 3) {
        profile.max = millis(max);
    }
    if let Some(percent) = at(numbers, 4) {
        profile.jitter = if percent < 0.0 {
            Jitter::Subtract(-percent as u32)
        } else if percent > 0.0 {
            Jitter::Add(percent as u32)
        } else {
            Jitter::None
        };
    }
    if let Some(healthy) = at(numbers, 5) {
        profile.forgive =
            if healthy < 0.0 { Forgive::Update } else { Forgive::Healthy(millis(healthy)) };
    }
    profile
}

/// The number at a place, if there is one.
fn at(numbers: Numbers<'_>, place: usize) -> Option<f64> {
    Some(numbers(place)).filter(|number| !number.is_nan())
}

pub(crate) fn millis(number: f64) -> Duration {
    // A cast of a float saturates.
    Duration::from_millis(number as u64)
}
