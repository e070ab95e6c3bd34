//! The parts of a client, each by itself.

use alloc::boxed::Box;
use core::mem;

use highwater_core::{
    Backoff, Known, MessageReceiver, Profile, Protocol, SseDecoder, SseItem, Version,
};

use super::input::Input;
use super::output::Output;
use super::reads::{numbers, units};
use super::{BUSY, PORT, Thing, events, export, put_back, session, take};
use crate::settings;

/// Does something with a thing that is of the right sort.
macro_rules! with {
    ($handle:expr, $sort:ident($thing:ident) => $then:expr, else $or:expr) => {{
        match take($handle) {
            Some(Thing::$sort(mut $thing)) => {
                let result = $then;
                put_back($handle, Thing::$sort($thing));
                result
            }
            Some(other) => {
                put_back($handle, other);
                $or
            }
            None => $or,
        }
    }};
}

export! {
    /// A protocol; see `session::protocol`.
    fn protocol_new() -> u32 {
        let protocol = session::protocol(&mut Input::take());
        protocol.map_or(BUSY, |protocol| Thing::Protocol(Box::new(protocol)).keep())
    }

    /// A new connection begins, which asks for what follows the cursor in the input.
    fn protocol_connected(handle: u32) {
        let mut input = Input::take();
        let cursor = input.next();
        let cursor = cursor.map(|_| input.text(cursor));
        with!(handle, Protocol(protocol) => protocol.connected(cursor), else ());
    }

    /// Where an FDv2 stream stands: `[mode]`.
    fn protocol_mode(handle: u32) -> u32 {
        with!(handle, Protocol(protocol) => Output::write(|out| {
            out.list(|out| out.maybe_text(session::mode(&protocol)));
        }), else BUSY)
    }

    /// Decodes an event: `[message, …, error]`, each message a list that begins with its type.
    fn protocol_decode(handle: u32) -> u32 {
        let mut input = Input::take();
        let texts = [input.next(), input.next(), input.next()];
        with!(handle, Protocol(protocol) => Output::write(|out| out.list(|out| {
            let result = protocol.decode(&session::event(&input, texts), &mut |message| {
                events::message(out, &message);
                Ok(())
            });
            events::error(out, result.as_ref().err());
        })), else BUSY)
    }

    /// A decoder that drops events larger than so many bytes; 0: than the default.
    fn decoder_new(limit: usize) -> u32 {
        let decoder =
            if limit == 0 { SseDecoder::new() } else { SseDecoder::with_limit(limit) };
        Thing::Decoder(Box::new(decoder)).keep()
    }

    /// Reads the next bytes. The answer is how many numbers there are: first how long the text is in
    /// which the texts of all events lie end to end, and then rows of four: `0, length of type, of
    /// data, of id` for an event (in UTF-16 units); `1, low, high, 0` for a reconnection time;
    /// `2, 0, 0, 0` for comments; `3, limit, low, high` for an event that was too large, and where
    /// it began.
    fn decoder_push(handle: u32, size: usize) -> u32 {
        let input = Input::take();
        let mut text = PORT.with(|port| mem::take(&mut port.text));
        text.clear();
        let count = numbers(|rows| {
            rows.push(0);
            let mut rest = input.bytes(size);
            with!(handle, Decoder(decoder) => while let Some(item) = decoder.next(&mut rest) {
                rows.extend(match item {
                    SseItem::Event(event) => {
                        let (kind, data) = (event.kind_text(), event.data_text());
                        [&*kind, &*data, event.id]
                            .iter()
                            .for_each(|part| text.extend_from_slice(part.as_bytes()));
                        [0, units(&kind), units(&data), units(event.id)]
                    }
                    SseItem::Retry(millis) => [1, millis as u32, (millis >> 32) as u32, 0],
                    SseItem::TooLarge { limit, offset } => {
                        [3, limit as u32, offset as u32, (offset >> 32) as u32]
                    }
                    _ => [2, 0, 0, 0],
                });
            }, else ());
            rows[0] = text.len() as u32;
        });
        PORT.with(|port| port.text = text);
        count
    }

    /// The connection ended: what is incomplete is dropped, the last event id is kept.
    fn decoder_end(handle: u32) {
        with!(handle, Decoder(decoder) => decoder.finish(), else ());
    }

    /// `[last event id]`.
    fn decoder_id(handle: u32) -> u32 {
        with!(handle, Decoder(decoder) => Output::write(|out| {
            out.list(|out| out.text(decoder.last_event_id()));
        }), else BUSY)
    }

    /// Sets it, for a stream that goes on from elsewhere.
    fn decoder_set_id(handle: u32) {
        let mut input = Input::take();
        let id = input.next();
        with!(handle, Decoder(decoder) => decoder.set_last_event_id(input.text(id)), else ());
    }

    /// A receiver that has seen nothing.
    fn receiver_new() -> u32 {
        Thing::Receiver(Box::default()).keep()
    }

    /// The item of the id in the input is there at this version (0), is gone since then (1), or
    /// is to be forgotten (2). The answer is 0 for an insertion, 1 for an update, 2 for a
    /// deletion, 3 when there is nothing to do.
    fn receiver_take(handle: u32, what: u32, version: Version) -> u32 {
        let mut input = Input::take();
        let id = input.next();
        let id = input.text(id);
        with!(handle, Receiver(receiver) => match what {
            0 => receiver.upsert(id, (), version),
            1 => receiver.delete(id, version),
            _ => receiver.forget(id),
        } as u32, else BUSY)
    }

    /// All that is known: `[id, version, tombstone, …]`.
    fn receiver_entries(handle: u32) -> u32 {
        with!(handle, Receiver(receiver) => Output::write(|out| out.list(|out| {
            for (id, known, _) in receiver.iter() {
                out.text(id);
                out.exact(known.version().unwrap_or_default());
                out.flag(matches!(known, Known::Tombstone(_)));
            }
        })), else BUSY)
    }

    /// A back-off, of so many numbers in the input; see `settings.rs`.
    fn backoff_new(count: usize) -> u32 {
        let profile = settings::profile(Profile::STANDARD, &Input::take().doubles(count));
        Thing::Backoff(Box::new(Backoff::new(profile))).keep()
    }

    /// Counts a failure and answers with the wait that follows; `chance` is from 0 to 1.
    fn backoff_fail(handle: u32, chance: f64) -> f64 {
        let chance = (chance * f64::from(u32::MAX)) as u32;
        with!(handle, Backoff(backoff) => backoff.fail(chance).as_secs_f64() * 1000.0, else 0.0)
    }

    /// The wait after the present number of failures, without chance.
    fn backoff_base(handle: u32) -> f64 {
        with!(handle, Backoff(backoff) => backoff.base().as_secs_f64() * 1000.0, else 0.0)
    }

    /// How many failures count at present.
    fn backoff_failures(handle: u32) -> u32 {
        with!(handle, Backoff(backoff) => backoff.failures(), else 0)
    }

    /// The server asked for this first wait.
    fn backoff_first(handle: u32, millis: f64) {
        with!(handle, Backoff(backoff) => backoff.set_factor(settings::millis(millis)), else ());
    }
}
