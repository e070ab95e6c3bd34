//! The state of a stream, and how it stands: what an application holds.

use core::fmt;
use std::sync::Arc;

use highwater_core::{Input, Session, View};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::shared::Shared;
use crate::{Builder, Changes, Error, Item, Phase, State, Status, Version};

/// The live state of one stream.
///
/// A handle: clones are cheap and share everything. One task keeps the state up, and ends, with
/// its connection, when the last handle is dropped.
///
/// Reading never waits for the network. It may wait for a transaction that is just being applied.
pub struct Store<V: View = ()>(Arc<Handle<V>>);

impl Store {
    /// Prepares a store for the stream at this address.
    ///
    /// ```
    /// use highwater::{Error, Store};
    /// let wrong = Store::builder("ftp://example.org").connect();
    /// assert!(matches!(wrong, Err(Error::Address { .. })));
    /// ```
    pub fn builder(url: impl AsRef<str>) -> Builder {
        Builder::new(url.as_ref())
    }
}

impl<V: View> Store<V> {
    pub(crate) fn new(shared: Arc<Shared<V>>) -> Self {
        Self(Arc::new(Handle(shared)))
    }

    /// Waits for the first whole state. Comes back at once when it was there before, also when
    /// the connection is lost now. Fails only when the store has stopped for good without one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// let store = highwater::connect("http://127.0.0.1:9/")?; // nobody is there
    /// store.close();
    /// assert!(store.ready().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ready(&self) -> Result<(), Error> {
        let over = |status: &Status| status.synced || status.phase == Phase::Stopped;
        let mut statuses = self.statuses();
        match statuses.wait_for(over).await {
            Ok(status) if status.synced => Ok(()),
            Ok(status) => Err(Error::Stopped { fault: status.fault.clone() }),
            Err(_) => Err(Error::Stopped { fault: None }),
        }
    }

    /// The item's value, read as a `T`; `None` when there is no such item.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// # let store = highwater::connect(serve())?;
    /// # store.ready().await?;
    /// use std::collections::HashMap;
    /// let process: Option<HashMap<String, String>> = store.get("process", "1")?;
    /// assert_eq!(process.unwrap()["name"], "init");
    /// assert!(store.get::<HashMap<String, String>>("process", "7")?.is_none());
    /// assert!(store.get::<u32>("process", "1").is_err()); // says where it is no number
    /// # Ok(())
    /// # }
    /// ```
    pub fn get<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Result<Option<T>, Error> {
        self.read(|moment| moment.state().get(kind, key).map(|item| parse(&item)).transpose())
    }

    /// The item's version; `None` when there is no such item.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// # let store = highwater::connect(serve())?;
    /// # store.ready().await?;
    /// assert_eq!(store.version_of("process", "1"), Some(1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn version_of(&self, kind: &str, key: &str) -> Option<Version> {
        self.read(|moment| moment.state().get(kind, key).map(|item| item.version))
    }

    /// All items of a kind with their keys, all of one moment, in no particular order. The first
    /// value that is not a `T` ends it.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[derive(serde::Deserialize)] struct Process { name: String }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// # let store = highwater::connect(serve())?;
    /// # store.ready().await?;
    /// for (pid, process) in store.entries::<Process>("process")? {
    ///     println!("{pid}: {}", process.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn entries<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<(String, T)>, Error> {
        self.read(|moment| {
            let items = moment.state().iter().map(|(_, item)| item);
            let items = items.filter(|item| item.kind == kind);
            items.map(|item| Ok((item.key.to_string(), parse(&item)?))).collect()
        })
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.read(|moment| moment.state().len())
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks at everything as it is at one moment: items as raw JSON, the view, the cursor.
    /// Nothing moves while `look` runs, so let it be brief, and let it call no method of the store.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// # let store = highwater::connect(serve())?;
    /// # store.ready().await?;
    /// let (bytes, cursor) = store.read(|moment| {
    ///     let bytes: usize = moment.state().iter().map(|(_, item)| item.value.len()).sum();
    ///     (bytes, moment.cursor().map(str::to_owned))
    /// });
    /// assert_eq!((bytes, cursor.is_some()), (28, true));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// With a [`View`] of one's own:
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// use highwater::{Action, Change, State, Store, View};
    ///
    /// /// Counts insertions.
    /// struct Births(usize);
    ///
    /// impl View for Births {
    ///     fn update(&mut self, changes: &[Change], _: &State) -> Result<(), Box<str>> {
    ///         self.0 += changes.iter().filter(|c| c.action == Action::Insert).count();
    ///         Ok(())
    ///     }
    ///     fn reset(&mut self) {
    ///         self.0 = 0;
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// let store = Store::builder(serve()).view(Births(0)).connect()?;
    /// store.ready().await?;
    /// assert_eq!(store.read(|moment| moment.view().0), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn read<R>(&self, look: impl FnOnce(Moment<'_, V>) -> R) -> R {
        self.shared().look(|session| look(Moment { session }))
    }

    /// The transactions from now on. Ask for them before you read, and none is missed.
    pub fn changes(&self) -> Changes {
        Changes::new(self.shared().subscribe())
    }

    /// How the store stands.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// # let store = highwater::connect(serve())?;
    /// # store.ready().await?;
    /// let status = store.status();
    /// assert_eq!((status.phase.as_str(), status.resumed), ("live", Some(false)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn status(&self) -> Status {
        self.shared().status().borrow().clone()
    }

    /// The status as it moves. Only the newest is kept: nobody can be too slow.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// # let store = highwater::connect(serve())?;
    /// use highwater::Phase;
    /// let mut statuses = store.statuses();
    /// let live = statuses.wait_for(|status| status.phase == Phase::Live).await;
    /// assert!(live.is_ok_and(|status| status.len == 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn statuses(&self) -> watch::Receiver<Status> {
        self.shared().status().subscribe()
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&Session<V>) -> R) -> R {
        self.shared().look(look)
    }

    /// Lets go of the connection for this reason. The state stays readable. Reasons are counted
    /// by name: each must be taken back by [`resume`](Self::resume).
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// # let store = highwater::connect(serve())?;
    /// # store.ready().await?;
    /// store.pause("in the background");
    /// assert_eq!(store.status().phase.as_str(), "paused");
    /// store.resume("in the background"); // goes on from where it was left
    /// # Ok(())
    /// # }
    /// ```
    pub fn pause(&self, reason: &str) {
        self.shared().call(Input::Pause { reason });
    }

    /// Takes back a reason to pause. With the last one gone, the store connects.
    pub fn resume(&self, reason: &str) {
        self.shared().call(Input::Unpause { reason });
    }

    /// Makes a new connection now, also when a wait is on.
    pub fn reconnect(&self) {
        self.shared().call(Input::Reconnect);
    }

    /// Ends the stream for all handles. The state stays readable, as it is.
    pub fn close(&self) {
        self.shared().call(Input::Stop);
    }

    fn shared(&self) -> &Shared<V> {
        &self.0.0
    }
}

