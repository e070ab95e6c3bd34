//! How requests are made: what a stream says, then what the server says, then what we say.

use crate::duration::Period;
use crate::error::Error;
use crate::spec::{HttpOptions, HttpRetry};
use core::time::Duration;
use hyper::{StatusCode, Uri};
use regex::Regex;

/// What requests are made by.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) request_timeout: Duration,
    pub(super) connection_timeout: Duration,
    pub(super) tls_handshake_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_idle: usize,
    pub(super) proxy: Option<Uri>,
    /// Requests a second, and how many of them at once.
    pub(super) throttle: Option<(u32, u32)>,
    pub(super) retry: Option<Retry>,
}

/// Whether and when a request is made again within an attempt.
#[derive(Debug)]
pub(super) struct Retry {
    count: u32,
    initial: Duration,
    maximum: Duration,
    /// Which answers are worth it; all that are failures, without it.
    statuses: Option<Regex>,
}

/// How often it was made again, and how long to wait the next time.
pub(super) struct Again<'r> {
    retry: &'r Retry,
    made: u32,
    pause: Duration,
}

impl Settings {
    /// What merged options say, all of which have to make sense.
    pub(super) fn of(options: &HttpOptions, only_public: bool) -> Result<Self, Error> {
        positive(options.expect_continue_timeout, "http.expectContinueTimeout")?;
        let of_host = options.max_idle_conns_per_host.or(options.max_idle_conns);
        let rate = options.requests_per_second.filter(|rate| *rate > 0);
        Ok(Self {
            request_timeout: positive(options.request_timeout, "http.requestTimeout")?,
            connection_timeout: positive(options.connection_timeout, "http.connectionTimeout")?,
            tls_handshake_timeout: positive(
                options.tls_handshake_timeout,
                "http.tlsHandshakeTimeout",
            )?,
            idle_timeout: positive(options.idle_timeout, "http.idleTimeout")?,
            max_idle: of_host.unwrap_or_default() as usize,
            proxy: proxy(options, only_public)?,
            throttle: rate.map(|rate| (rate, options.burst.unwrap_or(1).max(1))),
            retry: Retry::of(&options.retry)?,
        })
    }
}

impl Retry {
    fn of(options: &HttpRetry) -> Result<Option<Self>, Error> {
        let initial = positive(options.initial_delay, "http.retryInitialDelay")?;
        let maximum = positive(options.maximum_delay, "http.retryMaximumDelay")?;
        let statuses = options.error_status_code_regex.as_deref().filter(|text| !text.is_empty());
        let compiled = statuses.map(|text| {
            Regex::new(text).map_err(|_| Error::value(text, "http.retryErrorStatusCodeRegex"))
        });
        let statuses = compiled.transpose()?;
        let count = options.count.unwrap_or_default();
        let wanted = options.enabled == Some(true) && count > 0;
        Ok(wanted.then_some(Self { count, initial, maximum, statuses }))
    }

    pub(super) fn begin(&self) -> Again<'_> {
        Again { retry: self, made: 0, pause: self.initial }
    }
}

impl Again<'_> {
    /// How long to wait before the next request; nothing if there is to be none.
    pub(super) fn pause(&mut self, status: Option<StatusCode>) -> Option<Duration> {
        let worth = match (status, &self.retry.statuses) {
            (Some(status), Some(statuses)) => statuses.is_match(status.as_str()),
            _ => true,
        };
        if !worth || self.made == self.retry.count {
            return None;
        }
        self.made += 1;
        let pause = self.pause.min(self.retry.maximum);
        self.pause = pause.saturating_mul(2);
        Some(pause)
    }
}

/// Field by field, what `own` says, or else the defaults.
pub(super) fn merged(own: &HttpOptions, defaults: &HttpOptions) -> HttpOptions {
    let (retry, others) = (&own.retry, &defaults.retry);
    HttpOptions {
        request_timeout: own.request_timeout.or(defaults.request_timeout),
        connection_timeout: own.connection_timeout.or(defaults.connection_timeout),
        idle_timeout: own.idle_timeout.or(defaults.idle_timeout),
        expect_continue_timeout: own.expect_continue_timeout.or(defaults.expect_continue_timeout),
        tls_handshake_timeout: own.tls_handshake_timeout.or(defaults.tls_handshake_timeout),
        max_idle_conns: own.max_idle_conns.or(defaults.max_idle_conns),
        max_conns_per_host: own.max_conns_per_host.or(defaults.max_conns_per_host),
        max_idle_conns_per_host: own.max_idle_conns_per_host.or(defaults.max_idle_conns_per_host),
        auth_username: own.auth_username.clone().or_else(|| defaults.auth_username.clone()),
        auth_password: own.auth_password.clone().or_else(|| defaults.auth_password.clone()),
        requests_per_second: own.requests_per_second.or(defaults.requests_per_second),
        burst: own.burst.or(defaults.burst),
        retry: HttpRetry {
            enabled: retry.enabled.or(others.enabled),
            count: retry.count.or(others.count),
            initial_delay: retry.initial_delay.or(others.initial_delay),
            maximum_delay: retry.maximum_delay.or(others.maximum_delay),
            error_status_code_regex: retry
                .error_status_code_regex
                .clone()
                .or_else(|| others.error_status_code_regex.clone()),
        },
        headers: own.headers.clone().or_else(|| defaults.headers.clone()),
        proxy_url: own.proxy_url.clone().or_else(|| defaults.proxy_url.clone()),
        http_passthrough_headers_enabled: own
            .http_passthrough_headers_enabled
            .or(defaults.http_passthrough_headers_enabled),
    }
}

/// What we say.
pub(super) fn built_in() -> HttpOptions {
    let millis = |millis| Some(Period::from_millis(millis));
    HttpOptions {
        request_timeout: millis(30_000),
        connection_timeout: millis(30_000),
        idle_timeout: millis(475),
        expect_continue_timeout: millis(1_000),
        tls_handshake_timeout: millis(10_000),
        max_idle_conns: Some(100),
        max_conns_per_host: Some(0),
        retry: HttpRetry {
            enabled: Some(false),
            count: Some(5),
            initial_delay: millis(250),
            maximum_delay: millis(30_000),
            error_status_code_regex: None,
        },
        http_passthrough_headers_enabled: Some(false),
        ..HttpOptions::default()
    }
}

/// A time that is one: without any, a receiver that hangs would hold its stream for ever.
fn positive(period: Option<Period>, field: &'static str) -> Result<Duration, Error> {
    let period = period.unwrap_or_default();
    if period > Period::default() { Ok(period.wait()) } else { Err(Error::value(period, field)) }
}

fn proxy(options: &HttpOptions, only_public: bool) -> Result<Option<Uri>, Error> {
    let Some(text) = options.proxy_url.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let bad = |why: &str| Error::BadUrl(text.into(), why.into());
    if only_public {
        return Err(bad("behind a proxy, the address of a receiver cannot be checked"));
    }
    let proxy: Uri = text.parse().map_err(|_| bad("a proxy's URL is http://host:port"))?;
    if proxy.scheme_str() != Some("http") || proxy.host().is_none() {
        return Err(bad("a proxy's URL is http://host:port"));
    }
    Ok(Some(proxy))
}
