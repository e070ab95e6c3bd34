//! Who is let in now, and who is told when to come again.

use crate::access::{Caller, Token};
use crate::error::ApiError;
use crate::limits::Limits;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use bytes::Bytes;
use core::convert::Infallible;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use futures_util::stream::unfold;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// What is left of the [`Limits`]. A clone is another handle to the same.
///
/// Whoever is refused is told a time to come again, each another one: a herd that comes at once
/// comes again spread over the time that it takes to serve it.
#[derive(Clone, Debug)]
pub(crate) struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    opens: Mutex<Bucket>,
    streams: AtomicUsize,
    snapshots: AtomicUsize,
    refused: AtomicU64,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        let opens = Mutex::new(Bucket::full(limits.opens_per_second, Instant::now()));
        Self(Arc::new(Inner {
            limits,
            opens,
            streams: AtomicUsize::new(0),
            snapshots: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }))
    }

    /// A place for a stream, as long as it is held.
    pub(crate) fn stream(&self, caller: &Caller) -> Result<Seat, ApiError> {
        let seat = self.seat(caller)?;
        let mut opens = self.0.opens.lock().unwrap_or_else(PoisonError::into_inner);
        opens
            .take(Instant::now())
            .map_err(|wait| busy("too-many-opens", "too many streams begin at once", wait))?;
        Ok(seat)
    }

    /// A place for a query that waits, or a stream that was paid for otherwise.
    pub(crate) fn seat(&self, caller: &Caller) -> Result<Seat, ApiError> {
        let Limits { streams, streams_per_token, .. } = self.0.limits;
        let token = caller.token().cloned();
        if let Some(token) = &token
            && !add(token.streams(), 1, streams_per_token)
        {
            let message = format!("this token has {streams_per_token} streams open already");
            let error = busy("too-many-streams", message, self.spread());
            return Err(error.but(StatusCode::TOO_MANY_REQUESTS));
        }
        // From here on what was added is taken back when the seat is dropped.
        let mut seat = Seat { admission: None, token };
        if !add(&self.0.streams, 1, streams) {
            let message = format!("{streams} streams are open already");
            return Err(busy("too-many-streams", message, self.spread()));
        }
        seat.admission = Some(self.clone());
        Ok(seat)
    }

    /// Leave to send a snapshot of this size, as long as it is held. One that is larger than the
    /// limit passes by itself.
    pub(crate) fn snapshot(&self, bytes: usize) -> Result<Load, ApiError> {
        let most = self.0.limits.snapshot_bytes.max(bytes);
        if !add(&self.0.snapshots, bytes, most) {
            return Err(busy(
                "too-many-snapshots",
                "too many snapshots are on their way",
                self.spread(),
            ));
        }
        Ok(Load { admission: self.clone(), bytes })
    }

    /// Streams and waiting queries now.
    pub(crate) fn streams(&self) -> usize {
        self.0.streams.load(Ordering::Relaxed)
    }

    /// Bytes of snapshots on their way now.
    pub(crate) fn snapshot_bytes(&self) -> usize {
        self.0.snapshots.load(Ordering::Relaxed)
    }

    /// One time after the other.
    fn spread(&self) -> Duration {
        let count = self.0.refused.fetch_add(1, Ordering::Relaxed);
        Duration::from_secs(1 + count % SPREAD)
    }
}

/// A place among the streams.
#[derive(Debug)]
pub(crate) struct Seat {
    admission: Option<Admission>,
    token: Option<Arc<Token>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.streams().fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(Admission(inner)) = &self.admission {
            inner.streams.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A snapshot on its way.
#[derive(Debug)]
pub(crate) struct Load {
    admission: Admission,
    bytes: usize,
}

impl Load {
    /// A body that holds the load until the socket has taken it.
    pub(crate) fn carry(self, whole: Bytes) -> Body {
        Body::from_stream(unfold((Some(whole), self), async |(whole, load)| {
            Some((Ok::<_, Infallible>(whole?), (None, load)))
        }))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.admission.0.snapshots.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Adds to a count, unless it would be more than `most`.
fn add(count: &AtomicUsize, more: usize, most: usize) -> bool {
    let sum = |now: usize| now.checked_add(more).filter(|sum| *sum <= most);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok()
}

/// So much in a second, and who has to wait for how long.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    level: f64,
    /// Who was refused and has not had the time to come again.
    queue: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: u32, at: Instant) -> Self {
        let rate = f64::from(rate);
        Self { rate, level: rate * 2.0, queue: 0.0, at }
    }

    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.level = (self.level + passed * self.rate).min(self.rate * 2.0);
        self.queue = (self.queue - passed * self.rate).max(0.0);
        if self.level >= 1.0 {
            self.level -= 1.0;
            return Ok(());
        }
        self.queue += 1.0;
        Err(Duration::from_secs_f64((self.queue / self.rate).min(LONGEST)))
    }
}

fn busy(code: &'static str, message: impl Into<String>, wait: Duration) -> ApiError {
    // Whole seconds, rounded up.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, message).with(RETRY_AFTER, seconds.into())
}

/// Seconds over which those are spread for whom nobody knows when there will be room.
const SPREAD: u64 = 10;

/// Seconds that nobody is kept away for longer.
const LONGEST: f64 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_herd_is_spread_over_the_time_that_it_takes() {
        let start = Instant::now();
        let mut bucket = Bucket::full(100, start);
        let waits: Vec<_> = (0..1200).filter_map(|_| bucket.take(start).err()).collect();
        assert_eq!(waits.len(), 1000, "two seconds' worth at first");
        assert!(waits.is_sorted());
        let within = |seconds| waits.iter().filter(|wait| wait.as_secs_f64() <= seconds).count();
        assert_eq!([within(1.0), within(5.0), within(10.0)], [100, 500, 1000]);
        // Whoever comes again when told is let in.
        for wait in waits {
            assert_eq!(bucket.take(start + wait), Ok(()));
        }
        assert!(bucket.take(start + Duration::from_secs(10)).is_err());
    }

    #[test]
    fn seats_and_loads_are_given_back() {
        let limits = Limits { streams: 2, snapshot_bytes: 100, ..Limits::default() };
        let admission = Admission::new(limits);
        let one = admission.stream(&Caller::Anybody).unwrap();
        let _two = admission.stream(&Caller::Anybody).unwrap();
        assert!(admission.stream(&Caller::Anybody).is_err());
        drop(one);
        assert!(admission.stream(&Caller::Anybody).is_ok());
        assert_eq!(admission.streams(), 1);

        let large = admission.snapshot(1000).unwrap();
        assert!(admission.snapshot(1).is_err());
        drop(large);
        let _some = admission.snapshot(60).unwrap();
        assert!(admission.snapshot(60).is_err() && admission.snapshot(40).is_ok());
        assert_eq!(admission.snapshot_bytes(), 60);
    }
}
