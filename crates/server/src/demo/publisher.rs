//! Keeps the topic `machine` equal to the machine.

use super::machine::{Sample, Sampler};
use crate::app::App;
use crate::serve::Failure;
use crate::topics::Channel;
use core::time::Duration;
use highwater_publisher::{CommitError, Id, Operation, Topic, Transaction};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// The published machine. A clone is another handle to the same.
#[derive(Clone)]
pub(super) struct Machine {
    app: App,
    channel: Arc<Channel>,
    latest: Arc<Mutex<Sample>>,
}

impl Machine {
    /// Publishes the first sample, then one at every tick in a task of its own.
    pub(super) async fn start(app: &App, tick: Duration) -> Result<Self, Failure> {
        let sampler = Sampler::new()?;
        // Two looks, so that the first table has processor times already.
        let (sampler, _) = look(sampler).await?;
        sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL).await;
        let (sampler, sample) = look(sampler).await?;
        let channel = app.topics().insert(app.topics().fresh("machine"));
        let machine = Self { app: app.clone(), channel, latest: Arc::default() };
        machine.publish(sample);
        tokio::spawn(machine.clone().run(sampler, tick));
        Ok(machine)
    }

    /// Begins another life of the topic, as a publisher that lost its state does: every version
    /// counts from 1 again.
    pub(super) fn restart(&self) {
        let mut topic = self.app.topics().fresh("machine");
        report(publish(&mut topic, &self.latest.lock().unwrap_or_else(PoisonError::into_inner)));
        self.channel.with(|present| *present = topic);
    }

    async fn run(self, mut sampler: Sampler, tick: Duration) {
        let mut ticks = interval(tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await; // the first is at once
        loop {
            ticks.tick().await;
            let sample;
            (sampler, sample) = match look(sampler).await {
                Ok(seen) => seen,
                Err(error) => {
                    return tracing::error!(%error, "the process table is not followed any more");
                }
            };
            self.publish(sample);
        }
    }

    fn publish(&self, sample: Sample) {
        // Under the lock until it is published, so that a restart cannot put an older sample after it.
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = sample;
        report(self.channel.with(|topic| publish(topic, &latest)));
    }
}

async fn look(mut sampler: Sampler) -> Result<(Sampler, Sample), tokio::task::JoinError> {
    // Reading the process table blocks, and takes milliseconds.
    tokio::task::spawn_blocking(move || {
        let sample = sampler.sample();
        (sampler, sample)
    })
    .await
}

fn publish(topic: &mut Topic, sample: &Sample) -> Result<(), CommitError> {
    let difference = difference(topic, sample);
    if difference.is_empty() {
        return Ok(());
    }
    topic.commit(difference).map(drop)
}

/// What has to happen for the topic to equal the sample. An item's version counts its changes.
fn difference(topic: &Topic, sample: &Sample) -> Transaction {
    let next = |id: &Id| topic.last_version(id).map_or(1, |version| version.saturating_add(1));
    let seen: HashSet<_> = sample.iter().map(|(id, _)| (id.kind(), id.key())).collect();
    let changed = sample.iter().filter(|(id, object)| {
        topic.item(id.kind(), id.key()).is_none_or(|item| item.object != object.as_str().as_bytes())
    });
    let puts = changed.map(|(id, object)| Operation::put(id.clone(), object.clone()).at(next(id)));
    let gone = topic.items(None).filter(|item| !seen.contains(&(item.kind, item.key)));
    let gone = gone.filter_map(|item| Id::new(item.kind, item.key).ok());
    puts.chain(gone.map(|id| Operation::delete(id.clone()).at(next(&id)))).collect()
}

fn report(done: Result<(), CommitError>) {
    if let Err(error) = done {
        tracing::error!(%error, "a look at the machine was not published");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_publisher::{Epoch, Object, Options};

    fn sample(items: &[(&str, i64)]) -> Sample {
        let object = |n| Object::parse(&format!("{{\"n\":{n}}}")).unwrap();
        items.iter().map(|&(key, n)| (Id::new("process", key).unwrap(), object(n))).collect()
    }

    #[test]
    fn versions_count_changes_and_survive_a_flicker() {
        let mut topic = Topic::new("machine", Epoch::new("e").unwrap(), Options::default());
        let mut check = |items: &[(&str, i64)], expect: &[(&str, i64)]| {
            publish(&mut topic, &sample(items)).unwrap();
            assert_eq!(
                topic.items(None).map(|item| (item.key, item.version)).collect::<Vec<_>>(),
                expect
            );
        };
        check(&[("1", 5), ("2", 5)], &[("1", 1), ("2", 1)]);
        check(&[("1", 5), ("2", 6)], &[("1", 1), ("2", 2)]);
        check(&[("2", 7)], &[("2", 3)]);
        check(&[("1", 5), ("2", 7)], &[("1", 3), ("2", 3)]);
        check(&[], &[]);
    }

    #[test]
    fn nothing_changed_is_no_transaction() {
        let mut topic = Topic::new("machine", Epoch::new("e").unwrap(), Options::default());
        publish(&mut topic, &sample(&[("1", 5)])).unwrap();
        publish(&mut topic, &sample(&[("1", 5)])).unwrap();
        assert_eq!(topic.index(), 1);
    }
}
