//! What the events of each protocol mean.
//!
//! A protocol turns [`Event`]s into [`Message`]s, one event at a time. It knows the wire format
//! and the rules of its own sequence, and nothing of connections or of the state.

#[cfg(feature = "full")]
mod autoconfig;
#[cfg(feature = "full")]
mod consul;
#[cfg(feature = "full")]
mod decoding;
#[cfg(feature = "full")]
mod eventstream;
mod fdv2;
#[cfg(feature = "full")]
mod json;
#[cfg(feature = "full")]
mod other;
#[cfg(not(feature = "full"))]
#[path = "none.rs"]
mod other;
#[cfg(feature = "full")]
mod ping;
pub(crate) mod promise;
#[cfg(feature = "full")]
mod relay;

#[cfg(feature = "full")]
use alloc::string::String;
#[cfg(feature = "full")]
use alloc::vec::Vec;

use crate::backoff::Profile;
use crate::bytes::Text;
use crate::error::Error;
use crate::item::Gate;
use crate::message::{Event, Message, Version};

#[cfg(feature = "full")]
use decoding::{Decoding, Fault};
#[cfg(feature = "full")]
pub use fdv2::Mode;
#[cfg(feature = "full")]
pub use json::JsonSpec;
use other::Other;
pub(crate) use promise::Put;

