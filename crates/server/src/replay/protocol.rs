//! Which protocol a stream speaks, as the command line says it.

use crate::serve::{Failure, Misuse};
use clap::Args;
use highwater::{JsonSpec, Protocol};
use serde::Deserialize;
use serde_json::Value;

/// The same for every sub-command that reads a stream.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProtocolArguments {
    /// fdv2, relay, flags, ping, autoconfig, consul or json; otherwise fdv2, or what a session says
    #[arg(long, value_parser = known, value_name = "PROTOCOL")]
    protocol: Option<String>,
    /// For protocol json, where things are: a JSON object with any of `upsert`, `delete`, `snapshot` (lists of event types), `items`, `key`, `kind`, `version`, `value`, `deleted` (JSON pointers)
    #[arg(long, value_parser = spec, value_name = "JSON")]
    spec: Option<JsonSpec>,
}

impl ProtocolArguments {
    pub(crate) fn protocol(&self) -> Result<Protocol, Failure> {
        let name = self.protocol.as_deref().unwrap_or("fdv2");
        match &self.spec {
            Some(spec) if name == "json" => Ok(Protocol::json(spec.clone())),
            Some(_) => Err(Misuse("a --spec belongs to --protocol json".into()).into()),
            // The parser let only known names through.
            None => Ok(Protocol::named(name).unwrap_or_default()),
        }
    }

    /// The same, where a session says what it speaks, unless the command line does.
    pub(crate) fn protocol_of(&self, session: Option<&Value>) -> Result<Protocol, Failure> {
        match session {
            Some(said) if self.protocol.is_none() && self.spec.is_none() => said_protocol(said)
                .map_err(|error| format!("the session's protocol: {error}").into()),
            _ => self.protocol(),
        }
    }
}

/// A protocol as a session names or describes it: as the option `protocol` of the npm package does.
fn said_protocol(said: &Value) -> Result<Protocol, String> {
    let name = said.as_str().or_else(|| said["name"].as_str()).unwrap_or_default();
    match said {
        Value::Object(members) if name == "json" => {
            let mut members = members.clone();
            members.remove("name");
            if let Some(last) = members.remove("valueLast") {
                members.insert("value_last".into(), last);
            }
            for list in ["upsert", "delete", "snapshot"] {
                if let Some(one) = members.get_mut(list).filter(|one| one.is_string()) {
                    *one = Value::Array(vec![one.take()]);
                }
            }
            spec(&Value::Object(members).to_string()).map(Protocol::json)
        }
        Value::Object(members) if name == "fdv2" => {
            let kinds = members.get("kinds").and_then(Value::as_array);
            let kinds: Vec<&str> = kinds.into_iter().flatten().filter_map(Value::as_str).collect();
            Ok(Protocol::fdv2_of(&kinds))
        }
        Value::Object(members)
            if name == "consul" && members.get("recorded") == Some(&true.into()) =>
        {
            Ok(Protocol::consul_recorded())
        }
        _ => {
            known(name)?;
            Ok(Protocol::named(name).unwrap_or_default())
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

    #[test]
    fn a_session_names_or_describes_its_protocol() {
        let name = |said: Value| said_protocol(&said).map(|protocol| protocol.name());
        assert_eq!(name("relay".into()), Ok("relay"));
        assert_eq!(name(serde_json::json!({ "name": "fdv2", "kinds": ["flag"] })), Ok("fdv2"));
        let json = serde_json::json!({ "name": "json", "key": "/symbol", "upsert": "price", "valueLast": true });
        assert_eq!(name(json), Ok("json"));
        assert!(name("soap".into()).is_err());
        assert!(name(Value::Null).is_err());
        assert!(
            name(serde_json::json!({ "name": "json", "keys": "/a" })).unwrap_err().contains("keys")
        );
    }
}
