//! All environments that are served, and who may see which.

use super::environment::{Environment, Service};
use super::source::{self, Plan, Upstream, Words};
use crate::app::App;
use crate::error::ApiError;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use core::time::Duration;
use highwater_relay::{
    Action, AutoConfig, AutoConfigOptions, AutoConfigSource, Credential, EnvironmentParams,
    EnvironmentRep, Environments, FilterId, FilterKey, FilterParams, FilterRep, Rotation, Rotator,
    Strictness, UnixMillis, VariantId,
};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockWriteGuard, Weak};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The environments. A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Inner>);

struct Inner {
    app: App,
    service: Service,
    served: RwLock<Served>,
    /// What tells of environments, as long as they are served.
    following: OnceLock<AutoConfig>,
}

#[derive(Default)]
struct Served {
    running: HashMap<VariantId, Running>,
    by_credential: HashMap<Credential, HashMap<FilterKey, Arc<Environment>>>,
    /// Whether a credential that is unknown is none.
    complete: bool,
}

struct Running {
    environment: Arc<Environment>,
    rotator: Rotator,
    plan: Plan,
    source: JoinHandle<()>,
    /// Waits for the next key to expire.
    expiry: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.source.abort();
        self.expiry.iter().for_each(JoinHandle::abort);
    }
}

