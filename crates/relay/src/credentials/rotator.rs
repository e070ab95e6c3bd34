//! How an environment's keys change, with periods of grace.

use std::collections::{BTreeMap, BTreeSet};

use super::{Credential, EnvironmentId, MobileKey, SdkKey};
use crate::environment::{EnvironmentParams, ExpiringKey, UnixMillis};

/// The credentials of one environment.
///
/// Tell it what is said of keys, and ask it at every [`step`](Self::step) what has become of them:
/// which are new, and which hold no longer. The time is an argument, in both.
///
/// - An SDK key that is replaced is revoked at once, unless it is said to expire: then it holds up
///   to and including that moment. The first moment that is said counts.
/// - What is said to expire and was never heard of is taken in until then; the key before is not
///   touched by that, as at its source, and holds on.
/// - What was said before says nothing new: an auto-config message repeats the last expiring key for
///   as long as there is no other. A key that is replaced by such a message is revoked at once.
/// - A key that is back in its place holds without end again.
/// - Where all keys are listed, those hold and no others, each as long as the list says; the one at
///   present without end.
///
/// ```
/// use highwater_relay::{Credential, ExpiringKey, Rotator, SdkKey, UnixMillis};
/// let key = |text: &str| SdkKey::new(text).unwrap();
/// let mut rotator = Rotator::new([Credential::Sdk(key("sdk-old"))]);
/// let grace = ExpiringKey { key: key("sdk-old"), until: UnixMillis(5000) };
/// rotator.rotate_with_grace(&key("sdk-new"), &grace, UnixMillis(1000));
/// assert_eq!(rotator.step(UnixMillis(5000)).added, [Credential::Sdk(key("sdk-new"))]);
/// assert_eq!(rotator.step(UnixMillis(5001)).removed, [Credential::Sdk(key("sdk-old"))]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rotator {
    sdk: Option<SdkKey>,
    mobile: Option<MobileKey>,
    environment: Option<EnvironmentId>,
    /// SDK and mobile keys that hold beside those: until then, or without end.
    others: BTreeMap<Credential, Option<UnixMillis>>,
    /// The keys were listed when they were last told of.
    listed: bool,
    added: Vec<Credential>,
    removed: BTreeSet<Credential>,
}

/// What has become of an environment's credentials: add first, then remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// In the order in which they came.
    pub added: Vec<Credential>,
    /// Sorted.
    pub removed: Vec<Credential>,
}

impl Rotator {
    /// Begins with these, of which nothing is said as new; of each kind the last one counts.
    pub fn new(credentials: impl IntoIterator<Item = Credential>) -> Self {
        let mut rotator = Self::default();
        for credential in credentials {
            match credential {
                Credential::Sdk(key) => rotator.sdk = Some(key),
                Credential::Mobile(key) => rotator.mobile = Some(key),
                Credential::Environment(id) => rotator.environment = Some(id),
            }
        }
        rotator
    }

    /// Begins with those of an environment that is new: all are [`credentials`](Self::credentials),
    /// and the first step says nothing of them.
    pub fn of(params: &EnvironmentParams, now: UnixMillis) -> Self {
        let sdk = params.sdk_key.clone().map(Credential::Sdk);
        let mobile = params.mobile_key.clone().map(Credential::Mobile);
        let id = Credential::Environment(params.id.clone());
        let mut rotator = Self::new(sdk.into_iter().chain(mobile).chain([id]));
        rotator.update(params, now);
        rotator.added.clear();
        rotator
    }

    /// Takes in what an environment's new parameters say of its keys.
    pub fn update(&mut self, params: &EnvironmentParams, now: UnixMillis) {
        let listed = !params.sdk_keys.is_empty() || !params.mobile_keys.is_empty();
        // Who listed keys, and lists none now, means that there are no more than are told.
        if core::mem::replace(&mut self.listed, listed) || listed {
            return self.accept(params, now);
        }
        match (&params.sdk_key, &params.expiring) {
            (Some(key), Some(expiring)) => self.rotate_with_grace(key, expiring, now),
            (Some(key), None) => self.rotate(&Credential::Sdk(key.clone())),
            (None, _) => {}
        }
        if let Some(key) = &params.mobile_key {
            self.rotate(&Credential::Mobile(key.clone()));
        }
    }

    /// This one takes the place of the one before, which is revoked at once.
    pub fn rotate(&mut self, to: &Credential) {
        let previous = match to {
            Credential::Sdk(key) => self.swap(key).map(Credential::Sdk),
            Credential::Mobile(key) if self.mobile.as_ref() != Some(key) => {
                self.admit(to.clone());
                self.mobile.replace(key.clone()).map(Credential::Mobile)
            }
            Credential::Environment(id) if self.environment.as_ref() != Some(id) => {
                self.admit(to.clone());
                self.environment.replace(id.clone()).map(Credential::Environment)
            }
            _ => None,
        };
        self.removed.extend(previous);
    }

