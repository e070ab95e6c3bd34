//! A session: inputs in, effects out, and how things stand.
//!
//! A materializer by itself is a session that nobody starts.

use alloc::boxed::Box;
use core::time::Duration;

use highwater_core::{
    Action, ConnectionId, Effect, Event, Failure, Input as Happening, Instant, JsonSpec, Mode,
    Phase, Protocol, Session, Signals, Status,
};

use super::input::Input;
use super::output::Output;
use super::view::Hook;
use super::{BUSY, PORT, Thing, events, export, with_session};
use crate::settings;

/// What an input led to, as bits of a number.
mod bit {
    /// There is something to do.
    pub(super) const EFFECTS: u32 = 1;
    /// Transactions took effect.
    pub(super) const COMMITS: u32 = 2;
    /// Items are gone.
    pub(super) const GONE: u32 = 4;
    /// There was a whole state at some time.
    pub(super) const SYNCED: u32 = 8;
    /// The session is over.
    pub(super) const STOPPED: u32 = 16;
    /// Of a materializer: the input was at fault, and the text says how.
    pub(super) const FAULT: u32 = 32;
}

export! {
    /// Makes a session: `count` numbers (see `settings.rs`), then a protocol (see [`protocol`]).
    fn session_new(count: usize, view: u32) -> u32 {
        let input = Input::take();
        let numbers = input.doubles(count);
        let Some(protocol) = protocol(&mut input.skip(count * 8)) else {
            return BUSY;
        };
        let options = settings::session(&protocol, &numbers);
        Thing::Session(Box::new(Session::new(protocol, Hook::new(view != 0), options))).keep()
    }

    /// Takes in what happened, to a connection or without one (0).
    fn session_input(handle: u32, now: f64, what: u32, connection: u32, number: f64) -> u32 {
        let mut input = Input::take();
        let connection = ConnectionId::from_u32(connection);
        let texts = if what == EVENT { [input.next(), input.next(), input.next()] }
            else if what >= PAUSE { [input.next(), None, None] } else { [None; 3] };
        let text = input.text(texts[0]);
        let happening = match what {
            START => Happening::Start,
            RECONNECT => Happening::Reconnect,
            WAKE => Happening::Wake,
            OFFLINE => Happening::Offline,
            ONLINE => Happening::Online,
            STOP => Happening::Stop,
            ENDED => Happening::Ended { connection },
            ABORTED => Happening::Failed { connection, failure: Failure::Aborted },
            BYTES => Happening::Bytes { connection, bytes: input.bytes(number as usize) },
            PAUSE => Happening::Pause { reason: text },
            UNPAUSE => Happening::Unpause { reason: text },
            FAILED => {
                let temporary = (number >= 0.0).then_some(number > 0.0);
                Happening::Failed {
                    connection,
                    failure: Failure::Network { what: text, temporary },
                }
            }
            EVENT => Happening::Event { connection, event: event(&input, texts) },
            _ => return 0,
        };
        with_session(handle, |session| {
            session.handle(at(now), happening);
            told(session)
        })
        .unwrap_or(BUSY)
    }

    /// The server has answered, with this content type; `retry_after` in milliseconds, or NaN.
    fn session_opened(handle: u32, now: f64, connection: u32, status: u32, retry_after: f64) -> u32 {
        let mut input = Input::take();
        let content_type = input.next();
        let opened = Happening::Opened {
            connection: ConnectionId::from_u32(connection),
            status: status as u16,
            content_type: content_type.map(|_| input.text(content_type)),
            retry_after: (!retry_after.is_nan()).then(|| settings::millis(retry_after)),
        };
        with_session(handle, |session| {
            session.handle(at(now), opened);
            told(session)
        })
        .unwrap_or(BUSY)
    }

    /// The state was fetched; status 0 when there was no answer.
    fn session_fetched(handle: u32, now: f64, connection: u32, status: u32, size: usize) -> u32 {
        let input = Input::take();
        let connection = ConnectionId::from_u32(connection);
        let status = status as u16;
        let fetched = Happening::Fetched { connection, status, body: input.bytes(size) };
        with_session(handle, |session| {
            session.handle(at(now), fetched);
            told(session)
        })
        .unwrap_or(BUSY)
    }

    /// What there is to do: `[["connect", id, attempt, last event id, name, value, …]`,
    /// `["disconnect", id]`, `["fetch", id]`, `["wake", at], …]`.
    fn session_effects(handle: u32) -> u32 {
        with_session(handle, |session| Output::write(|out| out.list(|out| effects(session, out))))
            .unwrap_or(BUSY)
    }

    /// How things stand: `[phase, connected, attempt, failures, resumed, version, cursor,
    /// retry at, stale since, received, target, synced, news, error]`.
    fn session_status(handle: u32) -> u32 {
        with_session(handle, |session| Output::write(|out| out.list(|out| status(session, out))))
            .unwrap_or(BUSY)
    }

    /// The types of event that the protocol knows.
    fn session_types(handle: u32) -> u32 {
        with_session(handle, |session| {
            let types = session.materializer().protocol().event_types();
            Output::write(|out| out.list(|out| types.iter().for_each(|name| out.text(name))))
        })
        .unwrap_or(BUSY)
    }

    /// Begins or ends the recording of what every event does.
    fn session_trace(handle: u32, on: u32) -> u32 {
        with_session(handle, |session| session.materializer_mut().set_tracing(on != 0))
            .map_or(BUSY, |()| 0)
    }

    /// What every event did since this was last called.
    fn session_traced(handle: u32) -> u32 {
        with_session(handle, |session| events::write(&session.materializer_mut().take_trace()))
            .unwrap_or(BUSY)
    }

    /// To a materializer by itself: bytes (0), an event (1), the answer to a poll (2). The text
    /// says what they asked for: `[bits, events, up to date, resumed, reconnect, goodbye,
    /// invalidated, error]`.
    fn push(handle: u32, now: f64, what: u32, size: usize) -> u32 {
        let mut input = Input::take();
        let texts = if what == 1 { [input.next(), input.next(), input.next()] } else { [None; 3] };
        with_session(handle, |session| {
            let materializer = session.materializer_mut();
            materializer.begin();
            let result = match what {
                0 => materializer.push(at(now), input.bytes(size)),
                1 => materializer.event(at(now), &event(&input, texts)),
                _ => materializer.fetched(at(now), input.bytes(size)),
            };
            let fault = if result.is_err() { bit::FAULT } else { 0 };
            let bits = told(session) | fault;
            let quiet = Signals::default();
            Output::write(|out| out.list(|out| {
                let signals = result.as_ref().unwrap_or(&quiet);
                out.number(bits.into());
                out.number(signals.events as u64);
                out.flag(signals.up_to_date);
                out.maybe(signals.resumed.map(u64::from));
                out.flag(signals.reconnect);
                out.maybe_text(signals.goodbye.as_deref());
                out.flag(signals.invalidated);
                events::error(out, result.as_ref().err().or(signals.fault.as_ref()));
            }))
        })
        .unwrap_or(BUSY)
    }

    /// To a materializer by itself: a new connection begins (0; of server-sent events 1, of lines
    /// 2), or the position is dropped (3).
    fn connected(handle: u32, what: u32) -> u32 {
        with_session(handle, |session| {
            let materializer = session.materializer_mut();
            if what == 3 {
                materializer.begin();
                materializer.reset();
                return;
            }
            materializer.connected();
            if what > 0 {
                materializer.read_lines(what == 2);
            }
        })
        .map_or(BUSY, |()| 0)
    }

    /// Where the stream stands: `[cursor, mode, last event id]`.
    fn position(handle: u32) -> u32 {
        with_session(handle, |session| {
            let materializer = session.materializer();
            Output::write(|out| out.list(|out| {
                out.maybe_text(materializer.cursor());
                out.maybe_text(mode(materializer.protocol()));
                out.text(materializer.last_event_id());
            }))
        })
        .unwrap_or(BUSY)
    }
}

