//! A session: inputs in, effects out, and how things stand.
//!
//! A materializer by itself is a session that nobody starts.

use alloc::boxed::Box;

#[cfg(feature = "full")]
use highwater_core::Event;
use highwater_core::{
    ConnectionId, Effect, Failure, Input as Happening, Instant, Protocol, Session, Status,
};

#[cfg(feature = "full")]
use super::full::{self, Hook};
use super::input::Input;
use super::output::Output;
use super::{Machine, export, fault, put_text};
use crate::settings;

/// What an input led to, as bits of a number.
pub(super) mod bit {
    /// There is something to do.
    pub(crate) const EFFECTS: u32 = 1;
    /// Transactions took effect.
    pub(super) const COMMITS: u32 = 2;
    /// Items are gone.
    pub(super) const GONE: u32 = 4;
    /// There was a whole state at some time.
    pub(super) const SYNCED: u32 = 8;
    /// The session is over.
    pub(super) const STOPPED: u32 = 16;
    /// Of a materializer: the input was at fault.
    #[cfg(feature = "full")]
    pub(crate) const FAULT: u32 = 32;
    /// The server at hand is one of our own.
    pub(super) const OWN: u32 = 64;
    /// The stream is none that this module reads.
    pub(super) const FOREIGN: u32 = 128;
    /// Of a materializer: it asked for something, or was at fault, as the text says.
    #[cfg(feature = "full")]
    pub(crate) const TOLD: u32 = 256;
}

export! {
    /// Makes a session, out of so many numbers (see `settings.rs`) and a protocol (see
    /// [`full::protocol`]); nothing if there is no such protocol.
    fn session_new(count: usize, view: u32) -> Option<Box<Machine>> {
        let mut input = Input::take().behind(count * 8);
        let (protocol, hook) = kind(&mut input, view != 0)?;
        let options = settings::session(&protocol, &|at| input.double(at));
        Some(Box::new(Session::new(protocol, hook, options)))
    }

    fn session_free(session: Box<Machine>) {
        drop(session);
    }

    /// Takes in what happened, to a connection or without one (0).
    fn session_input(session: &mut Machine, now: f64, what: u32, connection: u32, number: f64) -> u32 {
        let mut input = Input::take();
        let connection = ConnectionId::from_u32(connection);
        let mut texts = [None; 3];
        let count = if FULL && what == EVENT { 3 } else { usize::from(what >= PAUSE) };
        for text in texts.iter_mut().take(count) {
            *text = input.next();
        }
        let text = || input.text(texts[0]);
        let happening = match what {
            START => Happening::Start,
            RECONNECT => Happening::Reconnect,
            WAKE => Happening::Wake,
            OFFLINE => Happening::Offline,
            ONLINE => Happening::Online,
            STOP => Happening::Stop,
            ENDED => Happening::Ended { connection },
            #[cfg(feature = "full")]
            ABORTED => Happening::Failed { connection, failure: Failure::Aborted },
            BYTES => Happening::Bytes { connection, bytes: input.bytes(number as usize) },
            PAUSE => Happening::Pause { reason: text() },
            UNPAUSE => Happening::Unpause { reason: text() },
            #[cfg(feature = "full")]
            EVENT => Happening::Event { connection, event: event(&input, texts) },
            // The last, 11: it failed.
            _ => {
                // The edge of the lean module does not know.
                let temporary = if FULL && number >= 0.0 { Some(number > 0.0) } else { None };
                let failure = Failure::Network { what: text(), temporary };
                Happening::Failed { connection, failure }
            }
        };
        take(session, now, happening)
    }

    /// The server has answered, with this content type; `retry_after` in milliseconds, or NaN.
    fn session_opened(session: &mut Machine, now: f64, connection: u32, status: u32, retry_after: f64) -> u32 {
        let mut input = Input::take();
        let content_type = input.next();
        take(session, now, Happening::Opened {
            connection: ConnectionId::from_u32(connection),
            status: status as u16,
            content_type: content_type.map(|_| input.text(content_type)),
            retry_after: if retry_after.is_nan() { None } else { Some(settings::millis(retry_after)) },
        })
    }

    /// What there is to do: `[["connect", id, attempt, last event id, name, value, …]`,
    /// `["disconnect", id]`, `["fetch", id]`, `["wake", at], …]`.
    fn session_effects(session: &mut Machine) -> u32 {
        Output::write(&mut |out| {
            for effect in session.take_effects() {
                out.open();
                write_effect(out, &effect, session.materializer().cursor());
                out.close();
            }
        })
    }

    /// How things stand: `[phase, connected, attempt, failures, resumed, version, cursor,
    /// retry at, stale since, received, target, synced, news, error]`.
    fn session_status(session: &Machine) -> u32 {
        Output::write(&mut |out| status(session, out))
    }

    /// What the session in the other module is to [`session_arrive`](full::session_arrive) with, as
    /// bytes: this one is only to be freed afterwards. The other goes on with the connection at
    /// hand, or asks for another.
    fn session_leave(session: &Machine, keeps_connection: u32) -> u32 {
        put_text(session.leave(keeps_connection != 0))
    }

    /// The state and the position as bytes: they are the text, and the answer is how many.
    fn session_checkpoint(session: &Machine) -> u32 {
        put_text(session.materializer().checkpoint())
    }

    /// Where the stream stands: `[cursor, mode, last event id]`, the first of them at least.
    fn position(session: &Machine) -> u32 {
        let materializer = session.materializer();
        Output::write(&mut |out| {
            out.maybe_text(materializer.cursor());
            #[cfg(feature = "full")]
            {
                out.maybe_text(full::mode(materializer.protocol()));
                out.text(materializer.last_event_id());
            }
        })
    }
}

