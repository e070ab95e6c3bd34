//! The protocols of others: LaunchDarkly's older ones, and Consul's.

use super::consul::Consul;
use super::decoding::Decoding;
use super::relay::{Relay, snapshot_of_flags};
use super::{Kind, Protocol, autoconfig, ping};
use crate::backoff::Profile;
use crate::item::Gate;

#[derive(Debug)]
pub(super) enum Other {
    Relay(Relay),
    Ping,
    AutoConfig,
    Consul(Consul),
}

impl Protocol {
    /// LaunchDarkly's server-side stream, `/all`: kinds `flags` and `segments`.
    pub const fn relay() -> Self {
        Self(Kind::Other(Other::Relay(Relay::all())))
    }

    /// LaunchDarkly's old server-side stream, `/flags`: kind `flags` alone.
    pub const fn flags() -> Self {
        Self(Kind::Other(Other::Relay(Relay::flags_only())))
    }

    /// LaunchDarkly's client-side streams, `/mping`, `/meval`, `/eval` and `/ping`: a ping says
    /// that the state is to be fetched again. Kind `flags`.
    pub const fn ping() -> Self {
        Self(Kind::Other(Other::Ping))
    }

    /// LaunchDarkly Relay's automatic configuration: kinds `environments` and `filters`.
    pub const fn autoconfig() -> Self {
        Self(Kind::Other(Other::AutoConfig))
    }

    /// Consul's subscribe stream as JSON.
    pub const fn consul() -> Self {
        Self(Kind::Other(Other::Consul(Consul::new(false))))
    }

    /// Consul's subscribe stream, treated exactly as Consul's own client does: framing events in
    /// places where they are not expected reach the view as if they were data. For comparison
    /// with recordings.
    pub const fn consul_recorded() -> Self {
        Self(Kind::Other(Other::Consul(Consul::new(true))))
    }
}

impl Other {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "relay" => Self::Relay(Relay::all()),
            "flags" => Self::Relay(Relay::flags_only()),
            "ping" => Self::Ping,
            "autoconfig" => Self::AutoConfig,
            "consul" => Self::Consul(Consul::new(false)),
            _ => return None,
        })
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Relay(relay) => relay.name(),
            Self::Ping => "ping",
            Self::AutoConfig => "autoconfig",
            Self::Consul(_) => "consul",
        }
    }

    pub(super) const fn gate(&self) -> Gate {
        match self {
            Self::Relay(_) | Self::Ping => Gate::PerKeySnapshotReplaces,
            Self::AutoConfig => Gate::PerKey,
            Self::Consul(_) => Gate::Cursor,
        }
    }

    pub(super) const fn event_types(&self) -> &'static [&'static str] {
        match self {
            Self::Relay(_) => &["put", "patch", "delete"],
            Self::Ping => &["ping", "put", "patch", "delete"],
            Self::AutoConfig => &["put", "patch", "delete", "reconnect"],
            Self::Consul(_) => &["message"],
        }
    }

    pub(super) fn query<'c>(&self, cursor: Option<&'c str>) -> Option<(&'static str, &'c str)> {
        match self {
            Self::Consul(_) => cursor.map(|index| ("index", index)),
            Self::AutoConfig => Some(("rpacProtocolVersion", "2")),
            Self::Relay(_) | Self::Ping => None,
        }
    }

    pub(super) const fn stops_only_when_refused(&self) -> bool {
        matches!(self, Self::AutoConfig)
    }

    pub(super) const fn resets_on_fault(&self) -> bool {
        matches!(self, Self::Consul(_))
    }

    pub(super) const fn patience(&self) -> (Profile, Option<u64>) {
        match self {
            Self::Consul(_) => (Profile::CONSUL, None),
            _ => (Profile::RELAY, Some(300)),
        }
    }

    pub(super) fn connected(&mut self, cursor: Option<&str>) {
        if let Self::Consul(consul) = self {
            consul.connected(cursor);
        }
    }

    pub(super) fn joined(&mut self) {
        if let Self::Consul(consul) = self {
            consul.joined();
        }
    }

    pub(super) fn decode(&mut self, kind: &str, polled: bool, event: &mut Decoding<'_>) {
        match self {
            Self::Relay(relay) if polled => relay.polled(event),
            Self::Relay(relay) => relay.decode(kind, event),
            Self::Ping if polled => snapshot_of_flags(event),
            Self::Ping => ping::decode(kind, event),
            _ if polled => event.misplaced("this protocol has no polling"),
            Self::AutoConfig => autoconfig::decode(kind, event),
            Self::Consul(consul) => consul.decode(event),
        }
    }
}
