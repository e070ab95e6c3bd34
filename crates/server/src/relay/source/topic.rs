//! A topic of our own, whose kinds `flag` and `segment` are an environment's.

use crate::app::App;
use crate::relay::environment::Environment;
use core::time::Duration;
use highwater_publisher::Topic;
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
        loop {
            // First the place, then what there is: nothing falls between.
            let (mut reader, all) = channel.with(|topic| (topic.follow(), collections(topic)));
            if let Err(error) = environment.change_to(&all) {
                tracing::error!(environment = %variant, %error, "not taken over");
            }
            reader.ready().await;
            if reader.take(usize::MAX).is_err() {
                break; // another life
            }
        }
    }
}

fn collections(topic: &Topic) -> Collections {
    let items = |kind: Kind| {
        let items = topic.items(Some(kind.as_str())).filter_map(|item| {
            let text = core::str::from_utf8(item.object).ok()?;
            let read = Item::of_topic(kind, item.key, item.version, text);
            read.inspect_err(|error| {
                tracing::warn!(kind = kind.as_str(), key = item.key, %error, "not taken over");
            })
            .ok()
        });
        Some(items.collect())
    };
    Collections { flags: items(Kind::Flag), segments: items(Kind::Segment) }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
