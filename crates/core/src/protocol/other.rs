//! The protocols of others: LaunchDarkly's older ones, Consul's, and whatever an application
//! describes.

use alloc::vec::Vec;

use super::consul::Consul;
use super::decoding::Decoding;
use super::eventstream::EventStream;
use super::json::{Json, JsonSpec};
use super::relay::{Relay, snapshot_of_flags};
use super::{Kind, Protocol, autoconfig, ping};
use crate::backoff::Profile;
use crate::item::Gate;
use crate::message::{Event, Version};

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a session has one")]
pub(super) enum Other {
    Relay(Relay),
    Ping,
    AutoConfig,
    Consul(Consul),
    EventStream(EventStream),
    Json(Json),
}

impl Protocol {
    /// Any stream of JSON, as the application describes it.
    pub fn json(spec: JsonSpec) -> Self {
        Self(Kind::Other(Other::Json(Json::new(spec))))
    }

    /// LaunchDarkly's server-side stream, `/all`: kinds `flags` and `segments`.
    pub const fn relay() -> Self {
        Self(Kind::Other(Other::Relay(Relay::all())))
    }

    /// The same, but a put without flags, or without segments, is a fault, and changes nothing. To
    /// SDKs it deletes all that there are.
    pub const fn relay_strict() -> Self {
        Self(Kind::Other(Other::Relay(Relay::strict())))
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

impl Protocol {
    /// The batches of an event stream, each as one event: the state is what its events come to, and
    /// the cursor is the sequence ID of the last. Batches that come again change nothing.
    ///
    /// An event that says its `kind` and `key` is about that item, with its `object` as the value, or
    /// `deleted`. Of any other the parts of its topic before and behind the first slash say which item
    /// it is about (kind `event` if there is none), and all of it is the value.
    ///
    /// ```
    /// use highwater_core::{Event, Instant, Materializer, Protocol};
    /// let batch = r#"{"type":"event_batch","stream":"s","batchNumber":1,"events":[
    ///     {"kind":"order","key":"7","version":1,"object":{"total":3},"topic":"order/7","sequenceId":"01"}]}"#;
    /// let mut orders = Materializer::new(Protocol::eventstream());
    /// orders.event(Instant::default(), &Event { kind: "message", data: batch.as_bytes(), id: "" })?;
    /// assert_eq!(orders.state().get("order", "7").unwrap().json().unwrap(), r#"{"total":3}"#);
    /// assert_eq!(orders.cursor(), Some("01"));
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    pub fn eventstream() -> Self {
        Self(Kind::Other(Other::EventStream(EventStream::default())))
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
            "eventstream" => Self::EventStream(EventStream::default()),
            "json" => Self::Json(Json::new(JsonSpec::default())),
            _ => return None,
        })
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Relay(relay) => relay.name(),
            Self::Ping => "ping",
            Self::AutoConfig => "autoconfig",
            Self::Consul(_) => "consul",
            Self::EventStream(_) => "eventstream",
            Self::Json(_) => "json",
        }
    }

    pub(super) const fn gate(&self) -> Gate {
        match self {
            Self::Relay(_) | Self::Ping => Gate::PerKeySnapshotReplaces,
            Self::AutoConfig => Gate::PerKey,
            Self::Consul(_) | Self::EventStream(_) => Gate::Cursor,
            Self::Json(json) => json.gate(),
        }
    }

    pub(super) fn event_types(&self) -> Vec<&str> {
        match self {
            Self::Relay(_) => Vec::from(["put", "patch", "delete"]),
            Self::Ping => Vec::from(["ping", "put", "patch", "delete"]),
            Self::AutoConfig => Vec::from(["put", "patch", "delete", "reconnect"]),
            Self::Consul(_) | Self::EventStream(_) => Vec::from(["message"]),
            Self::Json(json) => json.event_types(),
        }
    }

    pub(super) fn query<'c>(&self, cursor: Option<&'c str>) -> Option<(&'static str, &'c str)> {
        match self {
            Self::Consul(_) => cursor.map(|index| ("index", index)),
            Self::AutoConfig => Some(("rpacProtocolVersion", "2")),
            Self::Relay(_) | Self::Ping | Self::EventStream(_) | Self::Json(_) => None,
        }
    }

    pub(super) const fn is_terminal(&self, status: u16) -> bool {
        match self {
            Self::AutoConfig => matches!(status, 401 | 403),
            Self::Json(_) => {
                status == 204 || matches!(status, 400..500) && !matches!(status, 408 | 425 | 429)
            }
            _ => matches!(status, 400..500) && !matches!(status, 400 | 408 | 429),
        }
    }

    pub(super) const fn has_snapshots(&self) -> bool {
        match self {
            Self::EventStream(_) => false,
            Self::Json(json) => json.has_snapshots(),
            _ => true,
        }
    }

    pub(super) const fn resets_on_fault(&self) -> bool {
        matches!(self, Self::Consul(_))
    }

    pub(super) const fn patience(&self) -> (Profile, Option<u64>) {
        match self {
            Self::Consul(_) => (Profile::CONSUL, None),
            Self::EventStream(_) | Self::Json(_) => (Profile::STANDARD, None),
            _ => (Profile::RELAY, Some(300)),
        }
    }

    pub(super) fn connected(&mut self, cursor: Option<&str>) {
        if let Self::Consul(consul) = self {
            consul.connected(cursor);
        }
    }

    pub(super) fn stands_at(&mut self, cursor: Option<&str>) {
        if let Self::EventStream(stream) = self {
            stream.stands_at(cursor);
        }
    }

    pub(super) const fn restored(&mut self, version: Version) {
        if let Self::Json(json) = self {
            json.restored(version);
        }
    }

    pub(super) fn joined(&mut self) {
        if let Self::Consul(consul) = self {
            consul.joined();
        }
    }

    pub(super) fn decode(&mut self, event: &Event<'_>, polled: bool, whole: &mut Decoding<'_>) {
        let kind = event.kind;
        match self {
            Self::Relay(relay) if polled => relay.polled(whole),
            Self::Relay(relay) => relay.decode(kind, whole),
            Self::Ping if polled => snapshot_of_flags(whole),
            Self::Ping => ping::decode(kind, whole),
            _ if polled => whole.misplaced("this protocol has no polling"),
            Self::AutoConfig => autoconfig::decode(kind, whole),
            Self::Consul(consul) => consul.decode(whole),
            Self::EventStream(stream) => stream.decode(whole),
            Self::Json(json) => json.decode(kind, event.id, whole),
        }
    }
}
