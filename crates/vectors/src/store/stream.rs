//! A materializer whose stream is the script's.

use core::future::pending;

use highwater::Feed;
use std::sync::Arc;
use tokio::sync::mpsc;

use crate::health::{Health, Instances};
use crate::materializer::{fail, session};
use crate::virtual_time::Driver;

/// What the script does to a stream.
pub(super) enum Command {
    Event(String),
    Fail(String),
    Terminate,
}

/// Runs it until the script ends it. It connects again by itself, at once.
pub(super) async fn run(
    mut feed: Feed<Arc<Instances>>,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    let mut driver = Driver::new(session(Health::default()));
    loop {
        feed.follow(&driver.session);
        if driver.until_connecting() {
            driver.open(200, "application/x-ndjson");
        }
        match commands.recv().await {
            Some(Command::Event(event)) => {
                driver.bytes(event.as_bytes());
                driver.bytes(b"\n");
            }
            Some(Command::Fail(error)) => fail(&mut driver, &error),
            Some(Command::Terminate) => return,
            None => pending().await,
        }
    }
}
