//! A session: inputs in, effects out, and how things stand.
//!
//! A materializer by itself is a session that nobody starts.

use alloc::boxed::Box;

#[cfg(feature = "full")]
use highwater_core::Event;
#[cfg(not(feature = "full"))]
use highwater_core::SessionOptions;
use highwater_core::{
    ConnectionId, Duration, Failure, Input as Happening, Instant, Protocol, Session,
};

#[cfg(feature = "full")]
use super::full::{self, Hook};
use super::input::Input;
use super::{Machine, export};
#[cfg(feature = "full")]
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
        #[cfg(feature = "full")]
        let options = settings::session(&protocol, &|at| input.double(at));
        #[cfg(not(feature = "full"))]
        let options = SessionOptions::of(|at| input.double(at));
        Some(Box::new(Session::new(protocol, hook, options)))
    }

    fn session_free(session: Box<Machine>) {
        drop(session);
    }

    /// Takes in what happened, to a connection or without one (0): so many bytes; the answer's status,
    /// and for how many milliseconds the server asks to be left alone, or NaN; whether a failure will
    /// pass, or -1.
    fn session_input(session: &mut Machine, now: f64, what: u32, connection: u32, number: f64, wait: f64) -> u32 {
        let mut input = Input::take();
        let connection = ConnectionId::from_u32(connection);
        let mut texts = [None; 3];
        if what >= PAUSE {
            texts[0] = input.next();
        }
        #[cfg(feature = "full")]
        if what == EVENT {
            (texts[1], texts[2]) = (input.next(), input.next());
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
            OPENED => Happening::Opened {
                connection,
                status: number as u16,
                // None is as good as an empty one, and no wait as one of 0, which NaN becomes.
                content_type: Some(text()),
                retry_after: Some(Duration::from_millis(wait as u64)),
            },
            // 11: it failed.
            _ => {
                let failure = Failure::Network {
                    what: text(),
                    // The edge of the lean module does not know.
                    #[cfg(feature = "full")]
                    temporary: if number >= 0.0 { Some(number > 0.0) } else { None },
                };
                Happening::Failed { connection, failure }
            }
        };
        take(session, now, happening)
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
#[cfg(feature = "full")]
const EVENT: u32 = 12;
const OPENED: u32 = 13;
