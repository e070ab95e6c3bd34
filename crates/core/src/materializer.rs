//! Stream in, state out.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::FULL;
use crate::bytes::Text;
#[cfg(feature = "full")]
use crate::bytes::utf8;
#[cfg(feature = "full")]
use crate::checkpoint::{self, Checkpoint};
use crate::error::Error;
#[cfg(feature = "full")]
use crate::fold::Fold;
use crate::frame::Frame;
#[cfg(feature = "full")]
use crate::framing::Framing;
use crate::item::{Change, Item, Tombstones};
use crate::message::{Event, Message};
use crate::protocol::{Protocol, promise};
use crate::sse::SseEvent;
#[cfg(feature = "full")]
use crate::state::Places;
use crate::state::State;
use crate::time::Instant;
use crate::trace::Traced;
use crate::view::View;
#[cfg(not(feature = "full"))]
use crate::{
    lean::{decode::decode, fold::Fold},
    plain::Plain as Framing,
};

/// What becomes of the state that is there when a new snapshot begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refill {
    /// It stays readable until the new snapshot is whole, and then changes only where it differs.
    #[default]
    Aside,
    /// It is emptied first, as Consul's own materializer does. For comparison with recordings.
    EmptyFirst,
}

/// When a value is checked to be JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judge {
    /// When somebody reads it ([`Item::json`](crate::Item::json)).
    #[default]
    WhenRead,
    /// When it arrives: an item whose value is not JSON keeps the version and value that it had.
    OnArrival,
}

/// The choices that a materializer leaves open.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MaterializerOptions {
    /// What becomes of the old state under a new snapshot.
    #[cfg(feature = "full")]
    pub refill: Refill,
    /// When values are judged.
    #[cfg(feature = "full")]
    pub judge: Judge,
    /// How long deletions are remembered.
    #[cfg(feature = "full")]
    pub tombstones: Tombstones,
    /// The largest event, in bytes.
    pub max_event_bytes: usize,
    /// Whether to record what every event did, for [`Materializer::take_trace`].
    #[cfg(feature = "full")]
    pub trace: bool,
}

impl Default for MaterializerOptions {
    fn default() -> Self {
        Self {
            #[cfg(feature = "full")]
            refill: Refill::default(),
            #[cfg(feature = "full")]
            judge: Judge::default(),
            #[cfg(feature = "full")]
            tombstones: Tombstones::default(),
            max_event_bytes: 64 << 20,
            #[cfg(feature = "full")]
            trace: false,
        }
    }
}

/// A transaction that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Whether it was a snapshot.
    pub snapshot: bool,
    /// Whether items are gone.
    pub removes: bool,
    /// Its changes are those of [`Materializer::changes`] up to here, from where the commit
    /// before it ended.
    pub end: usize,
}

/// What the events of one input asked for, beside changing the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states")]
pub struct Signals {
    /// How many events, comments included, there were.
    pub events: usize,
    /// At least one transaction was committed.
    pub committed: bool,
    /// The server said that the state is its own (no transfer needed).
    pub up_to_date: bool,
    /// The server's verdict on the resume.
    pub resumed: Option<bool>,
    /// The server's heartbeat interval, in milliseconds.
    pub heartbeat_every: Option<u64>,
    /// The server's reconnection time (`retry:`), in milliseconds.
    pub retry: Option<u64>,
    /// The position that the transfer leads to.
    pub target: Option<u64>,
    /// The state must be fetched anew.
    pub invalidated: bool,
    /// The connection is to be dropped and made again; nothing after this was read.
    pub reconnect: bool,
    /// The server announced that it will close.
    #[cfg(feature = "full")]
    pub goodbye: Option<Box<str>>,
    /// The server announced that it will close.
    #[cfg(not(feature = "full"))]
    pub goodbye: Option<()>,
    /// A fault that was reported and passed over.
    #[cfg(feature = "full")]
    pub fault: Option<Error>,
}