/// Reads a protocol: its name; for `fdv2`, kinds; for `json`, its paths and then its types of event.
pub(super) fn protocol(input: &mut Input) -> Option<Protocol> {
    let name = input.owned()?;
    match &*name {
        "consul-recorded" => Some(Protocol::consul_recorded()),
        "fdv2-of" => {
            let kinds: alloc::vec::Vec<_> = core::iter::from_fn(|| input.owned()).collect();
            let kinds: alloc::vec::Vec<&str> = kinds.iter().map(|kind| &**kind).collect();
            Some(Protocol::fdv2_of(&kinds))
        }
        "json-of" => {
            let default = JsonSpec::default();
            let mut spec = JsonSpec {
                items: input.owned().unwrap_or_default(),
                key: input.owned().unwrap_or(default.key),
                kind: input.owned(),
                version: input.owned(),
                value: input.owned().unwrap_or_default(),
                deleted: input.owned(),
                value_last: input.owned().is_some(),
                upsert: alloc::vec::Vec::new(),
                ..default
            };
            for types in [&mut spec.upsert, &mut spec.delete, &mut spec.snapshot] {
                types.extend(core::iter::from_fn(|| input.owned()));
            }
            Some(Protocol::json(spec))
        }
        name => Protocol::named(name),
    }
}

