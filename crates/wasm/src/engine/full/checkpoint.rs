//! A state that was kept, to be taken up again.

use alloc::vec::Vec;

use highwater_core::Item;

use crate::engine::input::Input;
use crate::engine::output::Output;
use crate::engine::session::{at, told};
use crate::engine::{Machine, export, fault};

export! {
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
        Output::write(&mut |out| {
            out.number(bits.into());
            fault::write(out, fault.as_ref());
        })
    }
}