    /// This one takes the place of the one before, and another (most often that one) still holds for
    /// a while.
    pub fn rotate_with_grace(&mut self, to: &SdkKey, expiring: &ExpiringKey, now: UnixMillis) {
        let previous = self.swap(to).map(Credential::Sdk);
        let (key, until) = (Credential::Sdk(expiring.key.clone()), expiring.until);
        let over = now > until || expiring.key == *to;
        if !over && previous.as_ref() == Some(&key) {
            self.others.insert(key, Some(until));
        } else if over || self.others.contains_key(&key) {
            self.removed.extend(previous);
        } else {
            self.others.extend(previous.map(|previous| (previous, None)));
            self.admit(key.clone());
            self.others.insert(key, Some(until));
        }
    }

    /// What has become of the credentials since the last step.
    pub fn step(&mut self, now: UnixMillis) -> Rotation {
        let is_over = |until: Option<UnixMillis>| until.is_some_and(|until| now > until);
        let expired = self.others.extract_if(.., |_, until| is_over(*until));
        self.removed.extend(expired.map(|(key, _)| key));
        let removed = core::mem::take(&mut self.removed).into_iter().collect();
        Rotation { added: core::mem::take(&mut self.added), removed }
    }

    /// The last moment at which all of the keys that expire hold: a step is due after it.
    pub fn next_expiry(&self) -> Option<UnixMillis> {
        self.others.values().copied().flatten().min()
    }

    /// The SDK key at present, which is not one that expires.
    pub const fn sdk_key(&self) -> Option<&SdkKey> {
        self.sdk.as_ref()
    }

    /// The mobile key at present.
    pub const fn mobile_key(&self) -> Option<&MobileKey> {
        self.mobile.as_ref()
    }

    /// The environment's id.
    pub const fn environment(&self) -> Option<&EnvironmentId> {
        self.environment.as_ref()
    }

    /// The SDK keys that hold for a while yet, sorted, each with the last moment at which it does.
    pub fn deprecated(&self) -> impl Iterator<Item = (&SdkKey, UnixMillis)> {
        self.others.iter().filter_map(|(key, until)| match key {
            Credential::Sdk(key) => Some((key, (*until)?)),
            _ => None,
        })
    }

    /// All that hold at present.
    pub fn credentials(&self) -> impl Iterator<Item = Credential> {
        let sdk = self.sdk.clone().map(Credential::Sdk);
        let mobile = self.mobile.clone().map(Credential::Mobile);
        let environment = self.environment.clone().map(Credential::Environment);
        sdk.into_iter().chain(mobile).chain(environment).chain(self.others.keys().cloned())
    }

    /// These keys hold, and no others.
    fn accept(&mut self, params: &EnvironmentParams, now: UnixMillis) {
        let before: BTreeSet<_> = self.credentials().collect();
        let (sdk, mobile) = (params.sdk_key.as_ref(), params.mobile_key.as_ref());
        let expiring = params.expiring.iter().filter(|_| params.sdk_keys.is_empty());
        let expiring = expiring.map(|old| (Credential::Sdk(old.key.clone()), Some(old.until)));
        let sdks = params.sdk_keys.iter().filter(|listed| !listed.has_views);
        let sdks = sdks.map(|listed| (Credential::Sdk(listed.key.clone()), listed.until));
        let mobiles = params.mobile_keys.iter().filter(|listed| !listed.has_views);
        let mobiles = mobiles.map(|listed| (Credential::Mobile(listed.key.clone()), listed.until));
        self.others = expiring.chain(sdks).chain(mobiles).collect();
        self.others.retain(|key, until| {
            let primary = match key {
                Credential::Sdk(key) => sdk == Some(key),
                Credential::Mobile(key) => mobile == Some(key),
                Credential::Environment(_) => false,
            };
            !primary && until.is_none_or(|until| now <= until)
        });
        (self.sdk, self.mobile) = (sdk.cloned(), mobile.cloned());
        let after: BTreeSet<_> = self.credentials().collect();
        for new in after.difference(&before) {
            self.admit(new.clone());
        }
        self.removed.extend(before.difference(&after).cloned());
    }

    /// Makes this the SDK key. Returns the one before, if it was another.
    fn swap(&mut self, to: &SdkKey) -> Option<SdkKey> {
        if self.sdk.as_ref() == Some(to) {
            return None;
        }
        let credential = Credential::Sdk(to.clone());
        if self.others.remove(&credential).is_none() {
            self.admit(credential);
        }
        self.sdk.replace(to.clone())
    }

    /// A credential holds from now on. One that was to be removed has never been away.
    fn admit(&mut self, credential: Credential) {
        if !self.removed.remove(&credential) {
            self.added.push(credential);
        }
    }
}