/// Where a protocol puts what it decoded.
pub type Sink<'s> = &'s mut dyn FnMut(Message<'_>) -> Result<(), Error>;

/// One of the protocols that a stream may speak.
///
/// | protocol | a snapshot is | changes are | versions decide |
/// | --- | --- | --- | --- |
/// | [`fdv2`](Self::fdv2) | `server-intent` … `payload-transferred` | the same | not: the cursor does |
/// | [`relay`](Self::relay) | `put` | `patch`, `delete` | per key; a put replaces all |
/// | [`ping`](Self::ping) | fetched after each `ping` | | per key; a fetch replaces all |
/// | [`autoconfig`](Self::autoconfig) | `put` | `patch`, `delete` | per key, in puts too |
/// | [`consul`](Self::consul) | events up to `EndOfSnapshot` | events | not: the index does |
/// | [`eventstream`](Self::eventstream) | | batches of events | not: their sequence IDs do |
/// | [`json`](Self::json) | as the application says | as it says | per key, if it says where |
///
/// Without the feature `full` there is `fdv2` alone, and of it what our own server promises to
/// write.
#[derive(Debug)]
pub struct Protocol(Kind);

#[derive(Debug)]
enum Kind {
    Fdv2(fdv2::Fdv2),
    Other(Other),
}

impl Default for Protocol {
    fn default() -> Self {
        Self::fdv2()
    }
}

impl Protocol {
    /// Flag delivery v2: Highwater's own servers, and LaunchDarkly's newest.
    pub const fn fdv2() -> Self {
        Self(Kind::Fdv2(fdv2::Fdv2::new(
            #[cfg(feature = "full")]
            Vec::new(),
        )))
    }

    /// As [`fdv2`](Self::fdv2), but put objects of other kinds than these are skipped.
    #[cfg(feature = "full")]
    pub fn fdv2_of(kinds: &[&str]) -> Self {
        Self(Kind::Fdv2(fdv2::Fdv2::new(kinds.iter().map(|&kind| kind.into()).collect())))
    }

    /// The protocol of this name, with its defaults: `fdv2`, `json`, `relay`, `flags`, `ping`,
    /// `autoconfig`, `consul` or `eventstream`.
    ///
    /// ```
    /// # use highwater_core::Protocol;
    /// assert_eq!(Protocol::named("relay").unwrap().name(), "relay");
    /// assert!(Protocol::named("soap").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "fdv2" => Some(Self::fdv2()),
            name => Other::named(name).map(|other| Self(Kind::Other(other))),
        }
    }

    /// The protocol's name.
    pub const fn name(&self) -> &'static str {
        match &self.0 {
            Kind::Fdv2(_) => "fdv2",
            Kind::Other(other) => other.name(),
        }
    }

    /// How versions decide.
    pub const fn gate(&self) -> Gate {
        match &self.0 {
            Kind::Fdv2(_) => Gate::Cursor,
            Kind::Other(other) => other.gate(),
        }
    }

    /// Whether the server at hand is our own, and keeps the promises that ours makes.
    pub const fn is_promised(&self) -> bool {
        if let Kind::Fdv2(fdv2) = &self.0 { fdv2.is_promised() } else { false }
    }

    /// Where an FDv2 stream stands; `None` for other protocols.
    #[cfg(feature = "full")]
    pub const fn mode(&self) -> Option<Mode> {
        if let Kind::Fdv2(fdv2) = &self.0 { Some(fdv2.mode()) } else { None }
    }

    /// The types of event that the protocol knows: what a platform's own `EventSource`, which
    /// hands out events by type, has to listen for.
    #[cfg(feature = "full")]
    pub fn event_types(&self) -> Vec<&str> {
        match &self.0 {
            Kind::Fdv2(_) => fdv2::EVENTS.to_vec(),
            Kind::Other(other) => other.event_types(),
        }
    }

    /// What a connection adds to the query of its address.
    #[cfg(feature = "full")]
    pub fn query(&self, cursor: Option<&str>) -> Vec<(&'static str, String)> {
        let asked = match &self.0 {
            Kind::Fdv2(_) => cursor.filter(|state| !state.is_empty()).map(|state| ("basis", state)),
            Kind::Other(other) => other.query(cursor),
        };
        asked.into_iter().map(|(name, value)| (name, value.into())).collect()
    }

    /// Whether this answer means that trying again is no use.
    ///
    /// Sources: the auto-configuration client stops at 401 and 403 alone; SDK streams take every
    /// 4xx but 400, 408 and 429 for permanent; to a plain event source 204 means "stop".
    pub const fn is_terminal(&self, status: u16) -> bool {
        match &self.0 {
            Kind::Fdv2(_) => matches!(status, 400..500) && !matches!(status, 400 | 408 | 429),
            Kind::Other(other) => other.is_terminal(status),
        }
    }

    /// Whether the stream brings a whole state at some time, before which there is none.
    pub(crate) const fn has_snapshots(&self) -> bool {
        if let Kind::Other(other) = &self.0 { other.has_snapshots() } else { true }
    }

    /// Whether a fault in the data puts the position in doubt.
    pub(crate) const fn resets_on_fault(&self) -> bool {
        if let Kind::Other(other) = &self.0 { other.resets_on_fault() } else { false }
    }

    /// How its clients wait between attempts, and the longest silence that they bear, in seconds.
    #[cfg(feature = "full")]
    pub(crate) const fn patience(&self) -> (Profile, Option<u64>) {
        match &self.0 {
            Kind::Fdv2(_) => (Profile::STANDARD, Some(300)),
            Kind::Other(other) => other.patience(),
        }
    }

    /// A new connection begins, which asks for what follows `cursor`.
    pub fn connected(&mut self, cursor: Option<&Text>) {
        match &mut self.0 {
            Kind::Fdv2(fdv2) => fdv2.connected(),
            Kind::Other(other) => other.connected(cursor),
        }
    }

    /// The next event is told to a state that stands there.
    #[cfg(feature = "full")]
    pub(crate) fn stands_at(&mut self, cursor: Option<&str>) {
        if let Kind::Other(other) = &mut self.0 {
            other.stands_at(cursor);
        }
    }

    /// A state was taken up that knows versions up to this one.
    pub(crate) fn restored(&mut self, version: Version) {
        if let Kind::Other(other) = &mut self.0 {
            other.restored(version);
        }
    }

    /// The connection goes on from where another reader of it stands, between two transfers.
    #[cfg(feature = "full")]
    pub(crate) fn joined(&mut self, promised: bool) {
        match &mut self.0 {
            Kind::Fdv2(fdv2) => fdv2.joined(promised),
            Kind::Other(other) => other.joined(),
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
    #[cfg(feature = "full")]
    pub fn decode(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Result<(), Error> {
        self.tell(event, false, sink)
    }

    /// Decodes the answer to a poll: everything that there is.
    #[cfg(feature = "full")]
    pub fn polled(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Result<(), Error> {
        self.tell(event, true, sink)
    }

    /// What is wrong with an event of our own server's, if anything is.
    #[cfg(feature = "full")]
    pub(crate) fn fault_of(event: &Event<'_>) -> Option<Error> {
        let mut fdv2 = fdv2::Fdv2::new(Vec::new());
        fdv2.joined(true);
        Self(Kind::Fdv2(fdv2)).read(event, false, &mut |_| Ok(())).err()
    }

    /// Whether items that are put are told at a glance ([`promise::framed`]).
    #[inline]
    pub(crate) const fn promises_puts(&self) -> bool {
        if let Kind::Fdv2(fdv2) = &self.0 { fdv2.promises_puts() } else { false }
    }

    /// The item that an event puts, if that can be told at a glance: nearly all events of a stream
    /// that keeps promises are such. Any other is to be decoded.
    #[inline]
    pub(crate) fn promised_put<'a>(&self, kind: &[u8], data: &'a [u8]) -> Option<Put<'a>> {
        match &self.0 {
            Kind::Fdv2(fdv2) => fdv2.promised_put(kind, data),
            Kind::Other(_) => None,
        }
    }

    /// Whether the server at hand has promised what our own does.
    #[cfg(not(feature = "full"))]
    pub(crate) const fn promise(&mut self) -> &mut bool {
        match &mut self.0 {
            Kind::Fdv2(fdv2) => fdv2.promise(),
            Kind::Other(other) => match *other {},
        }
    }

    /// Decodes an event, or the answer to a poll.
    #[cfg(feature = "full")]
    pub(crate) fn tell(
        &mut self,
        event: &Event<'_>,
        polled: bool,
        sink: Sink<'_>,
    ) -> Result<(), Error> {
        // What our own server promised to write in one way is read looking no further than need be.
        if let Kind::Fdv2(fdv2) = &mut self.0
            && !polled
            && fdv2.promised(event, sink)?
        {
            return Ok(());
        }
        self.read(event, polled, sink)
    }

    #[cfg(feature = "full")]
    fn read(&mut self, event: &Event<'_>, polled: bool, sink: Sink<'_>) -> Result<(), Error> {
        let mut refusal = None;
        let mut take = |message: Message<'_>| {
            if refusal.is_none() {
                refusal = sink(message).err();
            }
        };
        let mut decoding = Decoding::new(event.data, &mut take);
        let whole = &mut decoding;
        match &mut self.0 {
            Kind::Fdv2(fdv2) if polled => fdv2.polled(whole),
            Kind::Fdv2(fdv2) => fdv2.decode(event.kind, whole),
            Kind::Other(other) => other.decode(event, polled, whole),
        }
        let fault = decoding.fault();
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        match fault {
            None => Ok(()),
            Some(Fault::Data(cause)) => Err(Error::Data { event: event.kind.into(), cause }),
            Some(Fault::Order(what)) => Err(Error::Order { event: event.kind.into(), what }),
        }
    }
}
