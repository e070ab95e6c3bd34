//! A reader's end of a subject.

use super::bell::{Bell, Ticket};
use super::buffer::Place;
use super::channel::{Channel, Content};
use super::error::SubscriptionError;
use super::event::{Delivery, Payload, Subject};
use super::handle::{Ending, Handle, Limit};
use super::request::Verdict;
use crate::id::Epoch;
use core::future::poll_fn;
use core::task::{Context, Poll};
use std::sync::Arc;

/// What a subject's reader reads: a place in the list that all its readers share.
///
/// It has no queue. Reading takes no lock, and waits for nobody but the publisher. A reader that
/// the topic's tail does not reach any more is cut over: it is told
/// [`Delivery::NewSnapshotToFollow`], and gets a snapshot. Dropping it unsubscribes.
pub struct Subscription<P: Payload> {
    pub(super) channel: Arc<Channel<P>>,
    pub(super) subject: Subject,
    pub(super) token: Arc<str>,
    pub(super) id: u64,
    pub(super) handle: Arc<Handle>,
    pub(super) place: Place<Content<P>>,
    pub(super) bell: Arc<Bell>,
    /// Past the snapshot.
    pub(super) live: bool,
    /// The snapshot is to be announced.
    pub(super) announce: bool,
    pub(super) ticket: Option<Ticket>,
    pub(super) epoch: Epoch,
    pub(super) verdict: Verdict,
    /// The newest item of the live list that was read.
    pub(super) seen: u64,
}

/// What the subscription hears next, or why it hears nothing more.
pub type Heard<P> = Result<Delivery<P>, SubscriptionError>;

impl<P: Payload> Subscription<P> {
    /// Waits for what comes next. May be dropped and called again: nothing is lost.
    ///
    /// Where several things are ready at once, an end that acts at once comes first, then what is
    /// there to be read.
    pub async fn next(&mut self) -> Heard<P> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`next`](Self::next), for who polls.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Heard<P>> {
        self.poll(context, Self::try_next)
    }

    /// What comes next, if it is there.
    pub fn try_next(&mut self) -> Option<Heard<P>> {
        loop {
            match self.look() {
                Look::Nothing => return None,
                Look::Lapsed => {
                    if let Err(error) = self.cut_over() {
                        return Some(Err(error));
                    }
                }
                Look::Heard(heard) => return Some(heard),
            }
        }
    }

    /// Waits until [`try_next`](Self::try_next) has something.
    pub async fn ready(&mut self) {
        let wait = |this: &mut Self| this.is_ready().then_some(());
        poll_fn(|context| self.poll(context, wait)).await;
    }

    /// Gives it up; also done when it is dropped. Later calls of `next` say so, unless something
    /// else ended it before.
    pub fn unsubscribe(&mut self) {
        self.handle.end(SubscriptionError::Unsubscribed, None);
        self.leave();
    }

    /// How it began.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The life of the topic that it is of. With an index of a delivery it makes a cursor.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    pub(crate) fn token(&self) -> &Arc<str> {
        &self.token
    }

    fn leave(&mut self) {
        self.bell.leave(&mut self.ticket);
        if self.id != GONE {
            self.channel.leave(&self.token, self.id, &self.subject);
            self.id = GONE;
        }
    }

    fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        take: impl Fn(&mut Self) -> Option<T>,
    ) -> Poll<T> {
        loop {
            if let Some(taken) = take(self) {
                return Poll::Ready(taken);
            }
            self.bell.wait(&mut self.ticket, context.waker());
            // Once more: what came before the bell knew of us was not told.
            if let Some(taken) = take(self) {
                self.bell.leave(&mut self.ticket);
                return Poll::Ready(taken);
            }
            // Taking may have led on to another list, which has another bell.
            if self.ticket.is_some() {
                return Poll::Pending;
            }
        }
    }

    fn is_ready(&mut self) -> bool {
        // A splice is nothing to be heard.
        while let Some(link) = self.place.link() {
            match link.next().map(|entry| entry.content) {
                Some(Content::Splice(place, bell)) => self.go_live(place, bell),
                next => {
                    let over =
                        |ending: Ending| ending.limit.is_none_or(|limit| self.has_read_to(&limit));
                    return next.is_some()
                        || self.announce
                        || self.handle.ending().is_some_and(over);
                }
            }
        }
        true
    }

    fn look(&mut self) -> Look<P> {
        loop {
            // First what is there, then whether it is over: what was appended after the end is
            // only ever seen together with the end.
            let link = self.place.link();
            let next = link.as_ref().and_then(|link| link.next());
            let ending = self.handle.ending();
            let over = |reason| Look::Heard(Err(reason));
            let limit = match ending {
                Some(ending) if ending.limit.is_none() || link.is_none() => {
                    return over(ending.reason);
                }
                other => other.and_then(|ending| Some((ending.reason, ending.limit?))),
            };
            if link.is_none() {
                return Look::Lapsed;
            }
            if core::mem::take(&mut self.announce) {
                return Look::Heard(Ok(Delivery::NewSnapshotToFollow));
            }
            let Some(entry) = next else {
                let over_now = limit.filter(|(_, limit)| self.has_read_to(limit));
                return over_now.map_or(Look::Nothing, |(reason, _)| over(reason));
            };
            match entry.content {
                Content::Splice(place, bell) => self.go_live(place, bell),
                Content::Failed(error) => return over(SubscriptionError::Snapshot(error)),
                Content::EndOfSnapshot(index) => {
                    self.place = Place::Held(entry.link);
                    return Look::Heard(Ok(Delivery::EndOfSnapshot(index)));
                }
                Content::Events(mut events) => {
                    if let Some((reason, limit)) = limit.filter(|_| self.live) {
                        match limit.events {
                            _ if entry.ordinal < limit.ordinal => {}
                            0 => return over(reason),
                            _ if entry.ordinal > limit.ordinal => return over(reason),
                            some => events = events.iter().take(some).cloned().collect(),
                        }
                    }
                    if self.live {
                        self.seen = entry.ordinal;
                    }
                    let watched = self.live && !self.channel.options.tail.is_none();
                    self.place = Place::new(entry.link, watched);
                    return Look::Heard(Ok(Delivery::of(events)));
                }
            }
        }
    }

    /// Whether nothing that may be read is still on its way, where there is nothing to be read now.
    fn has_read_to(&self, limit: &Limit) -> bool {
        limit.events == 0 || self.seen >= limit.ordinal
    }

    fn go_live(&mut self, place: Place<Content<P>>, bell: Arc<Bell>) {
        self.bell.leave(&mut self.ticket);
        (self.place, self.bell, self.live) = (place, bell, true);
    }

    /// Begins again, with a snapshot.
    fn cut_over(&mut self) -> Result<(), SubscriptionError> {
        if self.channel.handler.is_none() {
            return Err(SubscriptionError::TooSlow);
        }
        let mut state = self.channel.state();
        let ((start, bell), build) = self.channel.snapshot(&mut state, &self.subject, &self.handle);
        drop(state);
        self.bell.leave(&mut self.ticket);
        (self.place, self.bell, self.live) = (Place::Held(start), bell, false);
        self.announce = true;
        if let Some(build) = build {
            (self.channel.builder)(build);
        }
        Ok(())
    }
}

impl<P: Payload> Drop for Subscription<P> {
    fn drop(&mut self) {
        self.leave();
    }
}

enum Look<P> {
    Nothing,
    /// The place is gone: the tail does not reach it any more.
    Lapsed,
    Heard(Heard<P>),
}

/// The id of a subscription that was given up.
const GONE: u64 = 0;
