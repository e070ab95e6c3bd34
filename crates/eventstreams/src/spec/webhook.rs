//! How a stream goes to a URL.

use crate::duration::Period;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The part of a stream that concerns its webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebhookOptions {
    /// Where batches are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The method, sent as it is written; `POST` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Which of the server's TLS configurations is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_config_name: Option<String>,
    /// How requests are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpOptions>,
    /// Whether requests say which delivery they are of, and which attempt at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_headers: Option<bool>,
    /// The secret that requests are signed with; never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
}

/// How requests are made. What a stream leaves out is as the server's defaults have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpOptions {
    /// How long a request may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<Period>,
    /// How long it may take to connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_timeout: Option<Period>,
    /// How long a connection is kept that has nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Period>,
    /// How long to wait for leave to send a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect_continue_timeout: Option<Period>,
    /// How long a TLS handshake may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_handshake_timeout: Option<Period>,
    /// How many connections are kept that have nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_idle_conns: Option<u32>,
    /// How many connections a host may have; no limit if 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_conns_per_host: Option<u32>,
    /// How many connections are kept for a host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_idle_conns_per_host: Option<u32>,
    /// The user of basic authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_username: Option<String>,
    /// Its password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_password: Option<String>,
    /// How many requests are made in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// How many of them at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Whether and how a request is made again within an attempt.
    #[serde(flatten)]
    pub retry: HttpRetry,
    /// Header fields that each request carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, serde_json::Value>>,
    /// The proxy to go through.
    #[serde(rename = "proxyURL", skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<String>,
    /// Whether header fields of the caller go on with the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_passthrough_headers_enabled: Option<bool>,
}

/// Whether and how a request is made again within an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpRetry {
    /// Whether it is at all.
    #[serde(rename = "retry", skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How often.
    #[serde(rename = "retryCount", skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The first pause.
    #[serde(rename = "retryInitialDelay", skip_serializing_if = "Option::is_none")]
    pub initial_delay: Option<Period>,
    /// The longest pause.
    #[serde(rename = "retryMaximumDelay", skip_serializing_if = "Option::is_none")]
    pub maximum_delay: Option<Period>,
    /// Which answers are worth it.
    #[serde(rename = "retryErrorStatusCodeRegex", skip_serializing_if = "Option::is_none")]
    pub error_status_code_regex: Option<String>,
}
