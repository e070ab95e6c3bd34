//! A state to be kept, and one that was kept to be taken up again.

use alloc::vec::Vec;

use highwater_core::Item;

use super::input::Input;
use super::output::Output;
use super::session::{at, told};
use super::{Machine, events, export, write_text};

export! {
    /// The state and the position as bytes: they are the text, and the answer is how many.
    fn session_checkpoint(session: &Machine) -> u32 {
        write_text(|text| *text = session.materializer().checkpoint())
    }

    /// Takes up a checkpoint of so many bytes; or, of none, what the texts of the input say: a
    /// cursor or nothing, and of each item kind, key, version and value. The text says what came
    /// of it: `[bits, error]`.
    fn session_restore(session: &mut Machine, now: f64, size: usize) -> u32 {
        let mut input = Input::take();
        let mut fault = None;
        if size > 0 {
            fault = session.restore_checkpoint(at(now), input.bytes(size)).err();
        } else {
            let cursor = input.next();
            let mut items = Vec::new();
            while let Some(kind) = input.next() {
                items.push([Some(kind), input.next(), input.next(), input.next()]);
            }
            let cursor = cursor.map(|_| input.text(cursor));
            session.restore(at(now), cursor, items.iter().map(|&[kind, key, version, value]| Item {
                kind: input.text(kind),
                key: input.text(key),
                version: input.text(version).parse().unwrap_or_default(),
                value: input.raw(value),
            }));
        }
        let bits = told(session);
        Output::write(|out| {
            out.number(bits.into());
            events::error(out, fault.as_ref());
        })
    }
}
