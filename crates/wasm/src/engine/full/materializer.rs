//! A materializer by itself, which is a session that nobody starts; and what every event did.

use highwater_core::{Known, Signals};

use crate::engine::input::Input;
use crate::engine::output::Output;
use crate::engine::session::{at, bit, event, told};
use crate::engine::{Machine, export, fault, write_numbers};

export! {
    /// To a materializer by itself: so many bytes (0), so many texts of an event (1), the answer to a
    /// poll (2). The numbers, of bytes or if there is a text (`TOLD`), are how many events there were,
    /// and how long the text is: `[up to date, resumed, reconnect, goodbye, invalidated, error]`.
    fn push(session: &mut Machine, now: f64, what: u32, size: usize) -> u32 {
        let mut input = Input::take();
        let mut texts = [None; 3];
        for text in texts.iter_mut().take(if what == 1 { size } else { 0 }) {
            *text = input.next();
        }
        let materializer = session.materializer_mut();
        materializer.begin();
        let result = match what {
            0 => materializer.push(at(now), input.bytes(size)),
            1 => materializer.event(at(now), &event(&input, texts)),
            _ => materializer.fetched(at(now), input.bytes(size)),
        };
        let quiet = Signals::default();
        let signals = result.as_ref().unwrap_or(&quiet);
        let error = result.as_ref().err().or(signals.fault.as_ref());
        let mut length = 0;
        let told = error.is_some()
            || signals.up_to_date
            || signals.resumed.is_some()
            || signals.reconnect
            || signals.goodbye.is_some()
            || signals.invalidated;
        if told {
            length = Output::write(&mut |out| {
                out.flag(signals.up_to_date);
                out.maybe(signals.resumed.map(u64::from));
                out.flag(signals.reconnect);
                out.maybe_text(signals.goodbye.as_deref());
                out.flag(signals.invalidated);
                fault::write(out, error);
            });
        }
        let fault = if result.is_err() { bit::FAULT } else { 0 };
        if what == 0 || told {
            write_numbers(&mut |numbers| numbers.extend_from_slice(&[signals.events as u32, length]));
        }
        self::told(session) | fault | if told { bit::TOLD } else { 0 }
    }

    /// To a materializer by itself: a new connection begins (0; of server-sent events 1, of lines
    /// 2), or the position is dropped (3).
    fn connected(session: &mut Machine, what: u32) {
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
    }

    /// Deletions that are remembered: `[kind, key, version, …]`.
    fn tombstones(session: &Machine) -> u32 {
        Output::write(&mut |out| {
            for (kind, key, known) in session.state().iter_known() {
                if let Known::Tombstone(version) = known {
                    out.text(kind);
                    out.text(key);
                    out.exact(version);
                }
            }
        })
    }
}
