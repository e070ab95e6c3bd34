//! A topic of our own, whose kinds `flag` and `segment` are an environment's.

use crate::app::App;
use crate::relay::environment::Environment;
use core::time::Duration;
use highwater_core::{Event, Message, Protocol, SseDecoder, SseItem};
use highwater_publisher::{Joined, Topic};
use highwater_relay::{Collections, Item, Kind};
use tokio::time::sleep;

/// Follows the topic, also over the lives that it has.
pub(super) async fn follow(environment: &Environment, app: &App, name: &str) {
    let variant = environment.params().variant();
    loop {
        let Ok(Some(channel)) = app.topics().get(name).await else {
            environment.heard();
            sleep(BETWEEN_LOOKS).await;
            continue;
        };
        // First the place, then what there is: nothing falls between.
        let (Joined { frames, mut reader, .. }, all) = channel.with(|topic| {
            let now = topic.cursor();
            (topic.subscribe(Some(&now), None), collections(topic))
        });
        if let Err(error) = environment.change_to(&all) {
            tracing::error!(environment = %variant, %error, "not taken over");
        }
        let mut changes = Changes::default();
        for frame in &frames {
            changes.read(frame); // it says that what follows are changes
        }
        // Until another life begins, or it was too slow for this one.
        while let Ok(batch) = reader.take(usize::MAX) {
            for frame in &batch.frames {
                if let Err(error) = environment.update(&changes.read(frame)) {
                    tracing::error!(environment = %variant, %error, "not taken over");
                }
            }
            if batch.frames.is_empty() {
                reader.ready().await;
            }
        }
    }
}

/// Reads what a topic tells of transactions.
#[derive(Default)]
struct Changes {
    decoder: SseDecoder,
    protocol: Protocol,
}

impl Changes {
    /// The items of a transaction.
    fn read(&mut self, mut frame: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        while let Some(item) = self.decoder.next(&mut frame) {
            let SseItem::Event(event) = item else { continue };
            let kind = event.kind_text();
            let event = Event { kind: &kind, data: event.data, id: event.id };
            let decoded = self.protocol.decode(&event, &mut |message| {
                items.extend(changed(&message));
                Ok(())
            });
            if let Err(error) = decoded {
                tracing::error!(%error, "an event of our own is not understood");
            }
        }
        items
    }
}

/// The item that is told of, if it is one of ours.
fn changed(message: &Message<'_>) -> Option<Item> {
    match *message {
        Message::Upsert { kind, key, version, value } => {
            one(Kind::named(kind)?, key, version, value)
        }
        Message::Delete { kind, key, version } => {
            Some(Item { kind: Kind::named(kind)?, key: key.into(), version, object: None })
        }
        _ => None,
    }
}

fn collections(topic: &Topic) -> Collections {
    let items = |kind: Kind| {
        let items = topic.items(Some(kind.as_str()));
        Some(items.filter_map(|item| one(kind, item.key, item.version, item.object)).collect())
    };
    Collections { flags: items(Kind::Flag), segments: items(Kind::Segment) }
}

fn one(kind: Kind, key: &str, version: i64, object: &[u8]) -> Option<Item> {
    let text = core::str::from_utf8(object).ok()?;
    let read = Item::of_topic(kind, key, version, text);
    read.inspect_err(|error| {
        tracing::warn!(kind = kind.as_str(), key, %error, "not taken over");
    })
    .ok()
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
