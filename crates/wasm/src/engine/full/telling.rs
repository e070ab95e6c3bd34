//! What a session has to tell, as JSON.

use highwater_core::{Effect, Instant, Status};

use crate::engine::output::Output;
use crate::engine::{Machine, export, fault, put_text, take_text};

export! {
    /// What there is to do: `[["connect", id, attempt, last event id, name, value, …]`,
    /// `["disconnect", id]`, `["fetch", id]`, `["wake", at], …]`.
    fn session_effects(session: &mut Machine) -> u32 {
        Output::write(&mut |out| {
            for effect in session.take_effects() {
                out.open();
                write_effect(out, &effect);
                out.close();
            }
        })
    }

    /// How things stand: `[phase, connected, attempt, failures, resumed, version, cursor,
    /// retry at, stale since, received, target, synced, news, error]`.
    fn session_status(session: &Machine) -> u32 {
        Output::write(&mut |out| status(session, out))
    }

    /// The state and the position as bytes: they are the text, and the answer is how many.
    fn session_checkpoint(session: &Machine) -> u32 {
        drop(take_text());
        put_text(session.materializer().checkpoint())
    }

    /// Where the stream stands: `[cursor, mode, last event id]`.
    fn position(session: &Machine) -> u32 {
        let materializer = session.materializer();
        Output::write(&mut |out| {
            out.maybe_text(materializer.cursor());
            out.maybe_text(super::mode(materializer.protocol()));
            out.text(materializer.last_event_id());
        })
    }
}

fn write_effect(out: &mut Output, effect: &Effect) {
    let (word, number) = match effect {
        Effect::Connect(request) => {
            out.text("connect");
            out.number(request.connection.as_u32().into());
            out.number(request.attempt.into());
            out.maybe_text(request.last_event_id.as_deref());
            for (name, value) in &request.query {
                out.text(name);
                out.text(value);
            }
            return;
        }
        Effect::Disconnect(id) => ("disconnect", id.as_u32().into()),
        Effect::Fetch(id) => ("fetch", id.as_u32().into()),
        Effect::WakeAt(at) => ("wake", at.as_millis()),
        _ => return,
    };
    out.text(word);
    out.number(number);
}

fn status(session: &Machine, out: &mut Output) {
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
    fault::write(out, error);
}
