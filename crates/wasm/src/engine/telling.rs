//! What a session in the lean module has to tell, in numbers: JavaScript has the words.

use alloc::vec::Vec;

use highwater_core::Effect;

use super::{Machine, NONE, export, put_numbers, put_text, take_numbers, take_text};

export! {
    /// What there is to do, three numbers of 64 bits each: to connect (0), with the connection's
    /// number and the how-manieth attempt it is; to disconnect (1), with its number; to wake (2),
    /// with the time. The answer is how many numbers of 32 bits they are.
    fn session_effects(session: &mut Machine) -> u32 {
        let mut numbers = take_numbers();
        for effect in session.take_effects() {
            let (what, number, attempt) = match effect {
                Effect::Connect(request) => {
                    (0, u64::from(request.connection.as_u32()), request.attempt)
                }
                Effect::Disconnect(id) => (1, u64::from(id.as_u32()), 0),
                Effect::WakeAt(at) => (2, at.as_millis(), 0),
                _ => continue,
            };
            write(&mut numbers, &[what, number, u64::from(attempt)]);
        }
        put_numbers(numbers)
    }

    /// How things stand: the numbers are those of [`Session::numbers`](highwater_core::Session), of 64
    /// bits each; the text is the cursor, which has no line ends in it, a line end, and the error's
    /// words.
    fn session_status(session: &Machine) -> u32 {
        let mut numbers = take_numbers();
        write(&mut numbers, &session.numbers());
        put_numbers(numbers);
        let mut text = take_text();
        text.extend_from_slice(session.materializer().cursor().unwrap_or_default());
        text.push(b'\n');
        text.extend_from_slice(session.words());
        put_text(text)
    }

    /// What the session in the other module is to know beside the state: how many connections there
    /// were, how many slots and kinds there are, and how many bytes of the text are the type of the
    /// event that could not be read; the rest of the text are its data.
    fn session_leave(session: &Machine) -> u32 {
        let (event, data) = session.unread().unwrap_or_default();
        let state = session.state();
        let mut numbers = take_numbers();
        numbers.push(session.connections());
        numbers.push(state.epochs().len() as u32);
        numbers.push(state.kinds().count() as u32);
        numbers.push(event.len() as u32);
        put_numbers(numbers);
        let mut text = take_text();
        text.extend_from_slice(event);
        text.extend_from_slice(data);
        put_text(text)
    }

    /// Where the stream stands: the text is the cursor, and the answer how long it is, or [`NONE`].
    fn position(session: &Machine) -> u32 {
        let mut text = take_text();
        let cursor = session.materializer().cursor();
        text.extend_from_slice(cursor.unwrap_or_default());
        let length = put_text(text);
        if cursor.is_some() { length } else { NONE }
    }
}

fn write(numbers: &mut Vec<u32>, list: &[u64]) {
    for &number in list {
        let bits = (number as f64).to_bits();
        numbers.push(bits as u32);
        numbers.push((bits >> 32) as u32);
    }
}
