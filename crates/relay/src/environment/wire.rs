//! Environments and filters as they are read and written on the wire.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{
    EnvironmentParams, EnvironmentRep, ExpiringKey, FilterKey, FilterParams, FilterRep, ListedKey,
    UnixMillis,
};
use crate::credentials::{EnvironmentId, MobileKey, SdkKey};

impl EnvironmentRep {
    /// Reads what the wire says. Members that are missing, or `null`, are empty, zero or false; of
    /// members that are there twice the last one counts.
    ///
    /// ```
    /// use highwater_relay::EnvironmentRep;
    /// let json = br#"{"envID":"e1","sdkKey":{"value":"sdk-12345678"},"version":3}"#;
    /// let environment = EnvironmentRep::parse(json)?;
    /// assert_eq!((environment.params.id.as_str(), environment.version), ("e1", 3));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let wire: Wire = read(json, &["/sdkKey", "/sdkKey/expiring"])?;
        let Wire { id, key, name, mobile, project, project_name, sdk, sdks, mobiles, .. } = wire;
        let WireKey { value, expiring } = sdk.unwrap_or_default();
        let expiring = expiring.unwrap_or_default();
        let until = UnixMillis(expiring.timestamp.unwrap_or_default());
        let text = |text: Option<String>| Arc::<str>::from(text.unwrap_or_default());
        let params = EnvironmentParams {
            id: EnvironmentId::new(text(id)),
            filter: FilterKey::default(),
            key: text(key),
            name: text(name),
            project: text(project),
            project_name: text(project_name),
            sdk_key: SdkKey::new(text(value)),
            expiring: SdkKey::new(text(expiring.value)).map(|key| ExpiringKey { key, until }),
            mobile_key: MobileKey::new(text(mobile)),
            sdk_keys: listed(sdks, SdkKey::new)?,
            mobile_keys: listed(mobiles, MobileKey::new)?,
            ttl_minutes: wire.ttl.unwrap_or_default(),
            secure_mode: wire.secure.unwrap_or_default(),
        };
        Ok(Self { params: Arc::new(params), version: wire.version.unwrap_or_default() })
    }
}

/// As the wire says it, keys and all.
impl Serialize for EnvironmentRep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let params = &*self.params;
        let key = |key: Option<&SdkKey>| key.map_or("", SdkKey::reveal).to_owned();
        let expiring = params.expiring.as_ref();
        let text = |text: &str| Some(text.to_owned());
        let wire = Wire {
            id: text(params.id.as_str()),
            key: text(&params.key),
            name: text(&params.name),
            mobile: text(params.mobile_key.as_ref().map_or("", MobileKey::reveal)),
            project: text(&params.project),
            project_name: text(&params.project_name),
            sdk: Some(WireKey {
                value: Some(key(params.sdk_key.as_ref())),
                expiring: Some(WireExpiring {
                    value: Some(key(expiring.map(|expiring| &expiring.key))),
                    timestamp: Some(expiring.map_or(0, |expiring| expiring.until.0)),
                }),
            }),
            sdks: unlisted(&params.sdk_keys, SdkKey::reveal),
            mobiles: unlisted(&params.mobile_keys, MobileKey::reveal),
            ttl: Some(params.ttl_minutes),
            secure: Some(params.secure_mode),
            version: Some(self.version),
        };
        wire.serialize(serializer)
    }
}

impl FilterRep {
    /// Reads what the wire says, as an [`EnvironmentRep`] is read.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let WireFilter { project, key, version } = read(json, &[])?;
        let params = FilterParams {
            project: project.unwrap_or_default().into(),
            key: FilterKey::new(key.unwrap_or_default()),
        };
        Ok(Self { params, version: version.unwrap_or_default() })
    }
}

impl Serialize for FilterRep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = WireFilter {
            project: Some(self.params.project.as_ref().to_owned()),
            key: Some(self.params.key.as_str().to_owned()),
            version: Some(self.version),
        };
        wire.serialize(serializer)
    }
}

/// Reads an object, or `null` for an empty one, with more of the kind at these places within.
///
/// By way of a value: that takes a member twice, which a structure does not, and tells a list from an
/// object, which a structure does not either.
fn read<T: Default + DeserializeOwned>(
    json: &[u8],
    within: &[&str],
) -> Result<T, serde_json::Error> {
    let value: Value = serde_json::from_slice(json)?;
    for place in [""].iter().chain(within) {
        if value.pointer(place).is_some_and(|part| !part.is_object() && !part.is_null()) {
            return Err(serde_json::Error::custom(format!("expected an object at '{place}'")));
        }
    }
    Ok(serde_json::from_value::<Option<T>>(value)?.unwrap_or_default())
}

/// The keys of a list, of which none may be empty.
fn listed<K>(
    keys: Option<Vec<WireListed>>,
    key: impl Fn(Arc<str>) -> Option<K>,
) -> Result<Vec<ListedKey<K>>, serde_json::Error> {
    let read = |WireListed { name, value, until, has_views }| {
        let key = key(value.unwrap_or_default().into());
        Ok(ListedKey {
            name: name.unwrap_or_default().into(),
            key: key.ok_or_else(|| serde_json::Error::custom("a key that is listed is empty"))?,
            until: until.map(UnixMillis),
            has_views: has_views.unwrap_or_default(),
        })
    };
    keys.into_iter().flatten().map(read).collect()
}

/// A list of keys as the wire has it; an empty one is left out.
fn unlisted<K>(keys: &[ListedKey<K>], reveal: impl Fn(&K) -> &str) -> Option<Vec<WireListed>> {
    let written = keys.iter().map(|listed| WireListed {
        name: Some(listed.name.as_ref().to_owned()),
        value: Some(reveal(&listed.key).to_owned()),
        until: listed.until.map(|until| until.0),
        has_views: Some(listed.has_views),
    });
    (!keys.is_empty()).then(|| written.collect())
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Wire {
    #[serde(rename = "envID")]
    id: Option<String>,
    #[serde(rename = "envKey")]
    key: Option<String>,
    #[serde(rename = "envName")]
    name: Option<String>,
    #[serde(rename = "mobKey")]
    mobile: Option<String>,
    #[serde(rename = "projKey")]
    project: Option<String>,
    #[serde(rename = "projName")]
    project_name: Option<String>,
    #[serde(rename = "sdkKey")]
    sdk: Option<WireKey>,
    #[serde(rename = "sdkKeys", skip_serializing_if = "Option::is_none")]
    sdks: Option<Vec<WireListed>>,
    #[serde(rename = "mobileKeys", skip_serializing_if = "Option::is_none")]
    mobiles: Option<Vec<WireListed>>,
    #[serde(rename = "defaultTtl")]
    ttl: Option<i64>,
    #[serde(rename = "secureMode")]
    secure: Option<bool>,
    version: Option<i64>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct WireKey {
    value: Option<String>,
    expiring: Option<WireExpiring>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct WireExpiring {
    value: Option<String>,
    timestamp: Option<i64>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct WireListed {
    #[serde(rename = "key")]
    name: Option<String>,
    value: Option<String>,
    #[serde(rename = "expiry", skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    #[serde(rename = "hasViews")]
    has_views: Option<bool>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct WireFilter {
    #[serde(rename = "projKey")]
    project: Option<String>,
    key: Option<String>,
    version: Option<i64>,
}
