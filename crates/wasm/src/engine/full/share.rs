//! A connection that several sessions follow, each in a page of its own.

use core::time::Duration;

use highwater_core::{ConnectionId, Standing};

use crate::engine::input::Input;
use crate::engine::session::{at, told};
use crate::engine::{Machine, export};

export! {
    /// How another session would have to go on in this one's connection: twice the silence that is
    /// a fault, in milliseconds, plus one for a promise; or -1 while something is under way.
    fn session_standing(session: &Machine) -> f64 {
        session.standing().map_or(-1.0, |Standing { promised, silence }| {
            let silence = silence.map_or(0, |silence| silence.as_millis() as u64);
            (silence * 2 + u64::from(promised)) as f64
        })
    }

    /// Goes on in a connection where another session stands, with its checkpoint of so many bytes.
    fn session_join(session: &mut Machine, now: f64, connection: u32, standing: f64, size: usize) -> u32 {
        let input = Input::take();
        let standing = standing as u64;
        let silence = Duration::from_millis(standing / 2);
        let standing = Standing { promised: standing % 2 == 1, silence: (!silence.is_zero()).then_some(silence) };
        session.join(at(now), ConnectionId::from_u32(connection), standing, input.bytes(size));
        told(session)
    }
}
