//! What of all this an operator reads. No key is among it.

use core::time::Duration;

use super::io::{StreamFault, StreamPhase};
use super::message::{Note, Weight};
use crate::projects::Action;

pub(super) fn note(note: &Note) {
    say(note.weight(), &format_args!("auto-config: {note}"));
}

pub(super) fn fault(fault: &StreamFault, wait: Option<Duration>) {
    let weight = fault.weight();
    match wait {
        Some(wait) => {
            let wait = wait.as_secs_f32();
            say(
                weight,
                &format_args!("auto-config: {fault}; the server is asked again in {wait:.1} s"),
            );
        }
        None => say(weight, &format_args!("auto-config: {fault}")),
    }
}

pub(super) fn phase(phase: StreamPhase) {
    tracing::info!("auto-config: the stream is {phase}");
}

pub(super) fn action(action: &Action) {
    match action {
        Action::Add(params) => tracing::info!("auto-config: adds {}", params.variant()),
        Action::Update(params) => tracing::info!("auto-config: updates {}", params.variant()),
        Action::Delete(variant) => tracing::info!("auto-config: deletes {variant}"),
        Action::ReceivedAll => tracing::info!("auto-config: all environments are known"),
    }
    tracing::trace!(?action, "auto-config");
}

pub(super) fn cache(what: &str, path: &std::path::Path, error: &dyn core::fmt::Display) {
    let path = path.display();
    tracing::warn!(%path, "auto-config: the configuration cannot be {what} on disk: {error}");
}

fn say(weight: Weight, what: &core::fmt::Arguments<'_>) {
    match weight {
        Weight::Detail => tracing::debug!("{what}"),
        Weight::Info => tracing::info!("{what}"),
        Weight::Warning => tracing::warn!("{what}"),
        Weight::Error => tracing::error!("{what}"),
    }
}
