//! Writing to a topic of a Highwater server.

use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use url::Url;

use crate::Error;
use crate::builder::address;
use crate::http::{AGENT, Connector, Head, chain, connector, next_piece};

/// Sends transactions to one address, such as
/// `http://127.0.0.1:7070/v1/topics/flags/transactions`, over a connection that is kept.
///
/// Nothing is sent twice: who is told [`PublishError::Unheard`] decides what to do about it.
pub struct Publisher {
    client: Client<Connector, Full<Bytes>>,
    url: Url,
    headers: HeaderMap,
}

/// What a server answered, whatever it is.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 200 if the transaction was done.
    pub status: u16,
    /// When the server would have us try again.
    pub retry_after: Option<Duration>,
    /// JSON, if the answer is of a Highwater server.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// There is no connection: nothing was sent.
    Unreachable(Box<str>),
    /// The connection was lost under way: the transaction may be done or not.
    Unheard(Box<str>),
}

impl Publisher {
    /// Connects with the first transaction.
    pub fn new(url: &str) -> Result<Self, Error> {
        let client = Client::builder(TokioExecutor::new()).build(connector());
        Ok(Self { client, url: address(url)?, headers: HeaderMap::new() })
    }

    /// Sends a header with every transaction, such as `authorization`.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let pair = HeaderName::from_bytes(name.as_bytes()).ok();
        let pair = pair.zip(HeaderValue::from_bytes(value.as_bytes()).ok());
        let (name, mut value) = pair.ok_or_else(|| Error::Header { name: name.into() })?;
        value.set_sensitive(true);
        self.headers.append(name, value);
        Ok(self)
    }

    /// Posts one transaction: JSON as the server's API has it.
    pub async fn commit(&self, transaction: impl Into<Bytes>) -> Result<Reply, PublishError> {
        let mut request = Request::new(Full::new(transaction.into()));
        *request.method_mut() = Method::POST;
        let uri = self.url.as_str().parse();
        *request.uri_mut() = uri
            .map_err(|error| PublishError::Unreachable(format!("{}: {error}", self.url).into()))?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.extend(self.headers.clone());
        let response = self.client.request(request).await.map_err(|error| {
            let why = chain(&error);
            if error.is_connect() {
                PublishError::Unreachable(why)
            } else {
                PublishError::Unheard(why)
            }
        })?;
        let (parts, mut answer) = response.into_parts();
        let Head { status, retry_after, .. } = Head::of(&parts);
        let mut body = Vec::new();
        while let Some(piece) = next_piece(&mut answer).await {
            let piece = piece.map_err(PublishError::Unheard)?;
            body.extend_from_slice(&piece[..piece.len().min(LONGEST - body.len())]);
        }
        Ok(Reply { status, retry_after, body })
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("url", &self.url).finish_non_exhaustive()
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the server cannot be reached: {why}"),
            Self::Unheard(why) => {
                write!(f, "the server did not answer, and may have done it or not: {why}")
            }
        }
    }
}

impl core::error::Error for PublishError {}

/// Of an answer no more is kept.
const LONGEST: usize = 16 << 20;
