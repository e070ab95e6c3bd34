//! The items in the order of their names, and what lately became of them.

use core::time::Duration;
use highwater::{Action, Change, Slot, State, Version, View};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// What is known of every item, by kind and key. A deleted one stays until its mark is old.
///
/// A store that distrusts its position gives its views everything anew. The rows then compare, and
/// tell only what differs.
pub(super) struct Rows {
    only: Option<Box<str>>,
    kinds: BTreeMap<Box<str>, BTreeMap<Box<str>, Row>>,
    /// What is marked, oldest first.
    marked: VecDeque<(Instant, Box<str>, Box<str>)>,
    live: usize,
    owed: bool,
}

/// One item.
pub(super) struct Row {
    /// Where it is; `None` when it is gone.
    pub(super) slot: Option<Slot>,
    pub(super) version: Version,
    /// What happened to it, for as long as that is news.
    pub(super) mark: Option<(Action, Instant)>,
    epoch: u32,
}

/// A change as it is told.
pub(super) struct Told<'a> {
    pub(super) action: Action,
    pub(super) kind: &'a str,
    pub(super) key: &'a str,
    pub(super) version: Version,
    pub(super) value: Option<&'a [u8]>,
}

impl Rows {
    /// Rows of all items, or of those of one kind.
    pub(super) fn new(only: Option<Box<str>>) -> Self {
        let (kinds, marked) = (BTreeMap::new(), VecDeque::new());
        Self { only, kinds, marked, live: 0, owed: false }
    }

    /// Takes in a transaction, and tells what it changed.
    pub(super) fn take(
        &mut self,
        changes: &[Change],
        state: &State,
        now: Instant,
        mut tell: impl FnMut(Told<'_>),
    ) {
        let owed = core::mem::take(&mut self.owed);
        if owed {
            for (kind, key, version) in self.missing(state) {
                self.mark(&kind, &key, None, version, Action::Delete, now);
                tell(Told { action: Action::Delete, kind: &kind, key: &key, version, value: None });
            }
        }
        for change in changes {
            let Some((kind, key)) = state.name(change.slot) else {
                continue;
            };
            if self.only.as_deref().is_some_and(|only| only != kind) {
                continue;
            }
            let epoch = state.epochs().get(change.slot.index()).copied().unwrap_or_default();
            let known = self.kinds.get(kind).and_then(|keys| keys.get(key));
            let known = known.filter(|row| row.slot.is_some());
            let action = match (change.action, known) {
                (Action::Insert | Action::Update, Some(row)) => {
                    let is_same = row.slot == Some(change.slot) && row.epoch == epoch;
                    if owed && is_same {
                        continue;
                    }
                    Action::Update
                }
                (Action::Insert | Action::Update, None) => Action::Insert,
                (Action::Delete, Some(_)) => Action::Delete,
                _ => continue,
            };
            let is_there = action != Action::Delete;
            let at = is_there.then_some((change.slot, epoch));
            self.mark(kind, key, at, change.version, action, now);
            let value = state.item(change.slot).map(|item| item.value);
            let value = value.filter(|_| is_there);
            tell(Told { action, kind, key, version: change.version, value });
        }
    }

    /// Forgets marks older than this, and the deleted items among them.
    pub(super) fn sweep(&mut self, age: Duration, now: Instant) {
        while let Some((at, ..)) = self.marked.front()
            && now.saturating_duration_since(*at) >= age
        {
            let Some((at, kind, key)) = self.marked.pop_front() else {
                return;
            };
            let Some(keys) = self.kinds.get_mut(&kind) else {
                continue;
            };
            let Some(row) = keys.get_mut(&key) else {
                continue;
            };
            // A later mark has an entry of its own.
            if row.mark.is_some_and(|(_, marked)| marked == at) {
                row.mark = None;
                if row.slot.is_none() {
                    keys.remove(&key);
                    if keys.is_empty() {
                        self.kinds.remove(&kind);
                    }
                }
            }
        }
    }

    /// Takes all marks away: what is there has always been there.
    pub(super) fn settle(&mut self) {
        if let Some((newest, ..)) = self.marked.back() {
            self.sweep(Duration::ZERO, *newest);
        }
    }

    /// All rows, by kind and key.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, &Row)> {
        let keys = |(kind, keys)| Iterator::zip(core::iter::repeat::<&Box<str>>(kind), keys);
        let all = self.kinds.iter().flat_map(move |kind: (_, &BTreeMap<Box<str>, Row>)| keys(kind));
        all.map(|(kind, (key, row))| (&**kind, &**key, row))
    }

    /// How many items are there.
    pub(super) const fn live(&self) -> usize {
        self.live
    }

    fn mark(
        &mut self,
        kind: &str,
        key: &str,
        at: Option<(Slot, u32)>,
        version: Version,
        action: Action,
        now: Instant,
    ) {
        match action {
            Action::Insert => self.live += 1,
            Action::Delete => self.live -= 1,
            Action::Update | Action::Noop => {}
        }
        let (slot, epoch) = at.map_or((None, 0), |(slot, epoch)| (Some(slot), epoch));
        let row = Row { slot, version, mark: Some((action, now)), epoch };
        self.marked.push_back((now, kind.into(), key.into()));
        match self.kinds.get_mut(kind) {
            Some(keys) => drop(keys.insert(key.into(), row)),
            None => drop(self.kinds.insert(kind.into(), BTreeMap::from([(key.into(), row)]))),
        }
    }

    /// The rows whose items are no longer there.
    fn missing(&self, state: &State) -> Vec<(Box<str>, Box<str>, Version)> {
        let live = self.iter().filter(|(.., row)| row.slot.is_some());
        let gone = live.filter(|(kind, key, _)| state.get(kind, key).is_none());
        gone.map(|(kind, key, row)| (kind.into(), key.into(), row.version)).collect()
    }
}

impl View for Rows {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        let is_first = self.kinds.is_empty();
        self.take(changes, state, Instant::now(), |_| {});
        if is_first {
            self.settle();
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.owed = true;
    }
}
