//! The part of a list that concerns one topic.

use super::bell::Bell;
use super::channel::{Channel, Content, State};
use super::error::{PublishError, SubscriptionError};
use super::event::{Event, Payload, Subject};
use super::handle::Limit;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) struct Group<'t, P: Payload> {
    pub(super) channel: &'t Arc<Channel<P>>,
    /// The events, with their positions in the list, in order.
    events: Vec<(usize, Arc<Event<P>>)>,
    /// Which of the events each subject has, in the order of the subjects' first ones.
    subjects: Vec<(Subject, Vec<usize>)>,
    known: HashMap<Subject, usize>,
}

impl<'t, P: Payload> Group<'t, P> {
    pub(super) fn new(channel: &'t Arc<Channel<P>>) -> Self {
        Self { channel, events: Vec::new(), subjects: Vec::new(), known: HashMap::new() }
    }

    pub(super) fn add(&mut self, position: usize, event: Event<P>) -> Result<(), PublishError> {
        let subject = event.payload.subject();
        if subject == Subject::Wildcard {
            return Err(PublishError::WildcardSubject { topic: Arc::clone(&self.channel.name) });
        }
        let at = self.events.len();
        self.belongs(subject, at);
        if self.channel.wildcard {
            self.belongs(Subject::Wildcard, at);
        }
        self.events.push((position, Arc::new(event)));
        Ok(())
    }

    fn belongs(&mut self, subject: Subject, at: usize) {
        let next = self.subjects.len();
        match *self.known.entry(subject.clone()).or_insert(next) {
            known if known == next => self.subjects.push((subject, vec![at])),
            known => self.subjects[known].1.push(at),
        }
    }

    /// Whether the indexes follow on `last`, where that matters.
    pub(super) fn check(&self, mut last: u64) -> Result<(), PublishError> {
        if self.channel.options.tail.is_none() {
            return Ok(());
        }
        for (at, (_, event)) in self.events.iter().enumerate() {
            let index = event.index;
            if index < last || at == 0 && index == last {
                let topic = Arc::clone(&self.channel.name);
                return Err(PublishError::IndexRegress { topic, index, last });
            }
            last = index;
        }
        Ok(())
    }

    /// Appends what each subject has as one item of its list.
    pub(super) fn append(&self, state: &mut State<P>, bells: &mut Vec<Arc<Bell>>) {
        let Some((_, newest)) = self.events.last() else { return };
        let keeps = !self.channel.options.tail.is_none();
        let now = self.channel.now();
        for (subject, positions) in &self.subjects {
            // Without a tail, what nobody is subscribed to is nothing to anybody.
            if keeps || state.buffers.contains_key(subject) {
                let events: Vec<_> =
                    positions.iter().map(|&at| Arc::clone(&self.events[at].1)).collect();
                let bytes = events.iter().map(|event| event.payload.bytes()).sum::<usize>();
                let buffer = state.buffer(subject, keeps);
                buffer.list.append(events[0].index, Content::Events(events.into()));
                bells.push(Arc::clone(&buffer.bell));
                if keeps && let Some(snapshot) = state.snapshots.get_mut(subject) {
                    snapshot.falls_behind(bytes);
                    if snapshot.has_expired(now) {
                        state.snapshots.remove(subject);
                    }
                }
            }
        }
        if keeps {
            state.last = newest.index;
            state.reach = state.reach.max(newest.index);
            let bytes = self.events.iter().map(|(_, event)| event.payload.bytes()).sum();
            let subjects = self.subjects.iter().map(|(subject, _)| subject.clone()).collect();
            state.keep(newest.index, bytes, subjects, &self.channel.options);
        }
    }

    /// Ends the subscriptions of tokens, where in the list the close stands; before [`append`](Self::append).
    pub(super) fn close(
        &self,
        state: &State<P>,
        position: usize,
        tokens: &[Arc<str>],
        bells: &mut Vec<Arc<Bell>>,
    ) {
        let in_place = !self.channel.options.tail.is_none();
        for member in tokens.iter().filter_map(|token| state.members.get(token)) {
            for member in member.values() {
                let limit = in_place.then(|| self.limit(state, &member.subject, position));
                state.end(member, &SubscriptionError::AclChanged, limit, bells);
            }
        }
    }

    fn limit(&self, state: &State<P>, subject: &Subject, position: usize) -> Limit {
        let limit = state.limit(subject);
        let Some(&known) = self.known.get(subject) else { return limit };
        // The item that is about to be appended.
        let before = |at: &&usize| self.events[**at].0 < position;
        Limit { events: self.subjects[known].1.iter().filter(before).count(), ..limit }
    }
}
