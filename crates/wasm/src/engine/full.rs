//! What a session can do in the module with everything.

mod checkpoint;
mod materializer;
mod parts;
mod query;
mod share;
mod telling;
mod trace;
mod view;

use alloc::vec::Vec;

use highwater_core::{ConnectionId, Input as Happening, JsonSpec, Mode, Protocol};

use super::input::Input;
use super::output::Output;
use super::session::{at, bit, take, told};
use super::{Machine, export};
pub(super) use view::Hook;

export! {
    /// The state was fetched; status 0 when there was no answer.
    fn session_fetched(session: &mut Machine, now: f64, connection: u32, status: u32, size: usize) -> u32 {
        let input = Input::take();
        let connection = ConnectionId::from_u32(connection);
        let status = status as u16;
        take(session, now, Happening::Fetched { connection, status, body: input.bytes(size) })
    }

    /// Takes over what a session in the lean module left, and connects if it is to.
    fn session_arrive(session: &mut Machine, now: f64, size: usize, connects: u32) -> u32 {
        let input = Input::take();
        match session.arrive(at(now), input.bytes(size), connects != 0) {
            Ok(()) => told(session),
            Err(_) => bit::FAULT,
        }
    }

    /// The types of event that the protocol knows.
    fn session_types(session: &Machine) -> u32 {
        Output::write(&mut |out| {
            for name in session.materializer().protocol().event_types() {
                out.text(name);
            }
        })
    }

    /// Begins or ends the recording of what every event does.
    fn session_trace(session: &mut Machine, on: u32) {
        session.materializer_mut().set_tracing(on != 0);
    }

    /// What every event did since this was last called.
    fn session_traced(session: &mut Machine) -> u32 {
        trace::write(&session.materializer_mut().take_trace())
    }
}

/// Reads a protocol: its name; for `fdv2`, kinds; for `json`, its paths and then its types of event.
pub(in crate::engine) fn protocol(input: &mut Input) -> Option<Protocol> {
    let name = input.owned()?;
    match &*name {
        #[cfg(feature = "full")]
        "consul-recorded" => Some(Protocol::consul_recorded()),
        "fdv2-of" => {
            let kinds = input.list();
            let kinds: Vec<&str> = kinds.iter().map(|kind| &**kind).collect();
            Some(Protocol::fdv2_of(&kinds))
        }
        "json-of" => {
            let [items, key, kind, version, value, deleted, last] =
                core::array::from_fn(|_| input.owned());
            Some(Protocol::json(JsonSpec {
                items: items.unwrap_or_default(),
                key: key.unwrap_or_else(|| "/key".into()),
                kind,
                version,
                value: value.unwrap_or_default(),
                deleted,
                value_last: last.is_some(),
                upsert: input.list(),
                delete: input.list(),
                snapshot: input.list(),
            }))
        }
        name => Protocol::named(name),
    }
}

pub(in crate::engine) fn mode(protocol: &Protocol) -> Option<&'static str> {
    Some(match protocol.mode()? {
        Mode::Full => "full",
        Mode::Changes => "changes",
        Mode::Inactive => "inactive",
    })
}
