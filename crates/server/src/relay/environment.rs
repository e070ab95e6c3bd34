//! An environment that is served.

use crate::fanout::Source;
use crate::leave::Leave;
use crate::stream::{HEARTBEAT, encode};
use bytes::Bytes;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use highwater_publisher::{Joined, NameError, Options, Reader, SubscriptionError};
use highwater_relay::{
    Collections, Credential, EnvStreams, EnvironmentId, EnvironmentParams, Item, MobileKey, Rules,
    SdkKey, Store, StreamProvider,
};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

/// How environments are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// What is kept for readers that come back, and how often a quiet `FDv2` stream hears something.
    pub(crate) topic: Options,
    /// How often any other quiet stream hears something.
    pub(crate) heartbeat: Duration,
    /// For how long each client's pings are held back at most; zero for not at all.
    pub(crate) ping_jitter: Duration,
    /// Clients that stream are told what flags come to, instead of to ask for it.
    pub(crate) evaluate: bool,
}

/// An environment, or a filtered variant of it.
pub(crate) struct Environment {
    params: RwLock<Arc<EnvironmentParams>>,
    streams: Mutex<EnvStreams>,
    /// The rules of the newest state that somebody asked for.
    rules: Mutex<Option<(String, Arc<Rules>)>>,
    service: Service,
    /// Its source has answered, or failed to.
    heard: AtomicBool,
    outlets: [Arc<Outlet>; 4],
    changes: Arc<Outlet>,
}

impl Environment {
    pub(crate) fn new(params: Arc<EnvironmentParams>, service: Service) -> Arc<Self> {
        let store = Store::new(&params.variant().to_string(), service.topic);
        let streams = EnvStreams::new(store, service.topic);
        Arc::new_cyclic(|this: &Weak<Self>| {
            let outlet = |provider| Arc::new(Outlet { of: Weak::clone(this), provider, service });
            Self {
                params: RwLock::new(params),
                streams: Mutex::new(streams),
                rules: Mutex::default(),
                service,
                heard: AtomicBool::new(false),
                outlets: StreamProvider::ALL.map(|provider| outlet(Some(provider))),
                changes: outlet(None),
            }
        })
    }

    pub(crate) fn params(&self) -> Arc<EnvironmentParams> {
        Arc::clone(&self.params.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_params(&self, params: Arc<EnvironmentParams>) {
        *self.params.write().unwrap_or_else(PoisonError::into_inner) = params;
    }

    pub(crate) fn service(&self) -> Service {
        self.service
    }

    /// Looks at the streams of one moment, or changes them. Must be brief: everyone else waits.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut EnvStreams) -> T) -> T {
        look(&mut self.streams.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there is anything to serve.
    pub(crate) fn is_initialised(&self) -> bool {
        self.with(|streams| streams.store().is_initialised())
    }

    /// Whether its source has answered, or failed to.
    pub(crate) fn was_heard(&self) -> bool {
        self.heard.load(Ordering::Acquire)
    }

    pub(crate) fn heard(&self) {
        self.heard.store(true, Ordering::Release);
    }

    /// Its source has everything anew.
    pub(crate) fn change_to(&self, all: &Collections) -> Result<(), NameError> {
        let changed = self.with(|streams| streams.change_to(all));
        self.heard();
        changed
    }

    /// Its source has some items anew.
    pub(crate) fn update(&self, items: &[Item]) -> Result<(), NameError> {
        let changed = self.with(|streams| streams.update(items));
        self.heard();
        changed.map(drop)
    }

    /// The rules as they are now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        let mut kept = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.with(|streams| streams.store_mut().topic().cursor());
        if let Some((of, rules)) = &*kept
            && *of == now
        {
            return Arc::clone(rules);
        }
        let (now, items) =
            self.with(|streams| (streams.store_mut().topic().cursor(), streams.store().items()));
        let rules = Arc::new(Rules::read(&items));
        for (kind, key, error) in rules.unreadable() {
            let environment = self.params().variant();
            tracing::warn!(%environment, kind = kind.as_str(), %key, %error, "not evaluated");
        }
        *kept = Some((now, Arc::clone(&rules)));
        rules
    }

    /// What gives out the readers of a provider's streams.
    pub(crate) fn outlet(&self, provider: StreamProvider) -> Arc<Outlet> {
        let mine = self.outlets.iter().find(|outlet| outlet.provider == Some(provider));
        Arc::clone(mine.unwrap_or(&self.changes))
    }

    /// What gives out the readers of `FDv2` streams.
    pub(crate) fn changes(&self) -> Arc<Outlet> {
        Arc::clone(&self.changes)
    }
}

/// What one kind of an environment's streams is read from.
pub(crate) struct Outlet {
    of: Weak<Environment>,
    /// None for `FDv2`.
    provider: Option<StreamProvider>,
    service: Service,
}

impl Outlet {
    /// Whose readers those of a channel are.
    fn credential(provider: StreamProvider, reader: &Reader) -> Option<Credential> {
        let channel = Arc::clone(reader.token());
        match provider {
            StreamProvider::All | StreamProvider::Flags => {
                SdkKey::new(channel).map(Credential::Sdk)
            }
            StreamProvider::MobilePing => MobileKey::new(channel).map(Credential::Mobile),
            StreamProvider::JsPing => Some(Credential::Environment(EnvironmentId::new(channel))),
        }
    }
}

impl Source for Outlet {
    fn rejoin(&self, reader: &Reader, error: &SubscriptionError) -> Option<(Vec<Bytes>, Reader)> {
        let environment = self.of.upgrade()?;
        let Some(provider) = self.provider else {
            // The topic may have another life by now.
            let key = Credential::Sdk(SdkKey::new(Arc::clone(reader.token()))?);
            let joining = environment.with(|streams| {
                streams.knows(&key).then(|| streams.store_mut().topic().rejoin(reader, error))
            });
            let Joined { frames, reader, .. } = encode(joining?);
            return Some((frames, reader));
        };
        // A feed ends with its environment.
        if !matches!(error, SubscriptionError::TooSlow) {
            return None;
        }
        let credential = Self::credential(provider, reader)?;
        let joined = environment.with(|streams| streams.join(provider, &credential))?;
        Some((joined.initial.now().into_iter().collect(), joined.reader))
    }

    fn heartbeat(&self) -> (Duration, Bytes) {
        match self.provider {
            Some(_) => (self.service.heartbeat, Bytes::from_static(b":\n")),
            None => (self.service.topic.heartbeat, Bytes::from_static(HEARTBEAT)),
        }
    }

    fn jitter(&self) -> Option<Duration> {
        let pings = self.provider.is_some_and(StreamProvider::pings);
        Some(self.service.ping_jitter).filter(|jitter| pings && !jitter.is_zero())
    }

    fn goodbye(&self, why: Leave) -> Option<Bytes> {
        // The older protocols have no word for it.
        self.provider.is_none().then(|| why.frame())
    }
}
