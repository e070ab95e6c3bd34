//! Who asks: which credential a request shows, and through which filter it looks.

use super::environment::Environment;
use super::hub::{Hub, unauthorized};
use crate::error::ApiError;
use crate::extract::{Path, Query};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use highwater_relay::{Credential, EnvironmentId, FilterKey, MobileKey, SdkKey};
use serde::Deserialize;
use std::sync::Arc;

/// A way for requests to show who asks.
pub(super) trait Who:
    FromRequestParts<Hub, Rejection = ApiError> + Into<Shown> + Send + 'static
{
    /// The methods that carry a context in their body.
    const TELLING: &'static [&'static str] = &["REPORT"];
}

impl Who for Server {}
impl Who for Mobile {}
impl Who for Page {}
impl Who for Client {
    const TELLING: &'static [&'static str] = &["POST", "REPORT"];
}

/// An environment, by the credential that a request has shown.
pub(super) struct Shown {
    pub(super) environment: Arc<Environment>,
    pub(super) credential: Credential,
}

/// A server, by the SDK key in the header.
pub(super) struct Server(pub(super) Shown);

/// A mobile application, by the mobile key in the header.
pub(super) struct Mobile(Shown);

/// A page, by the environment's id in the path.
pub(super) struct Page(Shown);

/// Either of them in the newest protocol: by the mobile key or the environment's id, in the header or
/// the query.
pub(super) struct Client(Shown);

impl FromRequestParts<Hub> for Server {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let key = SdkKey::new(key(parts)?).ok_or_else(unauthorized)?;
        look_up(parts, hub, Credential::Sdk(key)).await.map(Self)
    }
}

impl FromRequestParts<Hub> for Mobile {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let key = MobileKey::new(key(parts)?).ok_or_else(unauthorized)?;
        look_up(parts, hub, Credential::Mobile(key)).await.map(Self)
    }
}

impl FromRequestParts<Hub> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let Path(Place { environment }) = Path::from_request_parts(parts, hub).await?;
        let id = EnvironmentId::new(environment);
        look_up(parts, hub, Credential::Environment(id)).await.map(Self)
    }
}

impl FromRequestParts<Hub> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let Query(Shows { auth }) = Query::from_request_parts(parts, hub).await?;
        let given = if auth.is_empty() { key(parts)? } else { &auth };
        let mobile = Credential::Mobile(MobileKey::new(given).ok_or_else(unauthorized)?);
        let page = Credential::Environment(EnvironmentId::new(given));
        let credential = if hub.knows(&page) { page } else { mobile };
        look_up(parts, hub, credential).await.map(Self)
    }
}

impl From<Server> for Shown {
    fn from(Server(shown): Server) -> Self {
        shown
    }
}

impl From<Mobile> for Shown {
    fn from(Mobile(shown): Mobile) -> Self {
        shown
    }
}

impl From<Client> for Shown {
    fn from(Client(shown): Client) -> Self {
        shown
    }
}

impl From<Page> for Shown {
    fn from(Page(shown): Page) -> Self {
        shown
    }
}

#[derive(Deserialize)]
struct Place {
    environment: String,
}

#[derive(Deserialize)]
struct Shows {
    #[serde(default)]
    auth: String,
}

#[derive(Deserialize)]
struct Through {
    #[serde(default)]
    filter: String,
}

async fn look_up(parts: &mut Parts, hub: &Hub, credential: Credential) -> Result<Shown, ApiError> {
    let Query(Through { filter }) = Query::from_request_parts(parts, hub).await?;
    let environment = hub.find(&credential, &FilterKey::new(filter))?;
    Ok(Shown { environment, credential })
}

/// `KEY`, or `api_key KEY` as older SDKs say it.
fn key(parts: &Parts) -> Result<&str, ApiError> {
    let given = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.ok_or_else(unauthorized)?;
    let key = given.strip_prefix("api_key ").unwrap_or(given);
    if key.contains(' ') { Err(unauthorized()) } else { Ok(key) }
}