impl Hub {
    pub(crate) fn new(app: App, service: Service) -> Self {
        let (served, following) = (RwLock::default(), OnceLock::new());
        Self(Arc::new(Inner { app, service, served, following }))
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    /// Follows auto-config from now on.
    pub(crate) fn follow_auto_config(
        &self,
        options: AutoConfigOptions,
        flags: Flags,
    ) -> Result<Arc<AutoConfigSource>, highwater::Error> {
        let told = Told { hub: Self(Arc::clone(&self.0)), flags };
        let following = AutoConfig::start(options, Arc::new(told))?;
        let source = Arc::clone(self.0.following.get_or_init(|| following).source());
        self.end_with_drain(&source);
        Ok(source)
    }

    /// Tells others of the environments that there are, at a version that is newer than that of any
    /// server before.
    pub(crate) fn tell_of_environments(&self) -> Arc<AutoConfigSource> {
        let UnixMillis(version) = now();
        let all = self.statuses().into_iter().map(|(params, _)| params);
        let (plain, filtered): (Vec<_>, _) = all.partition(|params| params.filter.is_empty());
        let filters = filtered.into_iter().map(|params| {
            let (project, key) = (Arc::clone(&params.project), params.filter.clone());
            let id = FilterId::new(format!("{project}.{key}"));
            (id, FilterRep { params: FilterParams { project, key }, version })
        });
        let source = Arc::new(AutoConfigSource::new());
        source.replace(plain.into_iter().map(|params| EnvironmentRep { params, version }), filters);
        self.end_with_drain(&source);
        source
    }

    /// Ends the streams of a source when the server's end.
    fn end_with_drain(&self, source: &Arc<AutoConfigSource>) {
        let (mut draining, source) = (self.app().draining(), Arc::downgrade(source));
        tokio::spawn(async move {
            let drains = draining.wait_for(|draining| *draining).await.is_ok();
            if let Some(source) = source.upgrade().filter(|_| drains) {
                source.close();
            }
        });
    }

    /// Does what auto-config says. `plan` says where an environment's flags are.
    pub(crate) fn apply(&self, action: Action, plan: impl Fn(&EnvironmentParams) -> Option<Plan>) {
        match action {
            Action::Add(params) | Action::Update(params) => {
                let Some(plan) = plan(&params) else {
                    tracing::warn!(environment = %params.variant(), "it has no SDK key");
                    return;
                };
                self.put(&params, plan);
            }
            Action::Delete(variant) => self.delete(&variant),
            Action::ReceivedAll => self.served().complete = true,
            _ => {}
        }
    }

    fn put(&self, params: &Arc<EnvironmentParams>, plan: Plan) {
        let variant = params.variant();
        let mut served = self.served();
        let Some(running) = served.running.get_mut(&variant) else {
            drop(served);
            return self.add(params, plan);
        };
        running.rotator.update(params, now());
        running.environment.set_params(Arc::clone(params));
        if running.plan != plan {
            running.source.abort();
            running.source = self.follow(&running.environment, plan.clone());
            running.plan = plan;
        }
        self.step(served, &variant);
    }

    fn add(&self, params: &Arc<EnvironmentParams>, plan: Plan) {
        let variant = params.variant();
        let environment = Environment::new(Arc::clone(params), self.0.service);
        let rotator = Rotator::of(params, now());
        let added = rotator.credentials().collect();
        tracing::info!(environment = %variant, "environment added");
        let source = self.follow(&environment, plan.clone());
        let mut served = self.served();
        served.rotate(&environment, Rotation { added, removed: Vec::new() });
        let expiry = self.expiry(&variant, &rotator);
        served.running.insert(variant, Running { environment, rotator, plan, source, expiry });
    }

    fn delete(&self, variant: &VariantId) {
        let mut served = self.served();
        let Some(running) = served.running.remove(variant) else { return };
        tracing::info!(environment = %variant, "environment deleted");
        let removed = running.rotator.credentials().collect();
        served.rotate(&running.environment, Rotation { added: Vec::new(), removed });
    }

    /// Has an environment's keys come and go that are due.
    fn step(&self, mut served: RwLockWriteGuard<'_, Served>, variant: &VariantId) {
        let Some(running) = served.running.get_mut(variant) else { return };
        let rotation = running.rotator.step(now());
        running.expiry.take().iter().for_each(JoinHandle::abort);
        running.expiry = self.expiry(variant, &running.rotator);
        let environment = Arc::clone(&running.environment);
        served.rotate(&environment, rotation);
    }

    fn follow(&self, environment: &Arc<Environment>, plan: Plan) -> JoinHandle<()> {
        tokio::spawn(source::follow(Arc::clone(environment), plan, self.0.app.clone()))
    }

    /// Has the keys looked at again when the next one has expired.
    fn expiry(&self, variant: &VariantId, rotator: &Rotator) -> Option<JoinHandle<()>> {
        let UnixMillis(until) = rotator.next_expiry()?;
        let UnixMillis(now) = now();
        let wait = u64::try_from(until.saturating_sub(now).saturating_add(1)).unwrap_or_default();
        // Not for ever: the clock may be set.
        let wait = Duration::from_millis(wait).min(LONGEST_WAIT);
        let (hub, variant): (Weak<Inner>, _) = (Arc::downgrade(&self.0), variant.clone());
        Some(tokio::spawn(async move {
            sleep(wait).await;
            if let Some(inner) = hub.upgrade() {
                // On its own: the step ends this task.
                tokio::spawn(async move {
                    let hub = Self(inner);
                    hub.step(hub.served(), &variant);
                });
            }
        }))
    }

    /// Whether a credential is one.
    pub(crate) fn knows(&self, credential: &Credential) -> bool {
        let served = self.0.served.read().unwrap_or_else(PoisonError::into_inner);
        served.by_credential.contains_key(credential)
    }

    /// The environment that a credential is of, seen through a filter.
    pub(crate) fn find(
        &self,
        credential: &Credential,
        filter: &FilterKey,
    ) -> Result<Arc<Environment>, ApiError> {
        let served = self.0.served.read().unwrap_or_else(PoisonError::into_inner);
        let Some(filters) = served.by_credential.get(credential) else {
            return Err(match credential {
                _ if !served.complete => not_yet("the configuration was not received yet"),
                Credential::Environment(_) => {
                    let what = "there is no environment of this id";
                    ApiError::new(StatusCode::NOT_FOUND, "unknown-environment", what)
                }
                Credential::Sdk(_) | Credential::Mobile(_) => unauthorized(),
            });
        };
        let environment = filters.get(filter).ok_or_else(|| {
            let what = format!("there is no filter {:?}", filter.as_str());
            ApiError::new(StatusCode::NOT_FOUND, "unknown-filter", what)
        })?;
        if !environment.was_heard() {
            return Err(not_yet("the source of this environment was not heard yet"));
        }
        Ok(Arc::clone(environment))
    }

    /// All environments, with whether there is anything to serve.
    pub(crate) fn statuses(&self) -> Vec<(Arc<EnvironmentParams>, bool)> {
        let served = self.0.served.read().unwrap_or_else(PoisonError::into_inner);
        let status = |running: &Running| {
            (running.environment.params(), running.environment.is_initialised())
        };
        served.running.values().map(status).collect()
    }

    fn served(&self) -> RwLockWriteGuard<'_, Served> {
        self.0.served.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Served {
    fn rotate(&mut self, environment: &Arc<Environment>, Rotation { added, removed }: Rotation) {
        let filter = environment.params().filter.clone();
        for credential in added {
            let filters = self.by_credential.entry(credential.clone()).or_default();
            filters.insert(filter.clone(), Arc::clone(environment));
            environment.with(|streams| streams.add_credential(credential));
        }
        for credential in removed {
            // First nobody new, then nobody at all.
            if let Some(filters) = self.by_credential.get_mut(&credential) {
                if filters.get(&filter).is_some_and(|of| Arc::ptr_eq(of, environment)) {
                    filters.remove(&filter);
                }
                if filters.is_empty() {
                    self.by_credential.remove(&credential);
                }
            }
            environment.with(|streams| streams.remove_credential(&credential));
        }
    }
}

/// Where the flags are of environments that auto-config tells of.
#[derive(Clone, Debug)]
pub(crate) struct Flags {
    pub(crate) url: Arc<str>,
    pub(crate) words: Words,
    pub(crate) strictness: Strictness,
}

/// Runs what auto-config tells of.
struct Told {
    hub: Hub,
    flags: Flags,
}

impl Environments for Told {
    async fn apply(&self, action: Action) {
        let Flags { url, words, strictness } = self.flags.clone();
        self.hub.apply(action, |params| {
            let key = params.sdk_key.clone()?;
            Some(Plan::Server(Upstream { url: Arc::clone(&url), key, words, strictness }))
        });
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub(super) fn unauthorized() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "unknown-credential", "this key is not known")
}

/// Nobody is to give up for good because of a start.
pub(super) fn not_yet(what: &str) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", what).with(RETRY_AFTER, 1.into())
}

const LONGEST_WAIT: Duration = Duration::from_mins(1);
