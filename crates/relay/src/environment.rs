//! What an environment is, and what a filter, as auto-config says it.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use highwater_core::Version;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::credentials::{EnvironmentId, MobileKey, SdkKey};

/// What a relay has to know of an environment to serve it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentParams {
    /// Its id, by which messages name it.
    pub id: EnvironmentId,
    /// The filter of this variant of it; the empty one for the environment as a whole.
    pub filter: FilterKey,
    /// Its key and its name.
    pub key: Arc<str>,
    /// Its name for people.
    pub name: Arc<str>,
    /// The key of the project that it is in.
    pub project: Arc<str>,
    /// That project's name for people.
    pub project_name: Arc<str>,
    /// The SDK key at present.
    pub sdk_key: Option<SdkKey>,
    /// The SDK key before that, while it still holds.
    pub expiring: Option<ExpiringKey>,
    /// The mobile key.
    pub mobile_key: Option<MobileKey>,
    /// For so many minutes SDKs in PHP may keep what they fetched.
    pub ttl_minutes: i64,
    /// Whether SDKs in browsers must prove who they ask for.
    pub secure_mode: bool,
}

/// A key that holds until a time, and not after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringKey {
    /// The key.
    pub key: SdkKey,
    /// The last moment at which it holds.
    pub until: UnixMillis,
}

/// A moment in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(pub i64);

/// An environment, or a filtered variant of it: what there is one running instance of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariantId {
    /// The environment.
    pub environment: EnvironmentId,
    /// The filter; the empty one for the environment as a whole.
    pub filter: FilterKey,
}

/// A filter's key within its project, as SDKs name it. The empty one means that there is no filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilterKey(Arc<str>);

/// The name that messages give a filter. It says nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilterId(Arc<str>);

/// What there is to know of a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterParams {
    /// The key of the project whose environments it filters.
    pub project: Arc<str>,
    /// Its key there.
    pub key: FilterKey,
}

/// An environment as it is on the wire: with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRep {
    /// What it says.
    pub params: Arc<EnvironmentParams>,
    /// Its version.
    pub version: Version,
}

/// A filter as it is on the wire: with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRep {
    /// What it says.
    pub params: FilterParams,
    /// Its version.
    pub version: Version,
}

impl EnvironmentParams {
    /// Which one it is.
    pub fn variant(&self) -> VariantId {
        VariantId { environment: self.id.clone(), filter: self.filter.clone() }
    }

    /// How long SDKs in PHP may keep what they fetched.
    pub fn ttl(&self) -> Duration {
        Duration::from_mins(u64::try_from(self.ttl_minutes).unwrap_or(0))
    }

    /// The same environment, seen through a filter.
    #[must_use]
    pub fn filtered(&self, filter: FilterKey) -> Self {
        Self { filter, ..self.clone() }
    }
}

impl FilterKey {
    /// The key that this text is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Whether there is no filter.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FilterId {
    /// The id that this text is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FilterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FilterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for VariantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, filter } = self;
        if filter.is_empty() {
            write!(f, "{environment}")
        } else {
            write!(f, "{environment}/{filter}")
        }
    }
}

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
        let Wire { id, key, name, mobile, project, project_name, sdk, ttl, secure, version } =
            read(json, &["/sdkKey", "/sdkKey/expiring"])?;
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
            ttl_minutes: ttl.unwrap_or_default(),
            secure_mode: secure.unwrap_or_default(),
        };
        Ok(Self { params: Arc::new(params), version: version.unwrap_or_default() })
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
struct WireFilter {
    #[serde(rename = "projKey")]
    project: Option<String>,
    key: Option<String>,
    version: Option<i64>,
}
