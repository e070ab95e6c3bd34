//! The parts of a client, each by itself.

use alloc::boxed::Box;

use highwater_core::{
    Backoff, Known, MessageReceiver, Profile, Protocol, SseDecoder, SseItem, Version,
};

use super::trace;
use crate::engine::input::Input;
use crate::engine::output::Output;
use crate::engine::reads::units;
use crate::engine::{export, fault, session, write_numbers, write_text};
use crate::settings;

export! {
    /// A protocol; see `session::protocol`.
    fn protocol_new() -> Option<Box<Protocol>> {
        super::protocol(&mut Input::take()).map(Box::new)
    }

    fn protocol_free(protocol: Box<Protocol>) {
        drop(protocol);
    }

    /// A new connection begins, which asks for what follows the cursor in the input.
    fn protocol_connected(protocol: &mut Protocol) {
        let mut input = Input::take();
        let cursor = input.next();
        let cursor = cursor.map(|_| input.text(cursor));
        protocol.connected(cursor);
    }

    /// Where an FDv2 stream stands: `[mode]`.
    fn protocol_mode(protocol: &Protocol) -> u32 {
        Output::write(&mut |out| out.maybe_text(super::mode(protocol)))
    }

    /// Decodes an event: `[message, …, error]`, each message a list that begins with its type.
    fn protocol_decode(protocol: &mut Protocol) -> u32 {
        let mut input = Input::take();
        let texts = [input.next(), input.next(), input.next()];
        Output::write(&mut |out| {
            let result = protocol.decode(&session::event(&input, texts), &mut |message| {
                trace::message(out, &message);
                Ok(())
            });
            fault::write(out, result.as_ref().err());
        })
    }

    /// A decoder that drops events larger than so many bytes; 0: than the default.
    fn decoder_new(limit: usize) -> Box<SseDecoder> {
        Box::new(if limit == 0 { SseDecoder::new() } else { SseDecoder::with_limit(limit) })
    }

    fn decoder_free(decoder: Box<SseDecoder>) {
        drop(decoder);
    }

    /// Reads the next bytes. The answer is how many numbers there are: first how long the text is in
    /// which the texts of all events lie end to end, and then rows of four: `0, length of type, of
    /// data, of id` for an event (in UTF-16 units); `1, low, high, 0` for a reconnection time;
    /// `2, 0, 0, 0` for comments; `3, limit, low, high` for an event that was too large, and where
    /// it began.
    fn decoder_push(decoder: &mut SseDecoder, size: usize) -> u32 {
        let input = Input::take();
        write_numbers(&mut |rows| {
            rows.push(0);
            rows[0] = write_text(&mut |text| {
                let mut rest = input.bytes(size);
                while let Some(item) = decoder.next(&mut rest) {
                    rows.extend_from_slice(&match item {
                        SseItem::Event(event) => {
                            let (kind, data) = (event.kind_text(), event.data_text());
                            for part in [&*kind, &*data, event.id] {
                                text.extend_from_slice(part.as_bytes());
                            }
                            [0, units(&kind), units(&data), units(event.id)]
                        }
                        SseItem::Retry(millis) => [1, millis as u32, (millis >> 32) as u32, 0],
                        SseItem::TooLarge { limit, offset } => {
                            [3, limit as u32, offset as u32, (offset >> 32) as u32]
                        }
                        _ => [2, 0, 0, 0],
                    });
                }
            });
        })
    }

    /// The connection ended: what is incomplete is dropped, the last event id is kept.
    fn decoder_end(decoder: &mut SseDecoder) {
        decoder.finish();
    }

    /// `[last event id]`.
    fn decoder_id(decoder: &SseDecoder) -> u32 {
        Output::write(&mut |out| out.text(decoder.last_event_id()))
    }

    /// Sets it, for a stream that goes on from elsewhere.
    fn decoder_set_id(decoder: &mut SseDecoder) {
        let mut input = Input::take();
        let id = input.next();
        decoder.set_last_event_id(input.text(id));
    }

    /// A receiver that has seen nothing.
    fn receiver_new() -> Box<MessageReceiver<()>> {
        Box::default()
    }

    fn receiver_free(receiver: Box<MessageReceiver<()>>) {
        drop(receiver);
    }

    /// The item of the id in the input is there at this version (0), is gone since then (1), or
    /// is to be forgotten (2). The answer is 0 for an insertion, 1 for an update, 2 for a
    /// deletion, 3 when there is nothing to do.
    fn receiver_take(receiver: &mut MessageReceiver<()>, what: u32, version: Version) -> u32 {
        let mut input = Input::take();
        let id = input.next();
        let id = input.text(id);
        (match what {
            0 => receiver.upsert(id, (), version),
            1 => receiver.delete(id, version),
            _ => receiver.forget(id),
        }) as u32
    }

    /// All that is known: `[id, version, tombstone, …]`.
    fn receiver_entries(receiver: &MessageReceiver<()>) -> u32 {
        Output::write(&mut |out| {
            for (id, known, _) in receiver.iter() {
                out.text(id);
                out.exact(known.version().unwrap_or_default());
                out.flag(matches!(known, Known::Tombstone(_)));
            }
        })
    }

    /// A back-off, of the numbers in the input; see `settings.rs`.
    fn backoff_new() -> Box<Backoff> {
        let input = Input::take();
        let mut profile = Profile::STANDARD;
        settings::profile(&mut profile, &|at| input.double(at), 0);
        Box::new(Backoff::new(profile))
    }

    fn backoff_free(backoff: Box<Backoff>) {
        drop(backoff);
    }

    /// Counts a failure and answers with the wait that follows; `chance` is from 0 to 1.
    fn backoff_fail(backoff: &mut Backoff, chance: f64) -> f64 {
        backoff.fail((chance * f64::from(u32::MAX)) as u32).as_secs_f64() * 1000.0
    }

    /// The wait after the present number of failures, without chance.
    fn backoff_base(backoff: &Backoff) -> f64 {
        backoff.base().as_secs_f64() * 1000.0
    }

    /// How many failures count at present.
    fn backoff_failures(backoff: &Backoff) -> u32 {
        backoff.failures()
    }

    /// The server asked for this first wait.
    fn backoff_first(backoff: &mut Backoff, millis: f64) {
        backoff.set_factor(settings::millis(millis));
    }
}