/// Takes in one stream and keeps its items in a [`State`], and a [`View`] up to date with it.
///
/// It does no I/O and makes no connections: give it the bytes (or events) of a stream with
/// [`push`](Self::push) ([`event`](Self::event)), and say [`connected`](Self::connected) when a
/// new connection begins. A [`Session`](crate::Session) does that, and all that belongs to a
/// connection.
///
/// - M1: readers never see half of a transaction or of a snapshot.
/// - M2: an older version never replaces a newer one, also not after a deletion (where the
///   protocol has versions; else the cursor never goes back).
/// - M3: bad input changes nothing.
///
/// ```
/// use highwater_core::{Instant, Materializer, Protocol};
/// let mut flags = Materializer::new(Protocol::relay());
/// flags.push(Instant::default(), b"event: put\ndata: {\"path\":\"/\",\"data\":{\"flags\":{\"dark\":{\"version\":3,\"on\":true}}}}\n\n")?;
/// let dark = flags.state().get("flags", "dark").unwrap();
/// assert_eq!((dark.version, dark.json().unwrap()), (3, r#"{"version":3,"on":true}"#));
/// # Ok::<(), highwater_core::Error>(())
/// ```
pub struct Materializer<V = ()> {
    protocol: Protocol,
    framing: Framing,
    fold: Fold<V>,
}

impl Materializer {
    /// A materializer that keeps a [`State`] and no other view.
    pub fn new(protocol: Protocol) -> Self {
        Self::with_view(protocol, (), MaterializerOptions::default())
    }
}

impl<V: View> Materializer<V> {
    /// A materializer that keeps `view` up to date as well.
    pub fn with_view(protocol: Protocol, view: V, options: MaterializerOptions) -> Self {
        Self {
            framing: Framing::sse(options.max_event_bytes),
            fold: Fold::new(
                #[cfg(feature = "full")]
                protocol.gate(),
                view,
                options,
            ),
            protocol,
        }
    }

    /// A new connection begins: what the old one left unfinished is dropped.
    pub fn connected(&mut self) {
        self.fold.drop_transfer();
        self.framing.end();
        self.protocol.connected(self.fold.cursor());
    }

    /// The coming stream is lines of JSON (NDJSON), or else server-sent events.
    pub fn read_lines(&mut self, lines: bool) {
        self.framing.read_lines(lines, self.fold.options().max_event_bytes);
    }

    /// Forgets the changes of earlier inputs. Call it before each input whose changes you read.
    pub fn begin(&mut self) {
        self.fold.begin();
    }

    /// Reads the next bytes of the stream, cut anywhere. After an error the rest of `bytes` and
    /// of the connection is not to be read; say [`connected`](Self::connected) and go on with the
    /// next.
    #[cfg(feature = "full")]
    pub fn push(&mut self, now: Instant, bytes: &[u8]) -> Result<Signals, Error> {
        let mut signals = Signals::default();
        self.push_into(now, bytes, &mut signals)?;
        Ok(signals)
    }

    /// Reads one event that a transport has already taken out of its frame.
    #[cfg(feature = "full")]
    pub fn event(&mut self, now: Instant, event: &Event<'_>) -> Result<Signals, Error> {
        let mut signals = Signals::default();
        self.event_into(now, event, &mut signals)?;
        Ok(signals)
    }

    /// Reads the answer to a poll, which [`Signals::invalidated`] asked for: all that there is.
    #[cfg(feature = "full")]
    pub fn fetched(&mut self, now: Instant, body: &[u8]) -> Result<Signals, Error> {
        let mut signals = Signals::default();
        self.fetched_into(now, body, &mut signals)?;
        Ok(signals)
    }

    /// As [`push`](Self::push); an error leaves what came before it in `signals`.
    pub(crate) fn push_into(
        &mut self,
        now: Instant,
        bytes: &[u8],
        signals: &mut Signals,
    ) -> Result<(), Error> {
        let result = self.read(now, bytes, signals);
        result.and(self.fold.leave(bytes))
    }

