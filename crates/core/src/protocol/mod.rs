//! What the events of each protocol mean.
//!
//! A protocol turns [`Event`]s into [`Message`]s, one event at a time. It knows the wire format
//! and the rules of its own sequence, and nothing of connections or of the state.

mod autoconfig;
mod consul;
mod fdv2;
mod json;
mod ping;
mod promise;
mod relay;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::error::Error;
use crate::item::Gate;
use crate::json::JsonError;
use crate::message::{Event, Message, Version};

pub use fdv2::Mode;
pub use json::JsonSpec;

/// Where a protocol puts what it decoded.
pub type Sink<'s> = &'s mut dyn FnMut(Message<'_>) -> Result<(), Error>;

/// The same within: whoever takes the messages keeps what is wrong with one.
pub(crate) type Emit<'s> = &'s mut dyn FnMut(Message<'_>) -> Decoded;

/// Why an event was not decoded to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Its data is not what the protocol says.
    Data(JsonError),
    /// It may not stand where it stands.
    Order(&'static str),
    /// Whoever took the messages refused one.
    Refused,
}

impl Fault {
    const fn at(at: usize, what: &'static str) -> Self {
        Self::Data(JsonError { at, what })
    }
}

impl From<JsonError> for Fault {
    fn from(error: JsonError) -> Self {
        Self::Data(error)
    }
}

pub(crate) type Decoded = Result<(), Fault>;

/// One of the protocols that a stream may speak.
///
/// | protocol | a snapshot is | changes are | versions decide |
/// | --- | --- | --- | --- |
/// | [`fdv2`](Self::fdv2) | `server-intent` … `payload-transferred` | the same | not: the cursor does |
/// | [`relay`](Self::relay) | `put` | `patch`, `delete` | per key; a put replaces all |
/// | [`ping`](Self::ping) | fetched after each `ping` | | per key; a fetch replaces all |
/// | [`autoconfig`](Self::autoconfig) | `put` | `patch`, `delete` | per key, in puts too |
/// | [`consul`](Self::consul) | events up to `EndOfSnapshot` | events | not: the index does |
/// | [`json`](Self::json) | as the application says | as it says | per key, if it says where |
#[derive(Debug)]
pub struct Protocol(Kind);

#[derive(Debug)]
enum Kind {
    Fdv2(fdv2::Fdv2),
    Relay(relay::Relay),
    Ping,
    AutoConfig,
    Consul(consul::Consul),
    Json(json::Json),
}

impl Default for Protocol {
    fn default() -> Self {
        Self::fdv2()
    }
}

impl Protocol {
    /// Flag delivery v2: Highwater's own servers, and LaunchDarkly's newest.
    pub const fn fdv2() -> Self {
        Self(Kind::Fdv2(fdv2::Fdv2::new(Vec::new())))
    }

    /// As [`fdv2`](Self::fdv2), but put objects of other kinds than these are skipped.
    pub fn fdv2_of(kinds: &[&str]) -> Self {
        Self(Kind::Fdv2(fdv2::Fdv2::new(kinds.iter().map(|&kind| kind.into()).collect())))
    }

    /// LaunchDarkly's server-side stream, `/all`: kinds `flags` and `segments`.
    pub const fn relay() -> Self {
        Self(Kind::Relay(relay::Relay::all()))
    }

    /// LaunchDarkly's old server-side stream, `/flags`: kind `flags` alone.
    pub const fn flags() -> Self {
        Self(Kind::Relay(relay::Relay::flags_only()))
    }

    /// LaunchDarkly's client-side streams, `/mping`, `/meval`, `/eval` and `/ping`: a ping says
    /// that the state is to be fetched again. Kind `flags`.
    pub const fn ping() -> Self {
        Self(Kind::Ping)
    }

    /// LaunchDarkly Relay's automatic configuration: kinds `environments` and `filters`.
    pub const fn autoconfig() -> Self {
        Self(Kind::AutoConfig)
    }

    /// Consul's subscribe stream as JSON.
    pub const fn consul() -> Self {
        Self(Kind::Consul(consul::Consul::new(false)))
    }

    /// Consul's subscribe stream, treated exactly as Consul's own client does: framing events in
    /// places where they are not expected reach the view as if they were data. For comparison
    /// with recordings.
    pub const fn consul_recorded() -> Self {
        Self(Kind::Consul(consul::Consul::new(true)))
    }

    /// Any stream of JSON, as the application describes it.
    pub fn json(spec: JsonSpec) -> Self {
        Self(Kind::Json(json::Json::new(spec)))
    }

    /// The protocol of this name, with its defaults: `fdv2`, `relay`, `flags`, `ping`,
    /// `autoconfig`, `consul` or `json`.
    ///
    /// ```
    /// # use highwater_core::Protocol;
    /// assert_eq!(Protocol::named("relay").unwrap().name(), "relay");
    /// assert!(Protocol::named("soap").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "fdv2" => Self::fdv2(),
            "relay" => Self::relay(),
            "flags" => Self::flags(),
            "ping" => Self::ping(),
            "autoconfig" => Self::autoconfig(),
            "consul" => Self::consul(),
            "json" => Self::json(JsonSpec::default()),
            _ => return None,
        })
    }

    /// The protocol's name.
    pub const fn name(&self) -> &'static str {
        match &self.0 {
            Kind::Fdv2(_) => "fdv2",
            Kind::Relay(relay) => relay.name(),
            Kind::Ping => "ping",
            Kind::AutoConfig => "autoconfig",
            Kind::Consul(_) => "consul",
            Kind::Json(_) => "json",
        }
    }

    /// How versions decide.
    pub fn gate(&self) -> Gate {
        match &self.0 {
            Kind::Fdv2(_) | Kind::Consul(_) => Gate::Cursor,
            Kind::Relay(_) | Kind::Ping => Gate::PerKeySnapshotReplaces,
            Kind::AutoConfig => Gate::PerKey,
            Kind::Json(json) => json.gate(),
        }
    }

    /// Where an FDv2 stream stands; `None` for other protocols.
    pub const fn mode(&self) -> Option<Mode> {
        if let Kind::Fdv2(fdv2) = &self.0 { Some(fdv2.mode()) } else { None }
    }

    /// The types of event that the protocol knows: what a platform's own `EventSource`, which
    /// hands out events by type, has to listen for.
    pub fn event_types(&self) -> Vec<&str> {
        let types: &[&str] = match &self.0 {
            Kind::Fdv2(_) => &[
                "server-intent",
                "put-object",
                "delete-object",
                "payload-transferred",
                "error",
                "goodbye",
                "heart-beat",
            ],
            Kind::Relay(_) => &["put", "patch", "delete"],
            Kind::Ping => &["ping", "put", "patch", "delete"],
            Kind::AutoConfig => &["put", "patch", "delete", "reconnect"],
            Kind::Consul(_) => &["message"],
            Kind::Json(json) => return json.event_types(),
        };
        types.to_vec()
    }

    /// What a connection adds to the query of its address.
    pub fn query(&self, cursor: Option<&str>) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        match (&self.0, cursor) {
            (Kind::Fdv2(_), Some(state)) if !state.is_empty() => {
                query.push(("basis", state.to_string()));
            }
            (Kind::Consul(_), Some(index)) => query.push(("index", index.to_string())),
            (Kind::AutoConfig, _) => query.push(("rpacProtocolVersion", "2".to_string())),
            _ => {}
        }
        query
    }

    /// Whether this answer means that trying again is no use.
    ///
    /// Sources: the auto-configuration client stops at 401 and 403 alone; SDK streams take every
    /// 4xx but 400, 408 and 429 for permanent; to a plain event source 204 means "stop".
    pub const fn is_terminal(&self, status: u16) -> bool {
        match &self.0 {
            Kind::AutoConfig => matches!(status, 401 | 403),
            Kind::Json(_) => {
                status == 204 || matches!(status, 400..500) && !matches!(status, 408 | 425 | 429)
            }
            _ => matches!(status, 400..500) && !matches!(status, 400 | 408 | 429),
        }
    }

    /// Whether the stream brings a whole state at some time, before which there is none.
    pub(crate) const fn has_snapshots(&self) -> bool {
        if let Kind::Json(json) = &self.0 { json.has_snapshots() } else { true }
    }

    /// Whether a fault in the data puts the position in doubt.
    pub(crate) const fn resets_on_fault(&self) -> bool {
        matches!(self.0, Kind::Consul(_))
    }

    /// A new connection begins, which asks for what follows `cursor`.
    pub fn connected(&mut self, cursor: Option<&str>) {
        match &mut self.0 {
            Kind::Fdv2(fdv2) => fdv2.connected(),
            Kind::Consul(consul) => consul.connected(cursor),
            _ => {}
        }
    }

    /// A state was taken up that knows versions up to this one.
    pub(crate) fn restored(&mut self, version: Version) {
        if let Kind::Json(json) = &mut self.0 {
            json.restored(version);
        }
    }

    /// Decodes an event, and gives what it means to `sink`, whose refusal ends the decoding. After
    /// an error nothing of the transfer that the event belongs to is to take effect.
    ///
    /// ```
    /// use highwater_core::{Event, Message, Protocol};
    /// let mut kinds = Vec::new();
    /// let event = Event { kind: "delete", data: br#"{"path":"/flags/x","version":2}"#, id: "" };
    /// Protocol::relay().decode(&event, &mut |message| {
    ///     kinds.push(matches!(message, Message::Delete { key: "x", version: 2, .. }));
    ///     Ok(())
    /// })?;
    /// assert_eq!(kinds, [false, true, false]); // it begins, deletes, commits
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    pub fn decode(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Result<(), Error> {
        self.tell(event, false, sink)
    }

    /// Decodes the answer to a poll: everything that there is.
    pub fn polled(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Result<(), Error> {
        self.tell(event, true, sink)
    }

    /// Decodes an event, or the answer to a poll.
    pub(crate) fn tell(
        &mut self,
        event: &Event<'_>,
        polled: bool,
        sink: Sink<'_>,
    ) -> Result<(), Error> {
        let mut refusal = None;
        let emit: Emit<'_> = &mut |message| {
            sink(message).map_err(|error| {
                refusal = Some(error);
                Fault::Refused
            })
        };
        let decoded = match &mut self.0 {
            Kind::Fdv2(fdv2) if polled => fdv2.polled(event.data, emit),
            Kind::Fdv2(fdv2) => fdv2.decode(event, emit),
            Kind::Relay(relay) if polled => relay.polled(event.data, emit),
            Kind::Relay(relay) => relay.decode(event, emit),
            Kind::Ping if polled => ping::polled(event.data, emit),
            Kind::Ping => ping::decode(event, emit),
            _ if polled => Err(Fault::Order("this protocol has no polling")),
            Kind::AutoConfig => autoconfig::decode(event, emit),
            Kind::Consul(consul) => consul.decode(event, emit),
            Kind::Json(json) => json.decode(event, emit),
        };
        decoded.map_err(|fault| {
            let event = || event.kind.into();
            match (fault, refusal) {
                (Fault::Refused, Some(error)) => error,
                (Fault::Data(cause), _) => Error::Data { event: event(), cause },
                (Fault::Order(what), _) => Error::Order { event: event(), what },
                (Fault::Refused, None) => Error::Order { event: event(), what: "" },
            }
        })
    }
}
