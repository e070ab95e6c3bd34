//! Lists that one writer extends and many read: each item is there once, for all of them.
//!
//! - E1: a link is filled once and never changes. Whoever holds a link finds everything that was
//!   appended after it, in order, without a lock.
//! - E2: who is woken by the bell finds the next item: it is linked before the bell is rung.
//! - E3: an item lives as long as something can reach it, and no longer.

use super::sync::Once;
use std::sync::{Arc, Weak};

/// A place in a list: what comes next, once it is there.
#[derive(Debug)]
pub(super) struct Link<T> {
    next: Once<Entry<T>>,
}

/// An item, and the place after it.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    /// The index of the item's transaction.
    pub(super) index: u64,
    /// The how-manieth item of its list this is, from 1.
    pub(super) ordinal: u64,
    pub(super) content: T,
    pub(super) link: Arc<Link<T>>,
}

impl<T> Link<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { next: Once::new() })
    }

    pub(super) fn next(&self) -> Option<Entry<T>>
    where
        T: Clone,
    {
        self.next.look(Clone::clone)
    }

    /// The place behind which the first item has a greater index, or the end of the list.
    pub(super) fn before(self: &Arc<Self>, index: u64) -> Arc<Self> {
        let mut place = Arc::clone(self);
        loop {
            let next =
                place.next.look(|entry| (entry.index <= index).then(|| Arc::clone(&entry.link)));
            match next.flatten() {
                Some(next) => place = next,
                None => return place,
            }
        }
    }
}

impl<T> Drop for Link<T> {
    /// One after the other: a long list that nobody reads any more must not exhaust the stack.
    fn drop(&mut self) {
        let mut next = self.next.take().map(|entry| entry.link);
        while let Some(mut link) = next.and_then(Arc::into_inner) {
            next = link.next.take().map(|entry| entry.link);
        }
    }
}

/// Where a reader is.
#[derive(Clone, Debug)]
pub(super) enum Place<T> {
    /// Everything after it stays until it was read.
    Held(Arc<Link<T>>),
    /// What the list's tail does not keep is gone.
    Watched(Weak<Link<T>>),
}

impl<T> Place<T> {
    pub(super) fn new(link: Arc<Link<T>>, watched: bool) -> Self {
        if watched { Self::Watched(Arc::downgrade(&link)) } else { Self::Held(link) }
    }

    pub(super) fn link(&self) -> Option<Arc<Link<T>>> {
        match self {
            Self::Held(link) => Some(Arc::clone(link)),
            Self::Watched(link) => link.upgrade(),
        }
    }
}

/// The writer's end of a list.
#[derive(Debug)]
pub(super) struct List<T> {
    /// Before the oldest item that is kept for readers to come.
    base: Arc<Link<T>>,
    /// After the newest item.
    end: Arc<Link<T>>,
    head: Option<u64>,
    ordinal: u64,
    keeps: bool,
}

impl<T: Clone> List<T> {
    /// An empty list. It keeps every item until [`List::forget`], or else only the newest one.
    pub(super) fn new(keeps: bool) -> Self {
        let end = Link::new();
        Self { base: Arc::clone(&end), end, head: None, ordinal: 0, keeps }
    }

    pub(super) fn append(&mut self, index: u64, content: T) {
        self.ordinal += 1;
        let link = Link::new();
        let entry = Entry { index, ordinal: self.ordinal, content, link: Arc::clone(&link) };
        self.end.next.set(entry);
        let before = core::mem::replace(&mut self.end, link);
        if !self.keeps {
            self.base = before;
        }
        self.head = Some(index);
    }

    /// Lets go of the items up to an index.
    pub(super) fn forget(&mut self, index: u64) {
        let base = self.base.before(index);
        self.base = base;
    }

    pub(super) fn base(&self) -> &Arc<Link<T>> {
        &self.base
    }

    pub(super) fn end(&self) -> &Arc<Link<T>> {
        &self.end
    }

    /// The index of the newest item.
    pub(super) fn head(&self) -> Option<u64> {
        self.head
    }

    /// How many items there ever were.
    pub(super) fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// Whether no item is kept.
    pub(super) fn is_empty(&self) -> bool {
        Arc::ptr_eq(&self.base, &self.end)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn read<T: Clone>(mut link: Arc<Link<T>>) -> Vec<T> {
        let mut out = Vec::new();
        while let Some(entry) = link.next() {
            out.push(entry.content);
            link = entry.link;
        }
        out
    }

    #[test]
    fn a_place_leads_to_all_that_is_appended_after_it() {
        let mut list = List::new(true);
        let start = Arc::clone(list.end());
        for n in 1..=3 {
            list.append(n, n);
        }
        let middle = start.before(1);
        assert_eq!((read(start), read(middle)), (vec![1, 2, 3], vec![2, 3]));
        assert_eq!((list.head(), list.ordinal()), (Some(3), 3));
    }

    #[test]
    fn items_go_when_nothing_reaches_them() {
        let item = |list: &List<Arc<()>>| Arc::downgrade(&list.base().next().unwrap().content);
        let mut list = List::new(true);
        let reader = Place::new(Arc::clone(list.end()), true);
        list.append(1, Arc::new(()));
        let (first, held) = (item(&list), list.base().clone());
        list.append(2, Arc::new(()));
        list.forget(1);
        assert!(first.upgrade().is_some(), "somebody still holds a place before it");
        drop(held);
        assert!(first.upgrade().is_none());
        assert!(reader.link().is_none(), "a watched place goes with what follows it");
        assert_eq!(list.base().next().unwrap().index, 2);
        list.forget(2);
        assert!(list.is_empty());
    }

    #[test]
    fn a_list_that_keeps_nothing_has_its_newest_item() {
        let mut list = List::new(false);
        list.append(1, 'a');
        list.append(2, 'b');
        assert_eq!(read(Arc::clone(list.base())), ['b']);
    }

    #[test]
    fn a_million_unread_items_cost_no_stack() {
        let mut list = List::new(true);
        for n in 0..1_000_000 {
            list.append(n, ());
        }
        drop(list);
    }
}
