//! `--once`: the first whole state.

use super::line::Line;
use super::rows::Told;
use super::{Deadline, over, text, words};
use crate::serve::Failure;
use highwater::{Action, Moment, Store};
use std::io::{Write as _, stdout};

/// Waits for a whole state, and prints it: to be read, or as a line of JSON.
pub(super) async fn print(
    store: &Store,
    kind: Option<&str>,
    to_read: bool,
    deadline: Deadline,
) -> Result<(), Failure> {
    tokio::select! {
        biased;
        ready = store.ready() => if let Err(error) = ready {
            return Err(over(&store.status()).unwrap_or_else(|| error.into()));
        },
        () = deadline.passed() => return Err(deadline.missed(&store.status())),
    }
    let status = words::status(&store.status());
    let text =
        store.read(
            |moment| {
                if to_read { Ok(listing(&moment, kind, &status)) } else { line(&moment, kind) }
            },
        );
    let mut out = stdout().lock();
    super::unless_closed(out.write_all(text?.as_bytes()).and_then(|()| out.flush()))
}

fn listing(moment: &Moment<'_>, kind: Option<&str>, status: &str) -> String {
    let items = moment.state().iter().map(|(_, item)| item);
    let mut items: Vec<_> =
        items.filter(|item| kind.is_none_or(|kind| kind == item.kind)).collect();
    items.sort_unstable_by_key(|item| (item.kind, item.key));
    let lines = items.iter().map(|item| {
        let (kind, key) = (text::clean(item.kind), text::clean(item.key));
        format!("{kind}/{key} at {}: {}\n", item.version, text::whole(item.value))
    });
    core::iter::once(format!("{status}\n")).chain(lines).collect()
}

fn line(moment: &Moment<'_>, kind: Option<&str>) -> Result<String, serde_json::Error> {
    let mut line = Line::new(moment.cursor().map(Box::from), moment.version(), true);
    for (_, item) in moment.state().iter() {
        if kind.is_none_or(|kind| kind == item.kind) {
            line.push(&Told {
                action: Action::Insert,
                kind: item.kind,
                key: item.key,
                version: item.version,
                value: Some(item.value),
            });
        }
    }
    line.to_json()
}
