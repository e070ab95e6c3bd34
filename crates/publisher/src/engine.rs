//! Where transactions are made durable, and where a publisher that starts finds them again.

mod append;
mod error;
mod lease;
mod memory;
mod record;
mod replica;
mod watch;

pub use crate::transaction::Known;
pub use append::{Append, Appended, Base, Head};
pub use error::{AppendError, Cause, Failure};
pub use lease::{Lease, Leases};
pub use memory::{Memory, MemoryOptions};
pub use record::{Place, Read, Record, Retention, Snapshot, Stored, Written};
pub use replica::{Replica, Slot};
pub use watch::{Bell, Watch};

use core::fmt;
use core::pin::Pin;

/// What an engine is asked for: a future, so that any engine can stand behind `dyn Engine`.
pub type Answer<'a, T, E = Failure> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// A durable log of transactions for each topic, with the state that they lead to.
///
/// A publisher keeps nothing that matters but caches: it begins from [`snapshot`](Self::snapshot),
/// follows with [`watch`](Self::watch) and [`read`](Self::read), and writes with
/// [`append`](Self::append). Several may share one engine, or one log behind several engines.
///
/// - **L1**: an append that was acknowledged is in the log exactly once, at the place that was told.
/// - **L2**: conditions are decided against the newest state; nothing comes between decision and append.
/// - **L3**: an append that was refused or failed changes nothing, now or later. Only
///   [`AppendError::Undecided`] leaves it open.
/// - **L4**: a place names one transaction for ever. An engine that cannot tell whether its log lost
///   something that was acknowledged, as after a backup was restored, begins another epoch.
/// - **L5**: whoever reads after an acknowledgement, through the same engine, reads at least that far.
/// - **L6**: once a topic has seen a fence, an append with a lower one is refused.
///
/// A future that is dropped gives up the answer, not the append: it may still happen.
///
/// ```
/// use highwater_publisher::engine::{Append, Engine, Memory, Read};
/// use highwater_publisher::{Id, Object, Operation};
///
/// # fn block_on<T>(future: impl Future<Output = T>) -> T {
/// #     let mut future = core::pin::pin!(future);
/// #     let mut context = core::task::Context::from_waker(core::task::Waker::noop());
/// #     loop {
/// #         if let core::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
/// #             return done;
/// #         }
/// #     }
/// # }
/// # block_on(async {
/// let engine = Memory::default();
/// let dark_mode = Id::new("flag", "dark-mode")?;
/// let put = Operation::put(dark_mode, Object::parse(r#"{"on":true}"#)?);
/// let first = engine.append("flags", Append::new([put.clone()].into())).await?;
/// engine.append("flags", Append::new([put].into())).await?;
///
/// // What came after the first.
/// let Read::Records(missed) = engine.read("flags", &first.place, usize::MAX).await? else { panic!() };
/// assert_eq!(missed[0].index, 2);
/// // What it came to.
/// let now = engine.snapshot("flags").await?.unwrap();
/// assert_eq!((now.place.index, now.items[0].version), (2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// The topics that have been written to, in no order.
    fn topics(&self) -> Answer<'_, Vec<String>>;

    /// Does all of a transaction, or nothing and says why. The first one makes the topic.
    fn append<'a>(&'a self, topic: &'a str, append: Append) -> Answer<'a, Appended, AppendError>;

    /// What was appended after a place: about `limit` bytes of it, but at least one record if there is any.
    ///
    /// A place that the log does not reach, of another epoch or of a topic that is not there, is
    /// [`Read::Gone`]: begin again from a snapshot.
    fn read<'a>(&'a self, topic: &'a str, after: &'a Place, limit: usize) -> Answer<'a, Read>;

    /// All items at one place, sorted by kind and key; `None` if there is no such topic.
    fn snapshot<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Snapshot>>;

    /// Tells of every move of a topic, whoever made it; `None` if there is no such topic.
    ///
    /// The newest place only: what was missed is read. A new epoch is told like a new index.
    fn watch<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Watch>>;

    /// Takes the lease of this name; `None` while somebody else holds it.
    ///
    /// Its token is greater than that of any holder before: as the fence of an [`Append`] it keeps
    /// out a holder that lost its lease and has not noticed.
    fn acquire<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Lease>>;

    /// Holds a lease for another [`Lease::ttl`]; `false` if it was lost.
    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, bool>;

    /// Gives a lease back, so that the next holder need not wait. One that was lost is no error.
    fn release(&self, lease: Lease) -> Answer<'_, ()>;
}
