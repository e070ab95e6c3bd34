//! A client under test: a session, its clock's alarms, and what must hold of it at every moment.

use std::collections::HashMap;

use highwater_core::{
    ConnectionId, Effect, Input, Instant, Item, Protocol, Request, Session, SessionOptions, Version,
};

use crate::mirror::{Mirror, Picture, picture};

/// An item: kind, key, version, value.
type Owned = (String, String, Version, Vec<u8>);

/// A session with the edge's bookkeeping.
pub(crate) struct Client {
    pub(crate) session: Session<Mirror>,
    pub(crate) current: Option<ConnectionId>,
    /// Connections asked for and not yet dealt with by the network.
    pub(crate) asked: Vec<Request>,
    wake: Option<Instant>,
    epochs: Vec<u32>,
    /// The items at the end of the last input, by slot.
    last: HashMap<usize, Owned>,
}

impl Client {
    pub(crate) fn new(protocol: Protocol, seed: u64, now: Instant) -> Self {
        let mut options = SessionOptions::of(&protocol);
        options.seed = seed;
        let mut client = Self {
            session: Session::new(protocol, Mirror::default(), options),
            current: None,
            asked: Vec::new(),
            wake: None,
            epochs: Vec::new(),
            last: HashMap::new(),
        };
        client.session.handle(now, Input::Start);
        client.carry_out();
        client
    }

    /// Gives the session an input, carries out what it asks for, and checks what must hold.
    pub(crate) fn input(&mut self, now: Instant, input: Input<'_>) -> Result<(), String> {
        self.session.handle(now, input);
        self.check()?;
        self.carry_out();
        Ok(())
    }

    /// Rings the alarm if it is time.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), String> {
        if self.wake.is_some_and(|at| now >= at) {
            self.wake = None;
            self.input(now, Input::Wake)?;
        }
        Ok(())
    }

    /// When the alarm will ring.
    pub(crate) const fn wake(&self) -> Option<Instant> {
        self.wake
    }

    pub(crate) fn picture(&self) -> Picture {
        picture(self.session.state())
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.session.poll() {
            match effect {
                Effect::Connect(request) => {
                    self.current = Some(request.connection);
                    self.asked.push(request);
                }
                Effect::Disconnect(id) if self.current == Some(id) => self.current = None,
                Effect::WakeAt(at) => self.wake = Some(at),
                _ => {}
            }
        }
    }

    fn check(&mut self) -> Result<(), String> {
        let state = self.session.state();
        let now = picture(state);
        if now != *self.session.materializer().view().picture() {
            return Err("the view that follows the changes differs from the state".into());
        }
        if now.len() != state.len() {
            return Err(format!("{} items are counted, {} are there", state.len(), now.len()));
        }
        let changed = self.session.materializer().changes();
        let slots: HashMap<usize, Owned> = state
            .iter()
            .map(|(slot, Item { kind, key, version, value })| {
                (slot.index(), (kind.to_owned(), key.to_owned(), version, value.to_owned()))
            })
            .collect();
        for slot in 0..state.epochs().len() {
            let (before, item) = (self.last.get(&slot), slots.get(&slot));
            let replaced = before.is_some() && before != item;
            let epoch = state.epochs()[slot];
            let moved = self.epochs.get(slot).copied().unwrap_or_default() != epoch;
            let told = changed.iter().any(|change| change.slot.index() == slot);
            // It may have changed and changed back within one input; then it has moved.
            if replaced && !moved || moved && !told || before != item && !told {
                return Err(format!(
                    "slot {slot}: {before:?} became {item:?}, epoch moved {moved}, told {told}"
                ));
            }
        }
        self.epochs = state.epochs().to_vec();
        self.last = slots;
        Ok(())
    }
}
