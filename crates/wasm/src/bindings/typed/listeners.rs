//! Who is told, for as long as they want to be.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

/// Being told of something. Dropped, it ends.
#[must_use = "who drops it is told nothing"]
pub struct Subscription(Option<Box<dyn FnOnce()>>);

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// Functions that want to hear of each `A`, in the order in which they came.
///
/// None is called while the list is borrowed: each may subscribe, unsubscribe, or drop the store.
pub(super) struct Listeners<A> {
    all: RefCell<BTreeMap<u64, Listener<A>>>,
    next: Cell<u64>,
}

type Listener<A> = Rc<dyn Fn(&A)>;

impl<A: 'static> Listeners<A> {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self { all: RefCell::default(), next: Cell::new(0) })
    }

    pub(super) fn subscribe(self: &Rc<Self>, listener: impl Fn(&A) + 'static) -> Subscription {
        let id = self.next.get();
        self.next.set(id + 1);
        self.all.borrow_mut().insert(id, Rc::new(listener));
        let list = Rc::downgrade(self);
        Subscription(Some(Box::new(move || {
            // Dropped after the borrow: a listener may own subscriptions itself.
            let listener = Weak::upgrade(&list).map(|list| list.all.borrow_mut().remove(&id));
            drop(listener);
        })))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.borrow().is_empty()
    }

    /// Tells those that are there now; not those that come or have gone meanwhile.
    pub(super) fn tell(&self, what: &A) {
        let ids: Vec<u64> = self.all.borrow().keys().copied().collect();
        for id in ids {
            let listener = self.all.borrow().get(&id).map(Rc::clone);
            if let Some(listener) = listener {
                listener(what);
            }
        }
    }
}
