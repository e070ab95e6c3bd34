//! From an address and choices to a store.

use core::fmt;
use core::hash::{BuildHasher as _, Hasher as _};
use std::hash::RandomState;
use std::sync::Arc;

use highwater_core::{Input, Session};
use hyper::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Handle;
use url::Url;

use crate::driver::{self, Stopping};
use crate::http::{Http, Target};
use crate::shared::Shared;
use crate::{Error, Protocol, SessionOptions, Store, View};

/// Connects to a stream of the native protocol (FDv2), such as
/// `http://127.0.0.1:7070/v1/topics/machine/stream`. For anything else there is
/// [`Store::builder`].
///
/// Returns at once; the connection is made, and made again, behind the store. Must be called
/// within a Tokio runtime.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), highwater::Error> {
/// let store = highwater::connect(serve())?;
/// store.ready().await?;
/// assert_eq!(store.len(), 2);
/// # Ok(())
/// # }
/// ```
pub fn connect(url: impl AsRef<str>) -> Result<Store, Error> {
    Store::builder(url).connect()
}

/// The choices that a store leaves open, from [`Store::builder`].
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), highwater::Error> {
/// use core::time::Duration;
/// use highwater::{Protocol, Store};
///
/// let store = Store::builder(serve())
///     .protocol(Protocol::fdv2())
///     .header("authorization", "Bearer c2VjcmV0")
///     .configure(|options| options.idle = Some(Duration::from_secs(45)))
///     .connect()?;
/// store.ready().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is connected before `connect` is called"]
pub struct Builder<V = ()> {
    url: Result<Url, Error>,
    poll: Option<Result<Url, Error>>,
    protocol: Protocol,
    view: V,
    headers: HeaderMap,
    bad_header: Option<Box<str>>,
    backlog: usize,
    configure: Vec<Configure>,
}

type Configure = Box<dyn FnOnce(&mut SessionOptions) + Send>;

impl Builder {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: address(url),
            poll: None,
            protocol: Protocol::default(),
            view: (),
            headers: HeaderMap::new(),
            bad_header: None,
            backlog: BACKLOG,
            configure: Vec::new(),
        }
    }

    /// Keeps a view of the application's own up to date as well: see [`Store::read`].
    pub fn view<V: View>(self, view: V) -> Builder<V> {
        let Self { url, poll, protocol, view: (), headers, bad_header, backlog, configure } = self;
        Builder { url, poll, protocol, view, headers, bad_header, backlog, configure }
    }
}

impl<V: View + Send + Sync + 'static> Builder<V> {
    /// The protocol that the stream speaks. Default: [`Protocol::fdv2`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sends a header with every request, such as `authorization`. The same name again adds
    /// another. A redirect to another origin is followed without the application's headers.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if add_header(&mut self.headers, name, value).is_none() {
            self.bad_header = Some(name.into());
        }
        self
    }

    /// Where the state can be fetched, for [`Protocol::ping`], whose streams say only that there
    /// is a new one.
    pub fn poll_url(mut self, url: impl AsRef<str>) -> Self {
        self.poll = Some(address(url.as_ref()));
        self
    }

    /// How many transactions a subscriber may be behind before it is told
    /// [`Lagged`](crate::Lagged); rounded up to a power of two. Default: 1,024.
    pub fn backlog(mut self, transactions: usize) -> Self {
        self.backlog = transactions.clamp(1, 1 << 20);
        self
    }

    /// Changes the session's options from what is usual for the protocol: waits, watchdog,
    /// limits, deletions remembered. (Its seed is mixed with chance.)
    pub fn configure(mut self, change: impl FnOnce(&mut SessionOptions) + Send + 'static) -> Self {
        self.configure.push(Box::new(change));
        self
    }

    /// Starts the store.
    pub fn connect(self) -> Result<Store<V>, Error> {
        if let Some(name) = self.bad_header {
            return Err(Error::Header { name });
        }
        let (url, poll) = (self.url?, self.poll.transpose()?);
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let mut options = SessionOptions::of(&self.protocol);
        for change in self.configure {
            change(&mut options);
        }
        // The keys of a hasher come from the system's source of chance.
        options.seed ^= RandomState::new().build_hasher().finish();
        let lines = matches!(self.protocol.name(), "json" | "consul");
        let accept =
            if lines { "text/event-stream, application/x-ndjson" } else { "text/event-stream" };
        let accept = self.headers.get(ACCEPT).cloned().unwrap_or(HeaderValue::from_static(accept));
        let http = Http::new(Target {
            url,
            poll,
            headers: self.headers,
            accept,
            max_bytes: options.materializer.max_event_bytes,
            poll_timeout: options.connect_timeout,
        });
        let shared =
            Arc::new(Shared::new(Session::new(self.protocol, self.view, options), self.backlog));
        shared.input(Input::Start);
        runtime.spawn(driver::run(Stopping(Arc::clone(&shared)), Arc::new(http)));
        Ok(Store::new(shared))
    }
}

impl<V> fmt::Debug for Builder<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Adds a header that is not to be shown to anybody; `None` if no request can carry it.
pub(crate) fn add_header(headers: &mut HeaderMap, name: &str, value: &str) -> Option<()> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let mut value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    value.set_sensitive(true);
    headers.append(name, value);
    Some(())
}

pub(crate) fn address(text: &str) -> Result<Url, Error> {
    let bad = |what: String| Error::Address { what: what.into() };
    let mut url = Url::parse(text).map_err(|error| bad(format!("'{text}': {error}")))?;
    url.set_fragment(None);
    match url.scheme() {
        "http" => {}
        "https" if cfg!(feature = "tls") => {}
        "https" => return Err(bad("https needs the crate's feature `tls`".into())),
        other => return Err(bad(format!("'{other}' is not http or https"))),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("credentials belong in a header, not in the address".into()));
    }
    Ok(url)
}

const BACKLOG: usize = 1024;
