//! Who may do what only one may do at a time.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The right to be the only one, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    name: Arc<str>,
    token: u64,
    ttl: Duration,
}

impl Lease {
    /// As an engine makes it.
    pub fn new(name: &str, token: u64, ttl: Duration) -> Self {
        Self { name: name.into(), token, ttl }
    }

    /// What it is the right to.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Greater than that of any holder before: the fence of an [`Append`](super::Append).
    pub fn token(&self) -> u64 {
        self.token
    }

    /// How long it lasts from when it was taken or renewed. Renew it when half is over.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }
}

/// The leases of an engine that only one process uses: who holds what is not kept beyond it.
#[derive(Debug)]
pub struct Leases {
    ttl: Duration,
    /// By name: the newest token, and until when it is held.
    held: Mutex<HashMap<Arc<str>, (u64, Instant)>>,
}

impl Leases {
    /// None is held.
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, held: Mutex::default() }
    }

    /// Whether somebody holds it.
    pub fn held(&self, name: &str) -> bool {
        self.lock().get(name).is_some_and(|&(_, until)| Instant::now() < until)
    }

    /// Takes a lease if it is free, and no greater token has been in use meanwhile.
    pub fn acquire(&self, name: &str, token: u64) -> Option<Lease> {
        let (mut held, now) = (self.lock(), Instant::now());
        if held.get(name).is_some_and(|&(newest, until)| now < until || token <= newest) {
            return None;
        }
        let lease = Lease::new(name, token, self.ttl);
        held.insert(Arc::clone(&lease.name), (token, now + self.ttl));
        Some(lease)
    }

    /// See [`Engine::renew`](super::Engine::renew).
    pub fn renew(&self, lease: &Lease) -> bool {
        self.hold(lease, self.ttl)
    }

    /// See [`Engine::release`](super::Engine::release).
    pub fn release(&self, lease: &Lease) {
        self.hold(lease, Duration::ZERO);
    }

    fn hold(&self, lease: &Lease, for_another: Duration) -> bool {
        let (mut held, now) = (self.lock(), Instant::now());
        match held.get_mut(lease.name()) {
            Some((token, until)) if *token == lease.token && now < *until => {
                *until = now + for_another;
                true
            }
            _ => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, (u64, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
