//! What an environment is, and what a filter, as auto-config says it.

mod wire;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use highwater_core::Version;

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
    /// All SDK keys that hold, the one at present among them, where they are listed; empty where they
    /// are not.
    pub sdk_keys: Vec<ListedKey<SdkKey>>,
    /// All mobile keys, likewise.
    pub mobile_keys: Vec<ListedKey<MobileKey>>,
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

/// One of several keys that hold at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey<K> {
    /// What it is called, which is no secret.
    pub name: Arc<str>,
    /// The key.
    pub key: K,
    /// The last moment at which it holds; without one it holds until it is listed no longer.
    pub until: Option<UnixMillis>,
    /// It shows a part of an environment, which a relay cannot: nobody is let in with it.
    pub has_views: bool,
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