impl<V: View> Clone for Store<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V: View> fmt::Debug for Store<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// Everything as it is at one moment, within [`Store::read`].
pub struct Moment<'a, V = ()> {
    session: &'a Session<V>,
}

impl<'a, V: View> Moment<'a, V> {
    /// The items.
    pub const fn state(&self) -> &'a State {
        self.session.state()
    }

    /// The application's view.
    pub const fn view(&self) -> &'a V {
        self.session.materializer().view()
    }

    /// Where the stream stands.
    pub fn cursor(&self) -> Option<&'a str> {
        self.session.materializer().cursor()
    }

    /// Moves with every transaction that changed anything.
    pub const fn version(&self) -> u64 {
        self.session.state().revision()
    }
}

impl<V: View> fmt::Debug for Moment<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// What all clones of a store share. Dropped, it stops the task.
struct Handle<V: View>(Arc<Shared<V>>);

impl<V: View> Drop for Handle<V> {
    fn drop(&mut self) {
        self.0.call(Input::Stop);
    }
}

fn parse<T: DeserializeOwned>(item: &Item<'_>) -> Result<T, Error> {
    serde_json::from_slice(item.value).map_err(|cause| Error::Value {
        kind: item.kind.into(),
        key: item.key.into(),
        version: item.version,
        cause,
    })
}
