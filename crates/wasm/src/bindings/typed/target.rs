//! Where a store's requests go, and what they carry.

use js_sys::futures::future_to_promise;
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array, global};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{AbortSignal, Headers, RequestCache, RequestCredentials, RequestInit, Response};

use super::address::Address;
use super::error::Error;
use super::options::{Ask, HeadersContext, StoreOptions};

/// Where requests go, and what they carry.
pub(super) struct Target {
    address: Address,
    poll: Option<Address>,
    fixed: Vec<(String, String)>,
    asked: Option<Ask>,
    credentials: bool,
    fetch: Option<Function>,
}

impl Target {
    /// What the options say; what no request can carry is refused at once.
    pub(super) fn new(url: &str, options: &mut StoreOptions) -> Result<Self, Error> {
        let fixed = core::mem::take(&mut options.fixed);
        let headers = Headers::new().map_err(|_| Error::Header { name: Box::default() })?;
        for (name, value) in &fixed {
            headers.append(name, value).map_err(|_| Error::Header { name: (**name).into() })?;
        }
        Ok(Self {
            address: Address::parse(url)?,
            poll: options.poll.take().map(|url| Address::parse(&url)).transpose()?,
            fixed,
            asked: options.asked.take(),
            credentials: options.credentials,
            fetch: options.fetch.take(),
        })
    }

    pub(super) const fn credentials(&self) -> bool {
        self.credentials
    }

    pub(super) const fn renews(&self) -> bool {
        self.asked.is_some()
    }

    pub(super) fn address(&self, query: &[(&str, String)]) -> String {
        self.address.with(query)
    }

    pub(super) fn init(&self) -> RequestInit {
        let init = RequestInit::new();
        init.set_cache(RequestCache::NoStore);
        if self.credentials {
            init.set_credentials(RequestCredentials::Include);
        }
        init
    }

    pub(super) fn headers(self: &Rc<Self>, attempt: u32, expired: bool) -> Promise {
        let this = Rc::clone(self);
        future_to_promise(async move { Ok(this.ask(attempt, expired).await?.into()) })
    }

    pub(super) fn fetch(&self, url: &str, init: &Object) -> Result<Promise, JsValue> {
        let (of, url) = (global(), JsValue::from_str(url));
        let answer = match &self.fetch {
            Some(fetch) => fetch.call2(&JsValue::UNDEFINED, &url, init)?,
            // Looked up when it is called: whoever replaces the global one later is heard.
            None => Reflect::get(&of, &"fetch".into())?
                .dyn_into::<Function>()
                .map_err(|_| "there is no fetch here")?
                .call2(&of, &url, init)?,
        };
        Ok(Promise::resolve(&answer))
    }

    /// The state from the poll address: its status and body.
    pub(super) fn poll(self: &Rc<Self>, signal: &AbortSignal) -> Promise {
        let (this, signal) = (Rc::clone(self), signal.clone());
        future_to_promise(async move {
            let mut response = this.poll_once(&signal, false).await?;
            if response.status() == 401 && this.renews() {
                response = this.poll_once(&signal, true).await?;
            }
            let body: JsValue = response.array_buffer()?.await?;
            Ok(Array::of2(&response.status().into(), &Uint8Array::new(&body)).into())
        })
    }

    async fn poll_once(&self, signal: &AbortSignal, expired: bool) -> Result<Response, JsValue> {
        let address = self.poll.as_ref().ok_or("StoreOptions::poll_url was not called")?;
        let init = self.init();
        let headers = self.ask(1, expired).await?;
        init.set_headers(&headers);
        init.set_signal(Some(signal));
        Ok(self.fetch(&address.plain(), &init)?.await?.unchecked_into())
    }

    async fn ask(&self, attempt: u32, expired: bool) -> Result<Headers, JsValue> {
        let headers = Headers::new()?;
        for (name, value) in &self.fixed {
            headers.append(name, value)?;
        }
        if let Some(ask) = &self.asked {
            let asked = ask(HeadersContext { attempt, expired }).await;
            for (name, value) in asked.map_err(|what| format!("no headers: {what}"))? {
                headers
                    .append(&name, &value)
                    .map_err(|_| format!("no request can carry the header '{name}'"))?;
            }
        }
        Ok(headers)
    }
}

/// What an exception says.
pub(super) fn words(error: &JsValue) -> String {
    if let Some(error) = error.dyn_ref::<js_sys::Error>() {
        return String::from(error.to_string());
    }
    error.as_string().unwrap_or_else(|| format!("{error:?}"))
}
