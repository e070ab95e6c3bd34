//! Connections to receivers, to addresses that were judged.

use super::address::is_public_address;
use super::settings::Settings;
use crate::error::Error;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use hyper::Uri;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tower_service::Service;

type Pinned<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Looks up a host's addresses.
type Resolve = Arc<dyn Fn(String) -> Pinned<io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Connects to a host, or through a proxy.
///
/// The addresses that it looks up itself are judged and connected to, so that no second look-up can
/// lead elsewhere.
#[derive(Clone)]
pub(super) struct Connector {
    direct: Direct,
    proxy: Option<Uri>,
    within: Duration,
}

impl Connector {
    pub(super) fn new(settings: &Settings, only_public: bool) -> Self {
        let resolve: Resolve = Arc::new(|host| Box::pin(look_up(host)));
        let direct = Direct { only_public, resolve };
        Self { direct, proxy: settings.proxy.clone(), within: settings.connection_timeout }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("within", &self.within).finish_non_exhaustive()
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Error;
    type Future = Pinned<Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Self { mut direct, proxy, within } = self.clone();
        Box::pin(async move {
            let connecting = async {
                match proxy {
                    None => direct.call(to).await,
                    Some(proxy) => {
                        Tunnel::new(proxy, direct).call(with_port(&to)).await.map_err(|error| {
                            Error::Request(format!("the proxy: {}", told(&error)).into())
                        })
                    }
                }
            };
            in_time(within, connecting).await
        })
    }
}

/// A connector that has only so long, for all that it does.
#[derive(Clone, Debug)]
pub(super) struct Bounded<C> {
    pub(super) connector: C,
    pub(super) within: Duration,
}

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri, Error = Box<dyn core::error::Error + Send + Sync>>,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = C::Error;
    type Future = Pinned<Result<C::Response, C::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        Box::pin(in_time(self.within, self.connector.call(to)))
    }
}

/// What comes of connecting, or that there was no connection in time.
async fn in_time<T, E: From<Error>>(
    within: Duration,
    connecting: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout(within, connecting).await.unwrap_or_else(|_| {
        Err(Error::Request(format!("no connection within {within:?}").into()).into())
    })
}

/// Connects to the host itself.
#[derive(Clone)]
struct Direct {
    only_public: bool,
    resolve: Resolve,
}

impl Service<Uri> for Direct {
    type Response = TokioIo<TcpStream>;
    type Error = Error;
    type Future = Pinned<Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Self { only_public, resolve } = self.clone();
        Box::pin(async move {
            let host = to.host().unwrap_or_default().trim_matches(['[', ']']);
            let port = port(&to);
            let found = match host.parse() {
                Ok(address) => vec![address],
                Err(_) => resolve(host.to_owned()).await.unwrap_or_default(),
            };
            let Some(first) = found.first() else {
                return Err(Error::Unresolvable(host.into()));
            };
            let mut failed = Error::Blocked(first.to_string().into());
            for address in found {
                if only_public && !is_public_address(address) {
                    continue;
                }
                match TcpStream::connect(SocketAddr::new(address, port)).await {
                    Ok(socket) => {
                        // A request is written as a whole: nothing is gained by waiting for more.
                        let _ = socket.set_nodelay(true);
                        return Ok(TokioIo::new(socket));
                    }
                    Err(error) => {
                        failed = Error::Request(format!("{address} port {port}: {error}").into());
                    }
                }
            }
            Err(failed)
        })
    }
}

fn port(to: &Uri) -> u16 {
    let usual = if to.scheme_str() == Some("https") { 443 } else { 80 };
    to.port_u16().unwrap_or(usual)
}

/// A tunnel leads to port 443 otherwise.
fn with_port(to: &Uri) -> Uri {
    let named = format!("{}:{}", to.host().unwrap_or_default(), port(to)).parse();
    let mut parts = to.clone().into_parts();
    parts.authority = named.ok().or(parts.authority);
    Uri::from_parts(parts).unwrap_or_else(|_| to.clone())
}

async fn look_up(host: String) -> io::Result<Vec<IpAddr>> {
    Ok(lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
}

/// What a request failed of: an error of ours, however deep it is.
pub(super) fn cause(error: &legacy::Error) -> Error {
    let mut next: Option<&dyn core::error::Error> = Some(error);
    while let Some(error) = next {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return ours.clone();
        }
        next = error.source();
    }
    Error::Request(told(error).into())
}

/// An error and what led to it.
fn told(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A connector for which a host's addresses are these, one list for each look-up.
    fn direct(answers: &[&[&str]]) -> Direct {
        let answers: Vec<Vec<IpAddr>> =
            answers.iter().map(|list| list.iter().map(|a| a.parse().unwrap()).collect()).collect();
        let answers = Mutex::new(answers.into_iter());
        let resolve: Resolve = Arc::new(move |_| {
            let answer = answers.lock().unwrap().next().unwrap_or_default();
            Box::pin(async move { Ok(answer) })
        });
        Direct { only_public: true, resolve }
    }

    async fn connect(direct: &mut Direct, to: &'static str) -> Result<(), Error> {
        direct.call(Uri::from_static(to)).await.map(drop)
    }

    #[tokio::test]
    async fn every_look_up_is_judged() {
        let mut direct = direct(&[&["127.0.0.1"], &["fd00::1", "10.0.0.1"], &[]]);
        let blocked = |address: &str| Err(Error::Blocked(address.into()));
        assert_eq!(connect(&mut direct, "http://h.example/").await, blocked("127.0.0.1"));
        assert_eq!(connect(&mut direct, "http://h.example/").await, blocked("fd00::1"));
        let unknown = Err(Error::Unresolvable("h.example".into()));
        assert_eq!(connect(&mut direct, "http://h.example/").await, unknown);
    }

    #[tokio::test]
    async fn an_address_in_the_url_is_judged_too() {
        let mut direct = direct(&[]);
        for (to, address) in [
            ("http://127.0.0.1/x", "127.0.0.1"),
            ("http://169.254.169.254/latest", "169.254.169.254"),
            ("http://[::1]:8080/", "::1"),
            ("https://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1"),
        ] {
            assert_eq!(connect(&mut direct, to).await, Err(Error::Blocked(address.into())));
        }
    }
}
