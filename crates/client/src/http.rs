//! Requests, and what servers answer: redirects, headers, bodies piece by piece.

mod connector;
mod head;

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use hyper::{Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use url::Url;

pub(crate) use connector::{Connector, connector};
pub(crate) use head::Head;

/// A future that has been put somewhere.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Status and body of an answer to a poll, or why there is none.
pub(crate) type Fetched = Result<(u16, Vec<u8>), Box<str>>;

/// A server's answer, as far as it has come: the body follows.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Incoming,
}

/// Where a stream is, and how to ask for it.
pub(crate) struct Http {
    client: Client<Connector, Empty<Bytes>>,
    target: Target,
}

/// What the application said of its stream.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    /// Where the state can be fetched, for protocols that ask for it.
    pub(crate) poll: Option<Url>,
    /// The application's own: not for other origins than that of the address.
    pub(crate) headers: HeaderMap,
    /// What to accept; the application may say otherwise.
    pub(crate) accept: HeaderValue,
    /// The largest answer to a poll.
    pub(crate) max_bytes: usize,
    /// How long a poll may take.
    pub(crate) poll_timeout: Duration,
}

impl Http {
    /// Needs a Tokio runtime.
    pub(crate) fn new(target: Target) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(connector());
        Self { client, target }
    }

    /// Asks for the stream. Comes back with the answer's head.
    pub(crate) async fn open(
        self: Arc<Self>,
        request: highwater_core::Request,
    ) -> Result<Answer, Box<str>> {
        let url = with_query(&self.target.url, &request.query);
        let last_event_id = request.last_event_id.as_deref().and_then(id_header);
        let response = self.get(url, &self.target.url, last_event_id).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer { head: Head::of(&parts), body })
    }

    /// Fetches the whole state from the poll address.
    pub(crate) async fn fetch(self: Arc<Self>) -> Fetched {
        let Some(url) = &self.target.poll else {
            return Err("the stream asks for a fetch, and no poll address was given".into());
        };
        let fetched = async {
            let mut response = self.get(url.clone(), url, None).await?;
            let status = response.status().as_u16();
            let mut whole = Vec::new();
            while let Some(piece) = next_piece(response.body_mut()).await {
                let piece = piece?;
                if whole.len() + piece.len() > self.target.max_bytes {
                    let limit = self.target.max_bytes;
                    return Err(format!("the fetched state is larger than {limit} bytes").into());
                }
                whole.extend_from_slice(&piece);
            }
            Ok((status, whole))
        };
        let late = |_| Err("the fetch of the state took too long".into());
        tokio::time::timeout(self.target.poll_timeout, fetched).await.unwrap_or_else(late)
    }

    /// A GET that follows redirects.
    async fn get(
        &self,
        mut url: Url,
        first: &Url,
        last_event_id: Option<HeaderValue>,
    ) -> Result<Response<Incoming>, Box<str>> {
        for _ in 0..=REDIRECTS {
            let uri: Uri = url.as_str().parse().map_err(|error| format!("{url}: {error}"))?;
            let mut request = hyper::Request::new(Empty::new());
            *request.uri_mut() = uri;
            let headers = request.headers_mut();
            headers.insert(ACCEPT, self.target.accept.clone());
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
            if url.origin() == first.origin() {
                replace(headers, &self.target.headers);
            }
            if let Some(id) = &last_event_id {
                headers.insert(LAST_EVENT_ID, id.clone());
            }
            let response = self.client.request(request).await.map_err(|error| chain(&error))?;
            match redirect(&url, &response)? {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(format!("redirected more than {REDIRECTS} times").into())
    }
}

/// The next bytes of a body. May be dropped while it waits.
pub(crate) async fn next_piece(body: &mut Incoming) -> Option<Result<Bytes, Box<str>>> {
    loop {
        match body.frame().await? {
            Ok(frame) => {
                // Trailers mean nothing here.
                if let Ok(bytes) = frame.into_data() {
                    return Some(Ok(bytes));
                }
            }
            Err(error) => return Some(Err(chain(&error))),
        }
    }
}

/// Where the answer points to, if it points elsewhere.
fn redirect(from: &Url, response: &Response<Incoming>) -> Result<Option<Url>, Box<str>> {
    let moved = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(location) = response.headers().get(LOCATION).filter(|_| moved) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(location.as_bytes());
    let next = from.join(&text).map_err(|error| format!("redirected to '{text}': {error}"))?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(format!("redirected to '{text}', which is no HTTP address").into());
    }
    Ok(Some(next))
}

/// The address with these members of its query, in place of those of the same names.
fn with_query(url: &Url, query: &[(&'static str, String)]) -> Url {
    let mut url = url.clone();
    for (name, value) in query.iter().filter(|(_, value)| value.len() <= LONGEST_ID) {
        if url.query_pairs().any(|(other, _)| other == *name) {
            let pairs = url.query_pairs().into_owned();
            let kept: Vec<(String, String)> = pairs.filter(|(other, _)| other != name).collect();
            url.query_pairs_mut().clear().extend_pairs(kept);
        }
        url.query_pairs_mut().append_pair(name, value);
    }
    url
}

/// An event id as a header: its bytes, whatever the script. An id that no server could take is
/// left out, since with it no connection would ever succeed again.
fn id_header(id: &str) -> Option<HeaderValue> {
    let fit = id.len() <= LONGEST_ID && !id.chars().any(char::is_control);
    HeaderValue::from_bytes(id.as_bytes()).ok().filter(|_| fit)
}

/// As `extend`, but a name's new values take the place of its old ones.
fn replace(headers: &mut HeaderMap, with: &HeaderMap) {
    for name in with.keys() {
        headers.remove(name);
    }
    for (name, value) in with {
        headers.append(name, value.clone());
    }
}

/// An error and its causes, on one line.
pub(crate) fn chain(error: &dyn core::error::Error) -> Box<str> {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text.into()
}

pub(crate) const AGENT: &str = concat!("highwater/", env!("CARGO_PKG_VERSION"));
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// As many as browsers follow.
const REDIRECTS: usize = 20;

/// Servers give a request's head some 8 KiB.
const LONGEST_ID: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_no_server_could_take_are_left_out() {
        assert_eq!(id_header("ü-7").unwrap().as_bytes(), "ü-7".as_bytes());
        assert_eq!(id_header("a\u{7}b"), None);
        assert_eq!(id_header("a\tb"), None);
        assert_eq!(id_header("a\u{85}b"), None);
        assert_eq!(id_header(&"x".repeat(LONGEST_ID + 1)), None);
        assert!(id_header(&"x".repeat(LONGEST_ID)).is_some());
    }

    #[test]
    fn a_query_keeps_what_the_application_wrote() {
        let url = Url::parse("http://h/s?filter=a%20b&basis=old&x").unwrap();
        let basis = |cursor: &str| with_query(&url, &[("basis", cursor.to_string())]);
        assert_eq!(basis("e.1").as_str(), "http://h/s?filter=a+b&x=&basis=e.1");
        assert_eq!(
            with_query(&url, &[("index", "3 4".to_string())]).as_str(),
            "http://h/s?filter=a%20b&basis=old&x&index=3+4"
        );
        assert_eq!(basis(&"x".repeat(LONGEST_ID + 1)), url);
    }
}
