//! Addresses, checked when they are given.

use js_sys::{Reflect, encode_uri_component, global};
use web_sys::Url;

use super::error::Error;

/// Where requests go.
#[derive(Clone)]
pub(super) struct Address(Url);

impl Address {
    /// An address of HTTP; relative to the page, if there is one.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let bad = |what: String| Error::Address { what: what.into() };
        let url = match base() {
            Some(base) => Url::new_with_base(text, &base),
            None => Url::new(text),
        };
        let url = url.map_err(|_| bad(format!("'{text}' is not a URL")))?;
        match &*url.protocol() {
            "http:" | "https:" => {}
            other => {
                return Err(bad(format!("'{}' is not http or https", other.trim_end_matches(':'))));
            }
        }
        if !url.username().is_empty() || !url.password().is_empty() {
            return Err(bad("credentials belong in a header, not in the address".into()));
        }
        url.set_hash("");
        Ok(Self(url))
    }

    /// The address as it is.
    pub(super) fn plain(&self) -> String {
        self.0.href()
    }

    /// The address with these names and values. What the application put there under the same
    /// names held until the stream had a position of its own.
    pub(super) fn with(&self, query: &[(&str, String)]) -> String {
        let mut href = self.0.href();
        let Ok(url) = Url::new(&href) else {
            return href;
        };
        let params = url.search_params();
        for (name, _) in query {
            // To set anything writes the application's part anew: only where there is a need.
            if params.has(name) {
                params.delete(name);
                href = url.href();
            }
        }
        // Added as text, for the same reason.
        for (name, value) in query {
            if !href.ends_with('?') {
                href.push(if href.contains('?') { '&' } else { '?' });
            }
            href.push_str(&String::from(encode_uri_component(name)));
            href.push('=');
            href.push_str(&String::from(encode_uri_component(value)));
        }
        href
    }
}

/// The page's or worker's own address.
fn base() -> Option<String> {
    let location = Reflect::get(&global(), &"location".into()).ok()?;
    Reflect::get(&location, &"href".into()).ok()?.as_string()
}
