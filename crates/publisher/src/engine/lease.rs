//! Who may do what only one may do at a time.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
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
    held: Mutex<HashMap<Arc<str>, (u64, Instant)>>,
}

impl Leases {
    /// None is held.
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, held: Mutex::default() }
    }

    /// Takes a lease if it is free; `token` has to give a greater number than ever before for this name.
    pub fn acquire<E>(
        &self,
        name: &str,
        token: impl FnOnce() -> Result<u64, E>,
    ) -> Result<Option<Lease>, E> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(name).is_some_and(|&(_, until)| Instant::now() < until) {
            return Ok(None);
        }
        let lease = Lease::new(name, token()?, self.ttl);
        held.insert(Arc::clone(&lease.name), (lease.token, Instant::now() + self.ttl));
        Ok(Some(lease))
    }

    /// See [`Engine::renew`](super::Engine::renew).
    pub fn renew(&self, lease: &Lease) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match held.get_mut(lease.name()) {
            Some((token, until)) if *token == lease.token && now < *until => {
                *until = now + self.ttl;
                true
            }
            _ => false,
        }
    }

    /// See [`Engine::release`](super::Engine::release).
    pub fn release(&self, lease: &Lease) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(lease.name()).is_some_and(|&(token, _)| token == lease.token) {
            held.remove(lease.name());
        }
    }
}
