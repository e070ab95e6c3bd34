//! The choices that a store leaves open.

use core::pin::Pin;
use std::rc::Rc;

use highwater_core::Protocol as CoreProtocol;
use js_sys::Function;

use super::error::Error;
use crate::{Protocol, SessionOptions};

/// The choices that [`Store::connect`](crate::Store::connect) leaves open.
///
/// ```no_run
/// use core::time::Duration;
/// use highwater_wasm::{Protocol, StoreOptions};
///
/// async fn token() -> Result<String, String> {
///     Ok("c2VjcmV0".into())
/// }
///
/// let options = StoreOptions::new()
///     .protocol(Protocol::named("relay").unwrap())
///     .headers(|_| async { Ok(vec![("authorization".into(), format!("Bearer {}", token().await?))]) })
///     .configure(|session| session.idle = Some(Duration::from_secs(45)))
///     .on_error(|error| eprintln!("{error}"));
/// ```
#[must_use = "nothing is connected before `Store::connect` is called"]
#[derive(Default)]
pub struct StoreOptions {
    pub(super) protocol: CoreProtocol,
    pub(super) poll: Option<String>,
    pub(super) fixed: Vec<(String, String)>,
    pub(super) asked: Option<Ask>,
    pub(super) credentials: bool,
    pub(super) fetch: Option<Function>,
    pub(super) configure: Vec<Configure>,
    pub(super) on_error: Option<OnError>,
}

/// Why headers are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeadersContext {
    /// The how-manieth connection this is since the store was last live.
    pub attempt: u32,
    /// The server has just answered 401 to the headers given before.
    pub expired: bool,
}

pub(super) type Configure = Box<dyn FnOnce(&mut SessionOptions)>;
pub(super) type OnError = Rc<dyn Fn(&Error)>;
pub(super) type Pairs = Vec<(String, String)>;
pub(super) type Asked = Pin<Box<dyn Future<Output = Result<Pairs, String>>>>;
pub(super) type Ask = Box<dyn Fn(HeadersContext) -> Asked>;

impl StoreOptions {
    /// What our own server speaks, without headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The protocol that the stream speaks. Default: `fdv2`.
    pub fn protocol(mut self, protocol: impl Into<Protocol>) -> Self {
        self.protocol = protocol.into().0;
        self
    }

    /// Where the protocol `ping`, whose streams only say that there is a new state, fetches it.
    pub fn poll_url(mut self, url: impl Into<String>) -> Self {
        self.poll = Some(url.into());
        self
    }

    /// Sends a header with every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fixed.push((name.into(), value.into()));
        self
    }

    /// Asks for headers before each attempt, and once more after a 401. Words instead of them fail
    /// the attempt.
    pub fn headers<F>(mut self, ask: impl Fn(HeadersContext) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Vec<(String, String)>, String>> + 'static,
    {
        self.asked = Some(Box::new(move |context| Box::pin(ask(context))));
        self
    }

    /// Lets cookies go along, also to other origins.
    pub const fn credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Calls this instead of the platform's `fetch`.
    pub fn fetch(mut self, fetch: Function) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// Changes the session's options from what is usual for the protocol: waits, watchdog, limits,
    /// deletions remembered. (Its seed is mixed with chance.)
    pub fn configure(mut self, change: impl FnOnce(&mut SessionOptions) + 'static) -> Self {
        self.configure.push(Box::new(change));
        self
    }

    /// Hears of each value that does not fit, once. Default: the console does.
    pub fn on_error(mut self, hear: impl Fn(&Error) + 'static) -> Self {
        self.on_error = Some(Rc::new(hear));
        self
    }
}

impl From<CoreProtocol> for Protocol {
    fn from(protocol: CoreProtocol) -> Self {
        Self(protocol)
    }
}
