//! What an operator decides.

mod size;
mod webhooks;

use crate::duration::Period;
use crate::keyword::Keyword;
use crate::spec::HttpOptions;
use serde::Deserialize;

/// The configuration of event streams, as it stands in a file.
///
/// ```
/// use highwater_eventstreams::Configuration;
/// let configuration: Configuration = serde_json::from_str(
///     r#"{ "checkpoints": { "asynchronous": false }, "retry": { "maxDelay": "10s" } }"#,
/// )?;
/// assert_eq!(configuration.defaults.batch_size, 50);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Configuration {
    /// Whether webhooks may not go to addresses of private networks.
    #[serde(rename = "disablePrivateIPs", alias = "disabledPrivateIPs")]
    pub disable_private_ips: bool,
    /// When checkpoints are written.
    pub checkpoints: Checkpoints,
    /// What streams have that do not say otherwise.
    pub defaults: Defaults,
    /// How everything is tried again that failed.
    pub retry: Retry,
    /// TLS configurations that webhooks can name.
    pub tls_configs: Vec<TlsConfig>,
    /// The WebSocket server.
    #[serde(alias = "webSockets")]
    pub websockets: WebSockets,
}

/// When checkpoints are written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Checkpoints {
    /// Whether the next batch need not wait for the checkpoint of the one before.
    pub asynchronous: bool,
    /// How many events may be passed over until a checkpoint is written.
    pub unmatched_event_threshold: u64,
}

/// What streams have that do not say otherwise.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(missing_docs, reason = "they are the stream's fields")]
pub struct Defaults {
    pub error_handling: Keyword,
    pub batch_size: i64,
    pub batch_timeout: Period,
    pub retry_timeout: Period,
    pub blocked_retry_delay: Period,
    /// Those of the WebSocket part.
    #[serde(alias = "webSockets")]
    pub websockets: WebSocketDefaults,
    /// How webhooks make requests: in the words of a stream, or in those of FireFly's configuration.
    #[serde(deserialize_with = "webhooks::read")]
    pub webhooks: HttpOptions,
}

/// What streams to WebSocket clients have that do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WebSocketDefaults {
    /// Who gets a batch.
    pub distribution_mode: Keyword,
}

/// How everything is tried again that failed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Retry {
    /// The first pause.
    pub initial_delay: Period,
    /// The longest one.
    #[serde(alias = "maxDelay")]
    pub maximum_delay: Period,
    /// How much longer each is than the one before; 2 if this is less than 1.
    pub factor: f64,
}

/// The WebSocket server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WebSockets {
    /// How long a client may take over a batch.
    pub ack_timeout: Period,
    /// How many bytes are read at once, about.
    #[serde(deserialize_with = "size::read")]
    pub read_buffer_size: usize,
    /// How many bytes are collected before they are written.
    #[serde(deserialize_with = "size::read")]
    pub write_buffer_size: usize,
    /// The longest message of a client.
    #[serde(deserialize_with = "size::read")]
    pub max_message_size: usize,
    /// How many bytes may wait for a connection; one that is further behind is closed.
    #[serde(deserialize_with = "size::read")]
    pub max_queue_size: usize,
    /// How often a quiet connection is pinged. One that does not answer until the next is closed.
    pub ping_interval: Period,
    /// How many streams a connection can take part in.
    pub max_streams: usize,
}

/// A TLS configuration that webhooks can name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub tls: Tls,
}

/// What is in a TLS configuration. A file wins over text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are those of the file")]
pub struct Tls {
    pub enabled: bool,
    pub ca_file: Option<String>,
    pub ca: Option<String>,
    pub cert_file: Option<String>,
    pub cert: Option<String>,
    pub key_file: Option<String>,
    pub key: Option<String>,
    /// Whether callers of a server have to say who they are: of no meaning here, where none is.
    pub client_auth: bool,
    /// What the subject of a receiver's certificate has to say: regular expressions by the names of
    /// attributes (`CN`, `O`, `OU`, …), each for the whole of one value.
    #[serde(rename = "requiredDNAttributes")]
    pub required_dn_attributes: std::collections::BTreeMap<String, String>,
    pub insecure_skip_host_verify: bool,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { asynchronous: true, unmatched_event_threshold: 250 }
    }
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            error_handling: "block".into(),
            batch_size: 50,
            batch_timeout: Period::from_millis(500),
            retry_timeout: Period::from_millis(300_000),
            blocked_retry_delay: Period::from_millis(60_000),
            websockets: WebSocketDefaults::default(),
            webhooks: HttpOptions::default(),
        }
    }
}

impl Default for WebSocketDefaults {
    fn default() -> Self {
        Self { distribution_mode: "load_balance".into() }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            initial_delay: Period::from_millis(250),
            maximum_delay: Period::from_millis(30_000),
            factor: 2.0,
        }
    }
}

impl Default for WebSockets {
    fn default() -> Self {
        Self {
            ack_timeout: Period::from_millis(120_000),
            read_buffer_size: 4096,
            write_buffer_size: 4096,
            max_message_size: 64 << 10,
            max_queue_size: 16 << 20,
            ping_interval: Period::from_millis(30_000),
            max_streams: 1024,
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            enabled: true,
            ca_file: None,
            ca: None,
            cert_file: None,
            cert: None,
            key_file: None,
            key: None,
            client_auth: false,
            required_dn_attributes: std::collections::BTreeMap::default(),
            insecure_skip_host_verify: false,
        }
    }
}
