//! The `relay` sub-command: what SDKs of LaunchDarkly connect to, beside the native API.

mod client;
mod config;
mod environment;
mod fdv2;
mod hub;
mod poll;
mod question;
mod routes;
mod source;
mod stream;
mod values;
mod who;

use crate::app::{App, app as serve_topics, bare};
use crate::serve::{Failure, Misuse, ServeArguments};
use axum::Router;
use clap::Args;
use config::{AUTO_CONFIG, AutoConfigured, Configured, ENVIRONMENTS, Relayed};
use core::time::Duration;
use environment::Service;
use highwater_relay::{
    Action, EnvironmentId, EnvironmentParams, MobileKey, SdkKey, Strictness, auto_config_router,
};
use hub::Hub;
use source::{Plan, Upstream, Words};
use std::path::Path;
use std::sync::Arc;

/// What SDKs connect to, for one environment whose flags are a topic's, and whose id and keys this
/// is. Clients that stream are told values.
pub(crate) fn of_topic(app: &App, topic: &str, id: &str) -> Router {
    let service = Service {
        topic: app.settings().topic,
        heartbeat: Duration::from_mins(1),
        ping_jitter: Duration::ZERO,
        evaluate: true,
    };
    let hub = Hub::new(app.clone(), service);
    let params = EnvironmentParams {
        id: EnvironmentId::new(id),
        sdk_key: SdkKey::new(id),
        mobile_key: MobileKey::new(id),
        ..EnvironmentParams::default()
    };
    hub.apply(Action::Add(Arc::new(params)), |_| Some(Plan::Topic(topic.into())));
    hub.apply(Action::ReceivedAll, |_| None);
    routes::router(hub)
}

/// `highwater relay`.
#[derive(Args, Clone, Debug)]
pub struct RelayArguments {
    #[command(flatten)]
    serve: ServeArguments,
    /// Milliseconds after which a quiet stream of the older protocols gets a heartbeat
    #[arg(long, default_value_t = 180_000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    relay_heartbeat_ms: u64,
    /// Milliseconds that a ping to a client is held back at most, and at least half of that, each
    /// client's for another time; what changes meanwhile is one ping. 0 for not at all
    #[arg(long, default_value_t = 0, value_name = "MS")]
    ping_jitter_ms: u64,
    /// Clients that stream are told what flags come to, instead of pinged to ask for it
    #[arg(long)]
    stream_evaluations: bool,
    /// The address of another server, as LaunchDarkly's, whose flags are served beside the
    /// environments that the file names
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Its SDK key, which is shown there and asked for here
    #[arg(long, value_name = "KEY", hide_env_values = true, value_parser = sdk_key)]
    sdk_key: Option<SdkKey>,
    /// The key that mobile applications show for its flags
    #[arg(long, value_name = "KEY", hide_env_values = true, value_parser = mobile_key)]
    mobile_key: Option<MobileKey>,
    /// The id by which browsers ask for its flags
    #[arg(long, value_name = "ID", default_value = "default")]
    environment_id: String,
    /// What is spoken with it
    #[arg(long, value_name = "PROTOCOL", default_value = "fdv1")]
    upstream_protocol: Words,
}

fn sdk_key(text: &str) -> Result<SdkKey, &'static str> {
    SdkKey::new(text).ok_or("a key is not empty")
}

fn mobile_key(text: &str) -> Result<MobileKey, &'static str> {
    MobileKey::new(text).ok_or("a key is not empty")
}

impl RelayArguments {
    /// Serves until SIGTERM or Ctrl-C, then drains.
    pub async fn run(self) -> Result<(), Failure> {
        let file = self.serve.config().map(Path::to_owned);
        let place = file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default();
        let misuse = |error: &dyn core::fmt::Display| Misuse(format!("{place}{error}").into());
        let mut relayed = match &file {
            Some(file) => config::read(file).map_err(|error| misuse(&error))?,
            None => Relayed::default(),
        };
        relayed.environments.extend(self.environment()?);
        if relayed.is_empty() {
            let what = "there is nothing to serve: a relay needs --upstream URL and --sdk-key KEY, or \
                        --config FILE with [[environments]] or [auto-config]";
            return Err(misuse(&what).into());
        }
        let Relayed { environments, told } = relayed;
        let heartbeat = Duration::from_millis(self.relay_heartbeat_ms);
        let ping_jitter = Duration::from_millis(self.ping_jitter_ms);
        let evaluate = self.stream_evaluations;
        let has_topics = environments.iter().any(|(_, plan)| matches!(plan, Plan::Topic(_)));
        let router = |app: &App| {
            let topic = app.settings().topic;
            let hub = Hub::new(app.clone(), Service { topic, heartbeat, ping_jitter, evaluate });
            for (params, plan) in environments {
                hub.apply(Action::Add(Arc::new(params)), |_| Some(plan.clone()));
            }
            let own = if has_topics { serve_topics } else { bare };
            let router = own(app.clone()).merge(routes::router(hub.clone()));
            let Some(AutoConfigured { options, flags, serve_to }) = told else {
                hub.apply(Action::ReceivedAll, |_| None);
                return Ok(router);
            };
            let source = if let Some(options) = options {
                hub.follow_auto_config(options, flags).map_err(|error| misuse(&error))?
            } else {
                hub.apply(Action::ReceivedAll, |_| None);
                hub.tell_of_environments()
            };
            if serve_to.is_empty() {
                return Ok(router);
            }
            Ok(router.merge(auto_config_router(source, serve_to, heartbeat)))
        };
        self.serve.run_with(&[ENVIRONMENTS, AUTO_CONFIG], has_topics, router).await
    }

    /// The environment that the options name.
    fn environment(&self) -> Result<Option<Configured>, Failure> {
        let (url, key) = match (&self.upstream, &self.sdk_key) {
            (Some(url), Some(key)) => (url.as_str().into(), key.clone()),
            (None, None) => return Ok(None),
            _ => return Err(Misuse("--upstream and --sdk-key go together".into()).into()),
        };
        let params = EnvironmentParams {
            id: EnvironmentId::new(&*self.environment_id),
            sdk_key: Some(key.clone()),
            mobile_key: self.mobile_key.clone(),
            ..EnvironmentParams::default()
        };
        let (words, strictness) = (self.upstream_protocol, Strictness::Strict);
        Ok(Some((params, Plan::Server(Upstream { url, key, words, strictness }))))
    }
}