#[cfg(feature = "full")]
fn kind(input: &mut Input, view: bool) -> Option<(Protocol, Hook)> {
    Some((full::protocol(input)?, Hook::new(view)))
}

/// There is one protocol, and no view.
#[cfg(not(feature = "full"))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there may be none")]
fn kind(_: &mut Input, _: bool) -> Option<(Protocol, ())> {
    Some((Protocol::fdv2(), ()))
}

#[cfg(feature = "full")]
pub(super) type Texts = [Option<(usize, usize)>; 3];

#[cfg(feature = "full")]
pub(super) fn event(input: &Input, [data, kind, id]: Texts) -> Event<'_> {
    Event { kind: input.text(kind), data: input.raw(data), id: input.text(id) }
}

pub(super) fn at(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}

pub(super) fn take(session: &mut Machine, now: f64, happening: Happening<'_>) -> u32 {
    session.handle(at(now), happening);
    told(session)
}

pub(super) fn told(session: &Machine) -> u32 {
    let materializer = session.materializer();
    let mut bits = 0;
    let mut note = |is: bool, bit: u32| bits |= if is { bit } else { 0 };
    note(session.has_effects(), bit::EFFECTS);
    note(!materializer.commits().is_empty(), bit::COMMITS);
    note(materializer.commits().iter().any(|commit| commit.removes), bit::GONE);
    note(session.is_synced(), bit::SYNCED);
    note(session.is_stopped(), bit::STOPPED);
    note(materializer.protocol().is_promised(), bit::OWN);
    note(session.is_foreign(), bit::FOREIGN);
    bits
}

#[cfg_attr(feature = "full", expect(unused_variables, reason = "it is in the request"))]
fn write_effect(out: &mut Output, effect: &Effect, cursor: Option<&str>) {
    let (word, number) = match effect {
        Effect::Connect(request) => {
            out.text("connect");
            out.number(request.connection.as_u32().into());
            out.number(request.attempt.into());
            #[cfg(feature = "full")]
            out.maybe_text(request.last_event_id.as_deref());
            #[cfg(feature = "full")]
            for (name, value) in &request.query {
                out.text(name);
                out.text(value);
            }
            #[cfg(not(feature = "full"))]
            out.none();
            #[cfg(not(feature = "full"))]
            if let Some(cursor) = cursor {
                out.text("basis");
                out.text(cursor);
            }
            return;
        }
        Effect::Disconnect(id) => ("disconnect", id.as_u32().into()),
        #[cfg(feature = "full")]
        Effect::Fetch(id) => ("fetch", id.as_u32().into()),
        Effect::WakeAt(at) => ("wake", at.as_millis()),
        _ => return,
    };
    out.text(word);
    out.number(number);
}

fn status(session: &Machine, out: &mut Output) {
    let Status {
        phase,
        connected,
        attempt,
        resumed,
        cursor,
        version,
        error,
        failures,
        retry_at,
        stale_since,
        staged,
        target,
        synced,
        news,
        ..
    } = session.status();
    out.text(phase.as_str());
    out.flag(connected);
    out.number(attempt.into());
    out.number(failures.into());
    out.maybe(resumed.map(u64::from));
    out.number(version);
    out.maybe_text(cursor);
    out.maybe(retry_at.map(Instant::as_millis));
    out.maybe(stale_since.map(Instant::as_millis));
    out.number(staged as u64);
    out.maybe(target);
    out.flag(synced);
    out.number(news);
    fault::write(out, error);
}

// What happened; those from PAUSE on come with a text. 11: the connection failed.
const START: u32 = 0;
const RECONNECT: u32 = 1;
const WAKE: u32 = 2;
const OFFLINE: u32 = 3;
const ONLINE: u32 = 4;
const STOP: u32 = 5;
const ENDED: u32 = 6;
#[cfg(feature = "full")]
const ABORTED: u32 = 7;
const BYTES: u32 = 8;
const PAUSE: u32 = 9;
const UNPAUSE: u32 = 10;
const EVENT: u32 = 12;
const FULL: bool = cfg!(feature = "full");
