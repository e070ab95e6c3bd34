//! Topics that nobody has written to yet, and streams that wait for them.

use core::time::Duration;
use highwater_publisher::engine::{Engine, Failure, Watch};
use tokio::sync::{Mutex, Notify};
use tokio::time::sleep;

/// Whoever waits for a topic to be there. However many there are, one of them looks for all.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Held by the one that looks: how many topics there were the last time.
    looking: Mutex<usize>,
    news: Notify,
}

impl Arrivals {
    /// Waits until a topic has been written to.
    pub(super) async fn of(&self, engine: &dyn Engine, topic: &str) -> Result<Watch, Failure> {
        loop {
            let news = self.news.notified();
            let mut news = core::pin::pin!(news);
            news.as_mut().enable(); // what comes after the look below is heard of
            if let Some(watch) = engine.watch(topic).await? {
                return Ok(watch);
            }
            tokio::select! {
                () = news => {}
                mut known = self.looking.lock() => {
                    sleep(PAUSE).await;
                    let there = engine.topics().await?.len();
                    if core::mem::replace(&mut *known, there) != there {
                        self.news.notify_waiters();
                    }
                }
            }
        }
    }
}

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_publisher::engine::{Append, Memory};
    use highwater_publisher::{Id, Object, Operation};
    use std::sync::Arc;

    #[tokio::test(start_paused = true)]
    async fn everyone_hears_of_the_topic_that_they_wait_for() {
        let (arrivals, engine) = (Arc::new(Arrivals::default()), Arc::new(Memory::default()));
        let wait = |topic: &'static str| {
            let (arrivals, engine) = (Arc::clone(&arrivals), Arc::clone(&engine));
            tokio::spawn(async move { arrivals.of(&*engine, topic).await.unwrap().newest().index })
        };
        let waiting: Vec<_> = (0..50).map(|_| wait("a")).collect();
        let others: Vec<_> = (0..50).map(|_| wait("b")).collect();
        waiting[0].abort(); // whoever looked
        for topic in ["a", "b"] {
            sleep(4 * PAUSE).await;
            let put = Operation::put(Id::new("k", "1").unwrap(), Object::parse("{}").unwrap());
            engine.append(topic, Append::new([put].into())).await.unwrap();
        }
        for waiting in waiting.into_iter().skip(1).chain(others) {
            assert_eq!(waiting.await.unwrap(), 1);
        }
    }
}
