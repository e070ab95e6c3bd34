//! How those who wait at the end of a list hear that it has grown.

use super::sync::Mutex;
use core::task::Waker;
use std::collections::HashSet;
use std::sync::Arc;

/// Wakes everyone who waits, at once. It says only *that* something happened: whoever is woken
/// looks for itself, so that nothing is lost by waking late, and nothing is queued for anybody.
#[derive(Debug, Default)]
pub(super) struct Bell(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// How often the bell was rung: a place of an earlier round means nothing.
    round: u64,
    places: Vec<Option<Waker>>,
    free: Vec<usize>,
}

/// Where somebody waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    round: u64,
    place: usize,
}

impl Bell {
    /// Has `waker` woken by the next ring. Look once more afterwards: what happened before this is
    /// not told.
    pub(super) fn wait(&self, ticket: &mut Option<Ticket>, waker: &Waker) {
        let mut waiting = self.0.lock();
        if let Some(Ticket { place, .. }) = ticket.filter(|ticket| ticket.round == waiting.round) {
            match &mut waiting.places[place] {
                Some(known) => known.clone_from(waker),
                empty => *empty = Some(waker.clone()),
            }
            return;
        }
        let place = waiting.free.pop().unwrap_or(waiting.places.len());
        match waiting.places.get_mut(place) {
            Some(empty) => *empty = Some(waker.clone()),
            None => waiting.places.push(Some(waker.clone())),
        }
        *ticket = Some(Ticket { round: waiting.round, place });
    }

    /// Does not wait any more.
    pub(super) fn leave(&self, ticket: &mut Option<Ticket>) {
        let Some(Ticket { round, place }) = ticket.take() else { return };
        let mut waiting = self.0.lock();
        if round == waiting.round {
            waiting.places[place] = None;
            waiting.free.push(place);
        }
    }

    /// Wakes everyone.
    pub(super) fn ring(&self) {
        let mut waiting = self.0.lock();
        waiting.round += 1;
        waiting.free.clear();
        let woken = core::mem::take(&mut waiting.places);
        // Whoever is woken may come back at once.
        drop(waiting);
        woken.into_iter().flatten().for_each(Waker::wake);
    }
}

/// Rings each bell once.
pub(super) fn ring_all(mut bells: Vec<Arc<Bell>>) {
    let mut rung = HashSet::with_capacity(bells.len());
    bells.retain(|bell| rung.insert(Arc::as_ptr(bell)));
    for bell in bells {
        bell.ring();
    }
}
