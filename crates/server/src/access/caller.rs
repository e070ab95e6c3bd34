//! Who sends a request.

use super::glob::Glob;
use super::grant::Act;
use super::secret::Digest;
use super::tokens::{Access, Token};
use crate::error::ApiError;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;

/// Who sends a request, as far as it matters.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Somebody, on a server that is open to everybody.
    Anybody,
    /// Somebody without a token.
    Nameless,
    /// The holder of a token.
    Holder(Arc<Token>),
    /// The administrator, who may do everything.
    Admin,
}

impl Caller {
    /// Says who it is; a token that is not known is refused, whatever it would be used for.
    pub(super) fn of(access: &Access, headers: &HeaderMap) -> Result<Self, ApiError> {
        if access.is_open() {
            return Ok(Self::Anybody);
        }
        let digest = match (headers.get(AUTHORIZATION), offered(headers)) {
            (Some(given), _) => bearer(given).map(Digest::of),
            (None, Some(encoded)) => decoded(encoded).map(|secret| Digest::of(&secret)),
            (None, None) => return Ok(Self::Nameless),
        };
        let digest = digest.ok_or_else(malformed)?;
        if access.is_admin(&digest) {
            return Ok(Self::Admin);
        }
        access.find(&digest).map(Self::Holder).ok_or_else(unknown)
    }

    /// Refuses what the caller may not.
    pub(crate) fn expect(&self, access: &Access, act: Act<'_>) -> Result<(), ApiError> {
        let allowed = match self {
            Self::Anybody if act == Act::Administer => return Err(nobody_administers()),
            Self::Anybody | Self::Admin => true,
            Self::Nameless => access.anonymous_may(act),
            // Who has a token may still do what everybody may.
            Self::Holder(token) => token.grant().allows(act) || access.anonymous_may(act),
        };
        match self {
            _ if allowed => Ok(()),
            Self::Nameless => Err(missing(act)),
            _ if act == Act::Administer && !access.has_admin() => Err(nobody_administers()),
            _ => Err(forbidden(act)),
        }
    }

    /// The event streams that the caller may manage; nothing if that is all of them.
    pub(crate) fn managed(&self, access: &Access) -> Option<Vec<Glob>> {
        let own = match self {
            Self::Anybody | Self::Admin => return None,
            Self::Nameless => None,
            Self::Holder(token) => Some(token.grant()),
        };
        let grants = own.into_iter().chain(access.anonymous());
        Some(grants.flat_map(|grant| grant.manage.iter().cloned()).collect())
    }

    /// Refuses the holder of a token that was taken away meanwhile.
    pub(crate) fn is_still_known(&self) -> Result<(), ApiError> {
        match self {
            Self::Holder(token) if token.is_revoked() => Err(unknown()),
            _ => Ok(()),
        }
    }

    /// What readers are known by when their token is revoked; nothing for those without one.
    pub(crate) fn id(&self) -> Option<&Arc<str>> {
        self.token().map(|token| token.id())
    }

    pub(crate) fn token(&self) -> Option<&Arc<Token>> {
        if let Self::Holder(token) = self { Some(token) } else { None }
    }

    /// How the log calls it.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Anybody | Self::Nameless => "",
            Self::Holder(token) => token.id(),
            Self::Admin => "admin",
        }
    }
}

/// `Bearer SECRET`, the word in whatever case.
fn bearer(given: &HeaderValue) -> Option<&str> {
    let (scheme, secret) = given.to_str().ok()?.trim().split_once(' ')?;
    let secret = secret.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

/// The token among the protocols that a WebSocket offers, which is all that a browser's can say: in
/// base64url, as Kubernetes has it.
fn offered(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let mut protocols =
        lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    protocols.find_map(|protocol| protocol.trim().strip_prefix(OFFERED))
}

fn decoded(encoded: &str) -> Option<String> {
    let secret = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
    (!secret.is_empty()).then_some(secret)
}

/// What a token follows where it is offered as a protocol.
const OFFERED: &str = "base64url.bearer.authorization.";

fn missing(act: Act<'_>) -> ApiError {
    let message = format!("a token is needed to {act}: send it as `authorization: Bearer TOKEN`");
    unauthorized("token-missing", message, "Bearer realm=\"highwater\"")
}

fn malformed() -> ApiError {
    let message = "a token is sent as `authorization: Bearer TOKEN`, or offered by a WebSocket as \
                   protocol `base64url.bearer.authorization.TOKEN`";
    unauthorized(
        "bad-authorization",
        message,
        "Bearer realm=\"highwater\", error=\"invalid_request\"",
    )
    .at("authorization")
}

fn unknown() -> ApiError {
    let message = "the token is not known here: it was revoked, or never made";
    unauthorized("token-unknown", message, "Bearer realm=\"highwater\", error=\"invalid_token\"")
        .at("authorization")
}

fn unauthorized(
    code: &'static str,
    message: impl Into<String>,
    challenge: &'static str,
) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code, message)
        .with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

fn forbidden(act: Act<'_>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", format!("this token may not {act}"))
}

fn nobody_administers() -> ApiError {
    let message = "this server has no administrator: start it with an admin token";
    ApiError::new(StatusCode::FORBIDDEN, "no-admin", message)
}
