//! Choices as numbers: one list of them crosses the boundary, checked and named in TypeScript.

use highwater_core::{
    Duration, Forgive, Jitter, Judge, MaterializerOptions, Profile, Protocol, Refill,
    SessionOptions,
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
    time(numbers, place::SNAPSHOT_TIMEOUT, &mut options.snapshot_timeout);
    time(numbers, place::CONNECT_TIMEOUT, &mut options.connect_timeout);
    if let Some(failures) = at(numbers, place::GIVE_UP_AFTER) {
        options.give_up_after = failures.is_finite().then_some(failures as u32);
    }
    if let Some(seed) = at(numbers, place::SEED) {
        options.seed = seed.to_bits();
    }
    profile(&mut options.profile, numbers, place::PROFILE);
    materializer(&mut options.materializer, numbers);
    options
}

/// A materializer's choices, out of the same list.
pub(crate) fn materializer(options: &mut MaterializerOptions, numbers: Numbers<'_>) {
    if at(numbers, place::REFILL) == Some(1.0) {
        options.refill = Refill::EmptyFirst;
    }
    if at(numbers, place::JUDGE) == Some(1.0) {
        options.judge = Judge::OnArrival;
    }
    if let Some(count) = at(numbers, place::TOMBSTONE_COUNT) {
        options.tombstones.count = count as usize;
    }
    time(numbers, place::TOMBSTONE_AGE, &mut options.tombstones.age);
    if let Some(limit) = at(numbers, place::MAX_EVENT_BYTES) {
        options.max_event_bytes = limit as usize;
    }
}

/// A back-off, from this place on: `[free failures, first wait, least wait, greatest wait, jitter,
/// forgiveness]`.
///
/// Jitter is a percentage, below zero if it is taken away. Forgiveness is a connection's healthy
/// life in milliseconds, below zero for "at once when the view has moved".
pub(crate) fn profile(profile: &mut Profile, numbers: Numbers<'_>, place: usize) {
    if let Some(failures) = at(numbers, place) {
        profile.min_failures = failures as u32;
    }
    time(numbers, place + 1, &mut profile.factor);
    time(numbers, place + 2, &mut profile.min);
    time(numbers, place + 3, &mut profile.max);
    if let Some(percent) = at(numbers, place + 4) {
        profile.jitter = if percent < 0.0 {
            Jitter::Subtract(-percent as u32)
        } else if percent > 0.0 {
            Jitter::Add(percent as u32)
        } else {
            Jitter::None
        };
    }
    if let Some(healthy) = at(numbers, place + 5) {
        profile.forgive =
            if healthy < 0.0 { Forgive::Update } else { Forgive::Healthy(millis(healthy)) };
    }
}

/// The number at a place, if there is one.
fn at(numbers: Numbers<'_>, place: usize) -> Option<f64> {
    Some(numbers(place)).filter(|number| !number.is_nan())
}

/// The time at a place, if there is one.
fn time(numbers: Numbers<'_>, place: usize, time: &mut Duration) {
    if let Some(number) = at(numbers, place) {
        *time = millis(number);
    }
}

// In one place: a division of 64 bits, and what belongs to it.
#[inline(never)]
pub(crate) fn millis(number: f64) -> Duration {
    // A cast of a float saturates.
    Duration::from_millis(number as u64)
}
