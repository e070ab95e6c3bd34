//! Defaults of webhooks, which a configuration may say in two ways.

use crate::spec::HttpOptions;
use serde::de::{Deserialize as _, Deserializer, Error};
use serde_json::{Map, Value};

/// Reads members named as a stream's are (`retryCount`), or as FireFly's configuration has them
/// (`retry.count`). One that is neither is a mistake.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HttpOptions, D::Error> {
    let mut out = Map::new();
    for (name, value) in Map::deserialize(deserializer)? {
        match value {
            Value::Object(parts) if name != "headers" => {
                for (part, value) in parts {
                    put(&mut out, &format!("{name}.{part}"), value)?;
                }
            }
            value => put(&mut out, &name, value)?,
        }
    }
    serde_json::from_value(Value::Object(out)).map_err(D::Error::custom)
}

fn put<E: Error>(out: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), E> {
    let told = NESTED.iter().find(|(nested, _)| *nested == name).map_or(name, |(_, told)| told);
    if !NAMES.contains(&told) {
        return Err(E::custom(format_args!("unknown field `{name}` of webhooks")));
    }
    match out.insert(told.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(E::custom(format_args!("field `{name}` of webhooks is said twice"))),
    }
}

/// What FireFly's configuration calls otherwise than a stream.
const NESTED: [(&str, &str); 9] = [
    ("retry.enabled", "retry"),
    ("retry.count", "retryCount"),
    ("retry.initWaitTime", "retryInitialDelay"),
    ("retry.maxWaitTime", "retryMaximumDelay"),
    ("retry.errorStatusCodeRegex", "retryErrorStatusCodeRegex"),
    ("throttle.requestsPerSecond", "requestsPerSecond"),
    ("throttle.burst", "burst"),
    ("proxy.url", "proxyURL"),
    ("passthroughHeadersEnabled", "httpPassthroughHeadersEnabled"),
];

/// The fields of a stream.
const NAMES: [&str; 20] = [
    "requestTimeout",
    "connectionTimeout",
    "idleTimeout",
    "expectContinueTimeout",
    "tlsHandshakeTimeout",
    "maxIdleConns",
    "maxConnsPerHost",
    "maxIdleConnsPerHost",
    "authUsername",
    "authPassword",
    "requestsPerSecond",
    "burst",
    "retry",
    "retryCount",
    "retryInitialDelay",
    "retryMaximumDelay",
    "retryErrorStatusCodeRegex",
    "headers",
    "proxyURL",
    "httpPassthroughHeadersEnabled",
];

#[cfg(test)]
mod tests {
    use crate::config::Configuration;
    use crate::duration::Period;

    fn read(webhooks: &str) -> Result<Configuration, serde_json::Error> {
        serde_json::from_str(&format!("{{\"defaults\":{{\"webhooks\":{webhooks}}}}}"))
    }

    #[test]
    fn both_ways_say_the_same() {
        let nested = r#"{
            "requestTimeout": "5s", "retry": { "enabled": true, "count": 3, "initWaitTime": "1s",
            "maxWaitTime": 2000, "errorStatusCodeRegex": "5.." }, "headers": { "x-a": "b" },
            "throttle": { "requestsPerSecond": 7, "burst": 2 }, "proxy": { "url": "http://p:1" },
            "passthroughHeadersEnabled": true
        }"#;
        let flat = r#"{
            "requestTimeout": "5s", "retry": true, "retryCount": 3, "retryInitialDelay": "1s",
            "retryMaximumDelay": "2s", "retryErrorStatusCodeRegex": "5..", "headers": { "x-a": "b" },
            "requestsPerSecond": 7, "burst": 2, "proxyURL": "http://p:1",
            "httpPassthroughHeadersEnabled": true
        }"#;
        let webhooks = read(nested).unwrap().defaults.webhooks;
        assert_eq!(webhooks, read(flat).unwrap().defaults.webhooks);
        assert_eq!(webhooks.retry.maximum_delay, Some(Period::from_millis(2000)));
        assert_eq!(webhooks.proxy_url.as_deref(), Some("http://p:1"));
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (webhooks, why) in [
            (r#"{ "requestTimeOut": "5s" }"#, "unknown field `requestTimeOut`"),
            (r#"{ "throttle": { "bursts": 2 } }"#, "unknown field `throttle.bursts`"),
            (
                r#"{ "retry": { "count": 2 }, "retryCount": 3 }"#,
                "`retryCount` of webhooks is said twice",
            ),
            (r#"{ "requestTimeout": "soon" }"#, "soon"),
        ] {
            let error = read(webhooks).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