    #[cfg_attr(
        not(feature = "full"),
        allow(unused_variables, reason = "what follows needs no clock")
    )]
    fn read(&mut self, now: Instant, bytes: &[u8], signals: &mut Signals) -> Result<(), Error> {
        let Self { protocol, framing, fold } = self;
        let mut rest = bytes;
        let limit = fold.options().max_event_bytes;
        loop {
            // Nearly all that comes: items that are put, each whole in the chunk.
            if protocol.promises_puts() && framing.is_fresh() {
                let all = rest;
                while let Some((put, size)) = promise::framed(rest, limit)
                    && fold.promised_put(&put, bytes)
                {
                    signals.events += 1;
                    rest = rest.get(size..).unwrap_or_default();
                }
                framing.skip(all.len() - rest.len());
            }
            let Some(frame) = framing.next(&mut rest) else {
                break;
            };
            signals.events += 1;
            match frame {
                Frame::Event(event) => {
                    let SseEvent { kind, data, .. } = event;
                    let put = protocol.promised_put(kind, data);
                    if put.is_some_and(|put| fold.promised_put(&put, bytes)) {
                        continue;
                    }
                    #[cfg(feature = "full")]
                    {
                        // No protocol has a type that is not UTF-8: any stand-in is as unknown.
                        let kind = utf8(kind).unwrap_or("\u{fffd}");
                        let event = Event { kind, data, id: event.id };
                        decode(protocol, fold, now, &event, bytes, signals, false)?;
                    }
                    #[cfg(not(feature = "full"))]
                    decode(protocol.promise(), fold, kind, data, bytes, signals)?;
                }
                Frame::Comment => {}
                #[cfg(feature = "full")]
                Frame::Retry(millis) => signals.retry = Some(millis),
                #[cfg(feature = "full")]
                Frame::TooLarge { limit, at } => return Err(Error::TooLarge { limit, at }),
                #[cfg(not(feature = "full"))]
                Frame::Unlike => return Err(Error::unlike()),
            }
            if FULL && signals.reconnect || signals.goodbye.is_some() {
                break;
            }
        }
        Ok(())
    }

    #[cfg(feature = "full")]
    pub(crate) fn event_into(
        &mut self,
        now: Instant,
        event: &Event<'_>,
        signals: &mut Signals,
    ) -> Result<(), Error> {
        signals.events += 1;
        self.framing.saw_id(event.id);
        let limit = self.fold.options().max_event_bytes;
        if event.data.len() > limit {
            return Err(Error::TooLarge { limit, at: 0 });
        }
        let put = self.protocol.promised_put(event.kind.as_bytes(), event.data);
        if put.is_some_and(|put| self.fold.promised_put(&put, event.data)) {
            return self.fold.leave(event.data);
        }
        let result =
            decode(&mut self.protocol, &mut self.fold, now, event, event.data, signals, false);
        result.and(self.fold.leave(event.data))
    }

    #[cfg(feature = "full")]
    pub(crate) fn fetched_into(
        &mut self,
        now: Instant,
        body: &[u8],
        signals: &mut Signals,
    ) -> Result<(), Error> {
        signals.events += 1;
        let event = Event { kind: "poll", data: body, id: "" };
        decode(&mut self.protocol, &mut self.fold, now, &event, &[], signals, true)
    }

    /// Drops the position, so that the next connection asks for everything. The state stays until
    /// that is there (or is emptied now, with [`Refill::EmptyFirst`]).
    pub fn reset(&mut self) {
        self.framing.forget_id();
        self.fold.reset();
    }

    /// The items.
    pub const fn state(&self) -> &State {
        self.fold.state()
    }

    /// The view.
    pub const fn view(&self) -> &V {
        self.fold.view()
    }

    /// What changed since [`begin`](Self::begin). No-ops are not among it.
    pub fn changes(&self) -> &[Change] {
        self.fold.changes()
    }

    /// The transactions since [`begin`](Self::begin).
    pub fn commits(&self) -> &[Commit] {
        self.fold.commits()
    }

    /// Where the stream was last whole; what a resume asks for.
    pub fn cursor(&self) -> Option<&Text> {
        self.fold.cursor()
    }

    /// The last event id of the stream; empty when there is none.
    pub fn last_event_id(&self) -> &str {
        self.framing.last_event_id()
    }

    /// How many steps of an unfinished transfer are waiting for its end.
    pub fn staged(&self) -> usize {
        self.fold.staged()
    }

    /// Whether a snapshot has begun and not ended.
    pub fn in_snapshot(&self) -> bool {
        self.fold.in_snapshot()
    }

    /// Whether all that came has taken effect: no event and no transfer is under way.
    #[cfg(feature = "full")]
    pub fn is_settled(&self) -> bool {
        self.staged() == 0 && !self.in_snapshot() && self.framing.is_between_events()
    }

    /// Goes on in the connection at hand from where another reader of it stood when that was
    /// [settled](Self::is_settled), whose checkpoint `bytes` is; empty if the state is the same.
    #[cfg(feature = "full")]
    pub(crate) fn join_into(
        &mut self,
        now: Instant,
        promised: bool,
        bytes: &[u8],
        signals: &mut Signals,
    ) -> Result<(), Error> {
        if !bytes.is_empty() {
            self.restore_checkpoint(now, bytes)?;
            signals.committed = true;
        }
        self.protocol.joined(promised);
        self.fold.joined();
        signals.up_to_date = true;
        Ok(())
    }

    /// The protocol, with its state.
    pub const fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Begins or ends the recording of what every event does.
    #[cfg(feature = "full")]
    pub fn set_tracing(&mut self, on: bool) {
        self.fold.set_tracing(on);
    }

    /// What every event did since this was last called; empty unless tracing.
    #[cfg(feature = "full")]
    pub fn take_trace(&mut self) -> Vec<Traced> {
        self.fold.take_trace()
    }

    /// Takes up a state that was kept elsewhere: the materializer must be new.
    #[cfg(feature = "full")]
    pub fn restore<'i>(&mut self, cursor: Option<&str>, items: impl Iterator<Item = Item<'i>>) {
        self.fold.restore(cursor, items);
    }

    /// The state and the position as bytes, of the moment of the last commit: what
    /// [`restore_checkpoint`](Self::restore_checkpoint) takes up again, in this process or another.
    ///
    /// It holds the items, the deletions that are remembered, the cursor and the last event id.
    /// What it is a checkpoint of (the address, the options) is for the caller to remember.
    ///
    /// ```
    /// use highwater_core::{Instant, Materializer, Protocol};
    /// let mut flags = Materializer::new(Protocol::relay());
    /// let now = Instant::default();
    /// flags.push(now, b"event: put\ndata: {\"data\":{\"flags\":{\"dark\":{\"version\":3}}}}\n\n")?;
    /// let bytes = flags.checkpoint();
    ///
    /// let mut later = Materializer::new(Protocol::relay());
    /// later.restore_checkpoint(now, &bytes)?;
    /// assert_eq!(later.state().get("flags", "dark"), flags.state().get("flags", "dark"));
    /// assert!(later.restore_checkpoint(now, &bytes[..20]).is_err()); // and nothing has changed
    /// # Ok::<(), highwater_core::Error>(())
    /// ```
    #[cfg(feature = "full")]
    pub fn checkpoint(&self) -> Vec<u8> {
        // While a transfer is being collected the id may be that of one of its events.
        let between = self.staged() == 0 && !self.in_snapshot();
        let last_event_id = if between { self.last_event_id() } else { "" };
        checkpoint::write(self.protocol.name(), last_event_id, self.cursor(), self.state())
    }

    /// Takes up a [`checkpoint`](Self::checkpoint), as a snapshot: what differs is among the
    /// [`changes`](Self::changes). Not while a connection is open. The remembered deletions count
    /// as old as `now`.
    ///
    /// Bytes that are no checkpoint of this protocol change nothing; nor does one of a position
    /// before this one, where positions say their order.
    #[cfg(feature = "full")]
    pub fn restore_checkpoint(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Error> {
        self.take_over(now, bytes, Places::default())
    }

    /// The same; and, in a state that is new, its items are at these places.
    #[cfg(feature = "full")]
    pub(crate) fn take_over(
        &mut self,
        now: Instant,
        bytes: &[u8],
        places: Places<'_>,
    ) -> Result<(), Error> {
        let checkpoint = Checkpoint::read(bytes, self.protocol.name())?;
        let Self { protocol, framing, fold } = self;
        let mut signals = Signals::default();
        fold.event(now, &Event { kind: "checkpoint", data: b"", id: "" });
        fold.state_mut().number_kinds(&places);
        let (mut last, mut items) = (0, 0);
        let told = checkpoint.tell(&mut |message| {
            if let Message::Upsert { version, .. } = message {
                last = last.max(version);
                if let Some(slot) = places.of(items) {
                    fold.state_mut().leave_gap_before(slot);
                }
                items += 1;
            }
            fold.message(now, message, &[], &mut signals)
        });
        fold.drop_transfer();
        if told.is_err() {
            // The view refused it, and is owed everything.
            self.reset();
            return told;
        }
        if signals.committed {
            protocol.restored(last);
            framing.saw_id(checkpoint.last_event_id);
        }
        if !places.is_empty() {
            fold.state_mut().take_places(places);
        }
        Ok(())
    }
}

#[cfg(feature = "full")]
fn decode<V: View>(
    protocol: &mut Protocol,
    fold: &mut Fold<V>,
    now: Instant,
    event: &Event<'_>,
    chunk: &[u8],
    signals: &mut Signals,
    polled: bool,
) -> Result<(), Error> {
    fold.event(now, event);
    #[cfg(feature = "full")]
    protocol.stands_at(fold.cursor());
    let decoded =
        protocol.tell(event, polled, &mut |message| fold.message(now, message, chunk, signals));
    if let Err(error) = &decoded {
        fold.fault(error);
    }
    decoded
}
