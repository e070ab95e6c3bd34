//! The request of a stream.

use super::sign::{self, Secret};
use crate::dispatch::Attempt;
use crate::error::Error;
use crate::spec::{HttpOptions, WebhookOptions};
use crate::timestamp::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use hyper::{HeaderMap, Method, Uri};
use url::Url;

/// Everything of a request but its batch.
#[derive(Debug)]
pub(super) struct Request {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// By what deliveries are told from those of other streams.
    stream: String,
    /// Whether it says which delivery it is, and which attempt.
    numbered: bool,
    secret: Option<Secret>,
}

impl Request {
    /// What a stream's options say, with its own words for how requests are made and the server's.
    pub(super) fn new(
        options: &WebhookOptions,
        http: &HttpOptions,
        stream: &str,
    ) -> Result<Self, Error> {
        let text = options.url.as_deref().filter(|text| !text.is_empty()).ok_or(Error::NoUrl)?;
        let bad = |why: &str| Error::BadUrl(text.into(), why.into());
        let mut url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("it does not begin with http:// or https://"));
        }
        let mut headers = headers(http)?;
        if let Some(user) = &http.auth_username {
            let password = http.auth_password.as_deref().unwrap_or_default();
            headers.insert(AUTHORIZATION, basic(user, password));
        } else if !url.username().is_empty() || url.password().is_some() {
            let part = |text: &str| {
                percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
            };
            let (user, password) = (part(url.username()), part(url.password().unwrap_or_default()));
            headers.insert(AUTHORIZATION, basic(&user, &password));
        }
        // Neither goes to the receiver.
        url.set_fragment(None);
        let plain = url.set_username("").and_then(|()| url.set_password(None));
        plain.map_err(|()| bad("it has no host"))?;
        let uri = url.as_str().parse().map_err(|_| bad("it is no URL to send a request to"))?;
        let method = options.method.as_deref().filter(|m| !m.is_empty()).unwrap_or("POST");
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Error::value(method, "webhook.method"))?;
        let secret = options.signing_secret.as_deref().map(Secret::parse).transpose()?;
        let numbered = secret.is_some() || options.delivery_headers == Some(true);
        Ok(Self { method, uri, headers, stream: stream.to_owned(), numbered, secret })
    }

    /// The request that makes an attempt.
    pub(super) fn of(&self, attempt: &Attempt) -> hyper::Request<Full<Bytes>> {
        let takes_body = !matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let body = if takes_body { attempt.batch.message("", None) } else { String::new() };
        let mut headers = self.headers.clone();
        if self.numbered {
            let id = sign::delivery(&self.stream, &attempt.batch);
            if let Some(secret) = &self.secret {
                let now = Timestamp::now();
                let signature = secret.signature(&id, now, body.as_bytes());
                headers.insert(TIMESTAMP, sign::seconds(now).into());
                headers.insert(SIGNATURE, plain(&signature));
            }
            headers.insert(ID, plain(&id));
            headers.insert(ATTEMPT, (attempt.number + 1).into());
        }
        let mut request = hyper::Request::new(Full::new(body.into()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

/// The header fields that a stream asks for, and those that every request has.
fn headers(http: &HttpOptions) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("highwater/", env!("CARGO_PKG_VERSION"))),
    );
    for (name, value) in http.headers.iter().flatten() {
        // What is no text never was a header field.
        let Some(value) = value.as_str() else { continue };
        let bad = || Error::value(name, "http.headers");
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE].contains(&key) {
            return Err(bad()); // how a request is sent is not for it to say
        }
        headers.insert(key, HeaderValue::from_str(value).map_err(|_| bad())?);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(headers)
}

fn basic(user: &str, password: &str) -> HeaderValue {
    let mut value = plain(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    value.set_sensitive(true);
    value
}

/// Letters, digits and what base64 has beside them.
fn plain(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ASCII without control characters is legal in a header")
}

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const ATTEMPT: HeaderName = HeaderName::from_static("webhook-attempt");