pub(super) fn mode(protocol: &Protocol) -> Option<&'static str> {
    Some(match protocol.mode()? {
        Mode::Full => "full",
        Mode::Changes => "changes",
        Mode::Inactive => "inactive",
    })
}

pub(super) type Texts = [Option<(usize, usize)>; 3];

pub(super) fn event(input: &Input, [kind, data, id]: Texts) -> Event<'_> {
    Event { kind: input.text(kind), data: input.raw(data), id: input.text(id) }
}

fn at(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}

fn told(session: &Session<Hook>) -> u32 {
    let materializer = session.materializer();
    let mut bits = 0;
    if session.has_effects() {
        bits |= bit::EFFECTS;
    }
    if !materializer.commits().is_empty() {
        bits |= bit::COMMITS;
        if materializer.changes().iter().any(|change| change.action == Action::Delete) {
            bits |= bit::GONE;
        }
    }
    if session.is_synced() {
        bits |= bit::SYNCED;
    }
    if session.is_stopped() {
        bits |= bit::STOPPED;
    }
    bits
}

fn effects(session: &mut Session<Hook>, out: &mut Output) {
    while let Some(effect) = session.poll() {
        out.list(|out| match effect {
            Effect::Connect(request) => {
                out.text("connect");
                out.number(request.connection.as_u32().into());
                out.number(request.attempt.into());
                out.maybe_text(request.last_event_id.as_deref());
                for (name, value) in &request.query {
                    out.text(name);
                    out.text(value);
                }
            }
            Effect::Disconnect(id) => {
                out.text("disconnect");
                out.number(id.as_u32().into());
            }
            Effect::Fetch(id) => {
                out.text("fetch");
                out.number(id.as_u32().into());
            }
            Effect::WakeAt(at) => {
                out.text("wake");
                out.number(at.as_millis());
            }
            _ => {}
        });
    }
}

fn status(session: &Session<Hook>, out: &mut Output) {
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
    events::error(out, error);
}

// What happened; those from PAUSE on come with a text.
const START: u32 = 0;
const RECONNECT: u32 = 1;
const WAKE: u32 = 2;
const OFFLINE: u32 = 3;
const ONLINE: u32 = 4;
const STOP: u32 = 5;
const ENDED: u32 = 6;
const ABORTED: u32 = 7;
const BYTES: u32 = 8;
const PAUSE: u32 = 9;
const UNPAUSE: u32 = 10;
const FAILED: u32 = 11;
const EVENT: u32 = 12;
