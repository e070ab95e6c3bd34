//! `--json`, and whenever nobody looks: a line for each transaction, and the status on stderr.

use super::feed::Feed;
use super::view::Kept;
use super::{Deadline, over, unless_closed, words};
use crate::serve::Failure;
use highwater::{Status, Store};
use std::io::{Write as _, stderr, stdout};

/// Prints until the stream is over for good.
pub(super) async fn print(
    store: &Store<Kept<Feed>>,
    feed: &Kept<Feed>,
    deadline: Deadline,
) -> Result<(), Failure> {
    let news = feed.lock().news();
    let mut statuses = store.statuses();
    statuses.mark_changed(); // the first is news too
    let mut told = None;
    loop {
        let synced = statuses.borrow().synced;
        tokio::select! {
            () = news.notified() => {}
            // The store lives on here, and with it the sender.
            _ = statuses.changed() => {}
            () = deadline.passed(), if !synced => return Err(deadline.missed(&store.status())),
        }
        let status = statuses.borrow_and_update().clone();
        let what = gist(&status);
        if told.as_ref() != Some(&what) {
            // Nobody may be listening there.
            let _ = writeln!(stderr(), "highwater: {}", words::status(&status));
            told = Some(what);
        }
        // After the status: what it counts is in the feed already.
        match tokio::task::block_in_place(|| drain(feed)) {
            Ok(()) => {}
            closed => return unless_closed(closed),
        }
        if let Some(failure) = over(&status) {
            return Err(failure);
        }
    }
}

/// Prints what waits. Waits itself for whoever reads: the feed makes the most of it.
fn drain(feed: &Kept<Feed>) -> std::io::Result<()> {
    let mut out = stdout().lock();
    loop {
        let Some(line) = feed.lock().pop() else {
            return out.flush();
        };
        out.write_all(line.to_json()?.as_bytes())?;
    }
}

/// What of a status is worth a line: not that another transaction came.
fn gist(status: &Status) -> impl PartialEq + use<> {
    (status.phase, status.attempt, status.resumed, status.fault.clone())
}
