//! Batches to a URL.

mod address;
mod connect;
mod request;
mod retry_after;
mod settings;
mod sign;
mod throttle;
mod tls;

pub use address::is_public_address;

use crate::config::Configuration;
use crate::dispatch::{Attempt, Dispatcher, DispatcherFactory, Failure, Outcome};
use crate::error::Error;
use crate::spec::{EventStreamSpec, HttpOptions, WebhookOptions};
use connect::{Bounded, Connector};
use core::pin::Pin;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use request::Request;
use rustls::ClientConfig;
use settings::Settings;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use throttle::Throttle;
use tokio::time::{sleep, timeout};

/// Makes the dispatchers of streams of type `webhook`.
///
/// A batch is delivered by an answer of 2xx, and by nothing else: redirects are not followed, and the
/// address that is connected to is the one that was judged. Whatever a stream does not say of its
/// requests is as the server's defaults have it, one field at a time; there is always a time after
/// which a request has failed.
#[derive(Debug)]
pub struct WebhookFactory {
    /// Whether addresses that are not public are refused.
    only_public: bool,
    defaults: HttpOptions,
    /// By name.
    tls: HashMap<String, Arc<ClientConfig>>,
    /// What a stream has that names none of them.
    system: Arc<ClientConfig>,
}

impl WebhookFactory {
    /// A factory with the defaults and the TLS configurations of an operator, which have to be usable.
    pub fn new(configuration: &Configuration) -> Result<Self, Error> {
        let defaults = settings::merged(&configuration.defaults.webhooks, &settings::built_in());
        let only_public = configuration.disable_private_ips;
        Settings::of(&defaults, only_public)?;
        let named = configuration.tls_configs.iter();
        let tls = named.map(|config| Ok((config.name.clone(), tls::named(config)?.into())));
        let tls = tls.collect::<Result<_, Error>>()?;
        Ok(Self { only_public, defaults, tls, system: tls::system()?.into() })
    }

    fn merged(&self, options: &WebhookOptions) -> HttpOptions {
        settings::merged(&options.http.clone().unwrap_or_default(), &self.defaults)
    }

    fn prepare(&self, options: &WebhookOptions, stream: &str) -> Result<Webhook, Error> {
        let http = self.merged(options);
        let settings = Settings::of(&http, self.only_public)?;
        let request = Request::new(options, &http, stream)?;
        let tls = match &options.tls_config_name {
            Some(name) => {
                self.tls.get(name).ok_or_else(|| Error::UnknownTls(name.as_str().into()))?
            }
            None => &self.system,
        };
        let throttle = settings.throttle.map(Throttle::new);
        let (tls, only_public) = (tls.clone(), self.only_public);
        Ok(Webhook { client: OnceLock::new(), tls, only_public, settings, request, throttle })
    }
}

impl DispatcherFactory for WebhookFactory {
    fn validate(&self, spec: &EventStreamSpec) -> Result<(), Error> {
        let options = spec.webhook.as_ref().ok_or(Error::NoUrl)?;
        self.prepare(options, "").map(drop)
    }

    fn fill_in(&self, spec: &mut EventStreamSpec) {
        if let Some(options) = &mut spec.webhook {
            let merged = self.merged(options);
            options.method.get_or_insert_with(|| "POST".to_owned());
            options.http = Some(merged);
        }
    }

    fn dispatcher(&self, spec: &EventStreamSpec) -> Result<Arc<dyn Dispatcher>, Error> {
        let options = spec.webhook.as_ref().ok_or(Error::NoUrl)?;
        let stream = spec.id.as_deref().unwrap_or_default();
        Ok(Arc::new(self.prepare(options, stream)?))
    }
}

type HttpClient = Client<Bounded<HttpsConnector<Connector>>, Full<Bytes>>;

/// The webhook of one stream.
#[derive(Debug)]
struct Webhook {
    /// Made for the first batch: a stream that has nothing to do needs none.
    client: OnceLock<HttpClient>,
    tls: Arc<ClientConfig>,
    only_public: bool,
    settings: Settings,
    request: Request,
    throttle: Option<Throttle>,
}

impl Dispatcher for Webhook {
    fn attempt(&self, attempt: Attempt) -> Pin<Box<dyn Future<Output = Outcome> + Send + '_>> {
        Box::pin(async move {
            tokio::select! {
                biased;
                () = attempt.cancel.cancelled() => Error::Cancelled.into(),
                sent = self.deliver(&attempt) => match sent {
                    Ok(()) => Outcome::Delivered,
                    Err(failure) => Outcome::Failed(failure),
                },
            }
        })
    }
}

impl Webhook {
    fn connect(&self) -> HttpClient {
        let settings = &self.settings;
        let https = HttpsConnectorBuilder::new()
            .with_tls_config((*self.tls).clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(settings, self.only_public));
        let within = settings.connection_timeout.saturating_add(settings.tls_handshake_timeout);
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.max_idle)
            .build(Bounded { connector: https, within })
    }

    /// Once, or more often within the same attempt where that is asked for.
    async fn deliver(&self, attempt: &Attempt) -> Result<(), Failure> {
        let mut again = self.settings.retry.as_ref().map(settings::Retry::begin);
        loop {
            let (status, failure) = match self.send(attempt).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            let pause = again.as_mut().and_then(|again| again.pause(status));
            sleep(pause.ok_or(failure)?).await;
        }
    }

    /// Sends the batch; if that fails also says with which answer, if there was one.
    async fn send(&self, attempt: &Attempt) -> Result<(), (Option<StatusCode>, Failure)> {
        if let Some(throttle) = &self.throttle {
            throttle.turn().await;
        }
        let request = self.request.of(attempt);
        let within = self.settings.request_timeout;
        let client = self.client.get_or_init(|| self.connect());
        let answer = match timeout(within, client.request(request)).await {
            Err(_) => {
                let why = format!("no answer from the receiver within {within:?}");
                return Err((None, Error::Request(why.into()).into()));
            }
            Ok(Err(error)) => return Err((None, connect::cause(&error).into())),
            Ok(Ok(answer)) => answer,
        };
        let status = answer.status();
        let retry_after = retry_after::of(answer.headers());
        let_go(answer);
        if status.is_success() {
            return Ok(());
        }
        let error = Error::Answer(status.as_u16());
        Err((Some(status), Failure { error, retry_after, event: None }))
    }
}

/// Nobody reads the body of an answer; a small one is taken so that its connection can be used again.
fn let_go(answer: Response<Incoming>) {
    tokio::spawn(timeout(LEFT_FOR_BODY, async move {
        let (mut body, mut left) = (answer.into_body(), MOST_BODY);
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            left = match left.checked_sub(size) {
                Some(left) => left,
                None => return,
            };
        }
    }));
}

const MOST_BODY: usize = 64 << 10;
const LEFT_FOR_BODY: core::time::Duration = core::time::Duration::from_secs(1);
