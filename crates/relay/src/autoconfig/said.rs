//! What one event says, read and judged before any of it counts.

use highwater_core::{Message as Wire, Transfer, Version};

use super::message::{Message, Refusal};
use super::receiver::Strictness;
use crate::credentials::{EnvironmentId, MobileKey, SdkKey};
use crate::environment::{EnvironmentRep, FilterId, FilterRep, ListedKey};

/// All that an event says.
pub(super) struct Said {
    strictness: Strictness,
    pub(super) environments: Vec<Entry<EnvironmentRep>>,
    pub(super) filters: Vec<Entry<FilterRep>>,
    /// The lists that are there, also if they are empty.
    listed: Vec<String>,
    /// Everything that there is follows.
    pub(super) snapshot: bool,
    pub(super) reconnect: bool,
    pub(super) ignored: Option<&'static str>,
}

/// What is said of one item.
pub(super) struct Entry<T> {
    pub(super) key: String,
    pub(super) version: Version,
    pub(super) what: What<T>,
}

pub(super) enum What<T> {
    There(T),
    Gone,
    /// It is listed under a name that is not its own.
    Misnamed,
    Refused(Refusal),
}

/// An environment or a filter.
pub(super) trait Item: Clone {
    const KIND: &'static str;
    /// Reads an item, giving it the version that the event gave it.
    fn read(json: &[u8], version: Version) -> Option<Self>;
    /// Why it cannot be used, if it cannot.
    fn refusal(&self) -> Option<Refusal>;
    fn added(self, id: &str) -> Message;
    fn updated(self) -> Option<Message>;
    fn deleted(id: &str, version: Option<Version>) -> Message;
}

impl Said {
    pub(super) const fn new(strictness: Strictness) -> Self {
        Self {
            strictness,
            environments: Vec::new(),
            filters: Vec::new(),
            listed: Vec::new(),
            snapshot: false,
            reconnect: false,
            ignored: None,
        }
    }

    pub(super) fn take(&mut self, message: Wire<'_>) {
        match message {
            Wire::Begin(transfer) => self.snapshot = transfer == Transfer::Snapshot,
            Wire::Upsert { kind: EnvironmentRep::KIND, key, version, value } => {
                let entry = self.judge(key, version, value);
                self.environments.push(entry);
            }
            Wire::Upsert { key, version, value, .. } => {
                let entry = self.judge(key, version, value);
                self.filters.push(entry);
            }
            Wire::Delete { kind: EnvironmentRep::KIND, key, version } => {
                self.environments.push(Entry { key: key.into(), version, what: What::Gone });
            }
            Wire::Delete { key, version, .. } => {
                self.filters.push(Entry { key: key.into(), version, what: What::Gone });
            }
            // Filters have no name but the one that they are listed under.
            Wire::Keep { key, .. } => {
                let entry = Entry { key: key.into(), version: 0, what: What::Misnamed };
                self.environments.push(entry);
            }
            Wire::Listed { kind } => self.listed.push(kind.into()),
            Wire::Reconnect => self.reconnect = true,
            Wire::Ignored(why) => self.ignored = Some(why),
            _ => {}
        }
    }

    /// A list that ought to be there.
    pub(super) fn missing(&self) -> Option<&'static str> {
        [EnvironmentRep::KIND, FilterRep::KIND]
            .into_iter()
            .find(|kind| !self.listed.iter().any(|listed| listed == kind))
    }

    fn judge<T: Item>(&self, key: &str, version: Version, value: &[u8]) -> Entry<T> {
        let refusal = |item: &T| item.refusal().filter(|_| self.strictness == Strictness::Strict);
        let what = match T::read(value, version) {
            None => What::Refused(Refusal::Unreadable),
            Some(item) => refusal(&item).map_or(What::There(item), What::Refused),
        };
        Entry { key: key.into(), version, what }
    }
}

/// Whether the key at present is in the list of all, if there is one.
fn is_listed<K: PartialEq>(key: Option<&K>, all: &[ListedKey<K>]) -> bool {
    all.is_empty() || all.iter().any(|listed| Some(&listed.key) == key)
}

const SDK_KEY: &str = "SDK key";
const MOBILE_KEY: &str = "mobile key";

impl Item for EnvironmentRep {
    const KIND: &'static str = "environments";

    fn read(json: &[u8], version: Version) -> Option<Self> {
        Self::parse(json).ok().map(|rep| Self { version, ..rep })
    }

    fn refusal(&self) -> Option<Refusal> {
        let params = &*self.params;
        let (sdk, mobile) = (params.sdk_key.as_ref(), params.mobile_key.as_ref());
        let expiring = params.expiring.as_ref().map(|expiring| expiring.key.reveal());
        let sdks = params.sdk_keys.iter().map(|listed| listed.key.reveal());
        let mobiles = params.mobile_keys.iter().map(|listed| listed.key.reveal());
        let mut keys = (sdk.map(SdkKey::reveal).into_iter().map(|key| (SDK_KEY, key)))
            .chain(mobile.map(MobileKey::reveal).into_iter().map(|key| (MOBILE_KEY, key)))
            .chain(expiring.into_iter().map(|key| ("expiring SDK key", key)))
            .chain(sdks.chain(mobiles).map(|key| ("list of keys", key)));
        let bad = |key: &str| !key.bytes().all(|byte| byte.is_ascii_graphic());
        if let Some((which, _)) = keys.find(|(_, key)| bad(key)) {
            Some(Refusal::BadKey { which })
        } else if params.id.as_str().is_empty() {
            Some(Refusal::NoId)
        } else if sdk.is_none() {
            Some(Refusal::NoSdkKey)
        } else if !is_listed(sdk, &params.sdk_keys) {
            Some(Refusal::NotListed { which: SDK_KEY })
        } else if !is_listed(mobile, &params.mobile_keys) {
            Some(Refusal::NotListed { which: MOBILE_KEY })
        } else {
            (params.ttl_minutes < 0).then_some(Refusal::NegativeTtl)
        }
    }

    fn added(self, _: &str) -> Message {
        Message::AddEnvironment(self)
    }

    fn updated(self) -> Option<Message> {
        Some(Message::UpdateEnvironment(self))
    }

    fn deleted(id: &str, version: Option<Version>) -> Message {
        Message::DeleteEnvironment(EnvironmentId::new(id), version)
    }
}

impl Item for FilterRep {
    const KIND: &'static str = "filters";

    fn read(json: &[u8], version: Version) -> Option<Self> {
        Self::parse(json).ok().map(|rep| Self { version, ..rep })
    }

    fn refusal(&self) -> Option<Refusal> {
        self.params.key.is_empty().then_some(Refusal::NoFilterKey)
    }

    fn added(self, id: &str) -> Message {
        Message::AddFilter(FilterId::new(id), self)
    }

    fn updated(self) -> Option<Message> {
        None
    }

    fn deleted(id: &str, version: Option<Version>) -> Message {
        Message::DeleteFilter(FilterId::new(id), version)
    }
}
