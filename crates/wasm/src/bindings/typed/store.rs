//! The state of a stream as an application's own types: what a web application in Rust holds.

use core::cell::RefCell;
use core::fmt;
use core::future::poll_fn;
use std::rc::Rc;

use highwater_core::{Input, Session, Slot, State};
use serde::de::DeserializeOwned;

use super::changes::Transaction;
use super::error::Error;
use super::listeners::Subscription;
use super::options::StoreOptions;
use super::shared::Shared;
use super::status::Status;
use super::target::Target;
use crate::bindings::edge::Edge;
use crate::bindings::view::JsView;
use crate::{Phase, SessionOptions, Version};

/// The live state of one stream, whose values are read as `T`.
///
/// For web applications in Rust. A handle: clones are cheap and share everything. The connection
/// ends when the last one is dropped. Reading never waits for the network.
///
/// A stream whose kinds differ is read as an enum that serde can tell apart, or by a store for
/// each kind (our own server sends only one at `…/stream?kind=process`). Values that nobody reads
/// are not parsed, so that kinds which do not fit do no harm.
///
/// ```no_run
/// # async fn shown() -> Result<(), highwater_wasm::Error> {
/// use highwater_wasm::{Store, StoreOptions};
///
/// #[derive(serde::Deserialize)]
/// struct Process {
///     name: String,
/// }
///
/// let store = Store::<Process>::connect("/v1/topics/machine/stream", StoreOptions::new())?;
/// store.ready().await?;
/// for (pid, process) in store.entries("process") {
///     println!("{pid}: {}", process.name);
/// }
/// let again = store.clone();
/// let subscription = store.subscribe(move |transaction| {
///     for change in &transaction.changes {
///         let process = again.get(&change.kind, &change.key);
///         println!("{} {}: {:?}", change.action, change.key, process.map(|p| p.name.clone()));
///     }
/// });
/// drop(subscription); // nothing is told any more
/// # Ok(())
/// # }
/// ```
pub struct Store<T: 'static>(Rc<Handle<T>>);

impl<T: DeserializeOwned + 'static> Store<T> {
    /// Connects to the stream at this address, which may be relative to the page. Returns at once;
    /// the connection is made, and made again, behind the store.
    pub fn connect(url: &str, mut options: StoreOptions) -> Result<Self, Error> {
        let target = Target::new(url, &mut options)?;
        let StoreOptions { protocol, configure, on_error, .. } = options;
        let mut choices = SessionOptions::of(&protocol);
        for change in configure {
            change(&mut choices);
        }
        choices.seed ^= js_sys::Math::random().to_bits();
        let session = Session::new(protocol, JsView::new(None), choices);
        let shared = Shared::new(Rc::new(RefCell::new(session)), target, on_error);
        let edge = Edge::new(Rc::clone(&shared.session), Rc::<Shared<T>>::clone(&shared));
        edge.input(Input::Start);
        Ok(Self(Rc::new(Handle { shared, edge })))
    }

    /// The item's value; `None` when there is no such item, or when its value is no `T`.
    ///
    /// It is parsed when it is first read, and the same `Rc` until the item's version moves. A
    /// value that does not fit is told to [`StoreOptions::on_error`], once.
    pub fn get(&self, kind: &str, key: &str) -> Option<Rc<T>> {
        let slot = self.look(|state| state.find(kind, key))?;
        self.0.shared.value(slot)
    }

    /// All items of a kind with their keys; without those whose value is no `T`.
    pub fn entries(&self, kind: &str) -> Vec<(String, Rc<T>)> {
        let slots: Vec<Slot> = self.look(|state| state.slots(Some(kind)).collect());
        let named = slots.into_iter().filter_map(|slot| {
            let key = self.look(|state| state.name(slot).map(|(_, key)| key.to_owned()))?;
            Some((key, self.0.shared.value(slot)?))
        });
        named.collect()
    }
}

impl<T: 'static> Store<T> {
    /// The item's version; `None` when there is no such item.
    pub fn version_of(&self, kind: &str, key: &str) -> Option<Version> {
        self.look(|state| state.get(kind, key).map(|item| item.version))
    }

    /// The keys of all items of a kind, in no particular order.
    pub fn keys(&self, kind: &str) -> Vec<String> {
        self.look(|state| {
            let named = state.slots(Some(kind)).filter_map(|slot| state.name(slot));
            named.map(|(_, key)| key.to_owned()).collect()
        })
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.look(State::len)
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the store stands.
    pub fn status(&self) -> Status {
        Status::of(&self.0.shared.session.borrow())
    }

    /// Calls this once for each committed transaction, after the state has moved, until the
    /// subscription is dropped. It may do anything, dropping the store included.
    ///
    /// A closure that holds a store keeps it alive, as long as its subscription is held.
    pub fn subscribe(&self, listener: impl Fn(&Transaction) + 'static) -> Subscription {
        self.0.shared.transactions.subscribe(listener)
    }

    /// Calls this whenever the status has moved, until the subscription is dropped.
    pub fn on_status(&self, listener: impl Fn(&Status) + 'static) -> Subscription {
        self.0.shared.statuses.subscribe(listener)
    }

    /// Waits for the first whole state. Comes back at once when it was there before, also when the
    /// connection is lost now. Fails only when the store has stopped for good without one. It does
    /// not keep the store alive.
    pub fn ready(&self) -> impl Future<Output = Result<(), Error>> + use<T> {
        let shared = Rc::clone(&self.0.shared);
        poll_fn(move |context| shared.poll_ready(context))
    }

    /// Lets go of the connection for this reason. The state stays readable. With the last reason
    /// taken back by [`resume`](Self::resume), the store goes on from where it was.
    pub fn pause(&self, reason: &str) {
        self.0.edge.input(Input::Pause { reason });
    }

    /// Takes back a reason to pause.
    pub fn resume(&self, reason: &str) {
        self.0.edge.input(Input::Unpause { reason });
    }

    /// Makes a new connection now, also when a wait is on.
    pub fn reconnect(&self) {
        self.0.edge.input(Input::Reconnect);
    }

    /// Ends the stream for all handles. The state stays readable, as it is.
    pub fn close(&self) {
        self.0.close();
    }

    fn look<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(self.0.shared.session.borrow().state())
    }
}

impl<T> Clone for Store<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

/// Two handles are equal when they are of the same store: what memoised components compare.
impl<T> PartialEq for Store<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// What all clones of a store share. Dropped, it ends the stream.
struct Handle<T: 'static> {
    shared: Rc<Shared<T>>,
    edge: Rc<Edge>,
}

impl<T> Handle<T> {
    fn close(&self) {
        if self.shared.session.borrow().status().phase != Phase::Stopped {
            self.edge.input(Input::Stop);
        }
        self.edge.close();
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        self.close();
    }
}
