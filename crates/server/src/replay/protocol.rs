//! Which protocol a stream speaks, as the command line says it.

use crate::serve::{Failure, Misuse};
use clap::Args;
use highwater::{JsonSpec, Protocol};
use serde::Deserialize;

/// The same for every sub-command that reads a stream.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProtocolArguments {
    /// fdv2, relay, flags, ping, autoconfig, consul or json
    #[arg(long, default_value = "fdv2", value_parser = known, value_name = "PROTOCOL")]
    protocol: String,
    /// For protocol json, where things are: a JSON object with any of `upsert`, `delete`, `snapshot` (lists of event types), `items`, `key`, `kind`, `version`, `value`, `deleted` (JSON pointers)
    #[arg(long, value_parser = spec, value_name = "JSON")]
    spec: Option<JsonSpec>,
}

impl ProtocolArguments {
    pub(crate) fn protocol(&self) -> Result<Protocol, Failure> {
        match &self.spec {
            Some(spec) if self.protocol == "json" => Ok(Protocol::json(spec.clone())),
            Some(_) => Err(Misuse("a --spec belongs to --protocol json".into()).into()),
            // The parser let only known names through.
            None => Ok(Protocol::named(&self.protocol).unwrap_or_default()),
        }
    }
}

fn known(name: &str) -> Result<String, String> {
    let names = "fdv2, relay, flags, ping, autoconfig, consul, json";
    Protocol::named(name).map(|_| name.to_owned()).ok_or_else(|| format!("known are: {names}"))
}

fn spec(text: &str) -> Result<JsonSpec, String> {
    let given: Spec = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let default = JsonSpec::default();
    let spec = JsonSpec {
        upsert: given.upsert.unwrap_or(default.upsert),
        delete: given.delete.unwrap_or(default.delete),
        snapshot: given.snapshot.unwrap_or(default.snapshot),
        items: given.items.unwrap_or(default.items),
        key: given.key.unwrap_or(default.key),
        kind: given.kind,
        version: given.version,
        value: given.value.unwrap_or(default.value),
        deleted: given.deleted,
        value_last: given.value_last,
    };
    let optional = [&spec.kind, &spec.version, &spec.deleted].into_iter().flatten();
    for pointer in [&spec.items, &spec.key, &spec.value].into_iter().chain(optional) {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!("'{pointer}' is no JSON pointer: it must begin with '/'"));
        }
    }
    Ok(spec)
}

/// A [`JsonSpec`] as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    upsert: Option<Vec<String>>,
    delete: Option<Vec<String>>,
    snapshot: Option<Vec<String>>,
    items: Option<String>,
    key: Option<String>,
    kind: Option<String>,
    version: Option<String>,
    value: Option<String>,
    deleted: Option<String>,
    #[serde(default)]
    value_last: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_checked() {
        let prices = spec(r#"{"key":"/symbol","version":"/at"}"#).unwrap();
        assert_eq!((&*prices.key, prices.version.as_deref()), ("/symbol", Some("/at")));
        assert_eq!(prices.upsert, ["message"]);
        assert!(spec(r#"{"keys":"/a"}"#).unwrap_err().contains("unknown field `keys`"));
        assert!(spec(r#"{"key":"a"}"#).unwrap_err().contains("no JSON pointer"));
        assert!(spec("key").is_err());
    }
}
