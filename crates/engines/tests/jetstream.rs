//! What can happen to NATS, and on the way to it.
#![cfg(feature = "jetstream")]
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod nats;
mod proxy;

use core::time::Duration;
use highwater_engines::{JetStream, JetStreamOptions};
use highwater_publisher::engine::{
    Append, AppendError, Engine, Failure, Place, Read, Record, Retention, Snapshot,
};
use highwater_publisher::{Id, Object, Operation};
use nats::Nats;
use proxy::Proxy;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

fn options() -> JetStreamOptions {
    JetStreamOptions { lease: Duration::from_secs(1), ..JetStreamOptions::default() }
}

/// For tests in which NATS is there in the end, however slow the machine.
fn patient() -> JetStreamOptions {
    JetStreamOptions { patience: Duration::from_secs(40), ..options() }
}

async fn open(nats: &Nats, options: JetStreamOptions) -> JetStream {
    JetStream::open(&nats.url(), options).await.unwrap()
}

fn put(key: &str, n: u64) -> Append {
    let object = Object::parse(&format!("{{\"n\":{n}}}")).unwrap();
    Append::new([Operation::put(Id::new("k", key).unwrap(), object)].into())
}

async fn write(engine: &JetStream, key: &str, n: u64) -> Place {
    engine.append("t", put(key, n)).await.unwrap().place
}

async fn snapshot(engine: &JetStream) -> Snapshot {
    engine.snapshot("t").await.unwrap().unwrap()
}

async fn records(engine: &JetStream, after: &Place) -> Vec<Arc<Record>> {
    match engine.read("t", after, usize::MAX).await.unwrap() {
        Read::Records(records) => records,
        Read::Gone => panic!("{after} is gone"),
    }
}

/// Until it holds, or for so long that it never will.
async fn eventually<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not in a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn copy(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let to = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_starts_beside_others_goes_on_in_their_epoch() {
    let Some(nats) = Nats::start() else { return };
    let one = open(&nats, patient()).await;
    let first = write(&one, "a", 1).await;
    one.append("t", Append::new([Operation::delete(Id::new("k", "a").unwrap())].into()))
        .await
        .unwrap();
    write(&one, "b", 2).await;
    let other = open(&nats, patient()).await;
    assert_eq!(snapshot(&other).await, snapshot(&one).await);
    assert_eq!(records(&other, &first).await, records(&one, &first).await);
    drop(one);
    let next = write(&other, "c", 3).await;
    assert_eq!((&next.epoch, next.index), (&first.epoch, 4));
}

/// Items are written down and the log is cut; a process that starts has the same state as those that were there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_cut_and_the_items_are_kept() {
    let Some(nats) = Nats::start() else { return };
    let retention = Retention { transactions: 10, ..Retention::default() };
    let options = JetStreamOptions { retention, keep_after: 20, ..patient() };
    let one = open(&nats, options.clone()).await;
    let client = async_nats::connect(nats.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("highwater").await.unwrap();
    let count = async |filter: &str| {
        let info = stream.info_builder().subjects(filter).fetch().await.unwrap();
        let counts: HashMap<String, usize> =
            futures_util::TryStreamExt::try_collect(info).await.unwrap();
        counts.values().sum::<usize>()
    };
    for round in 1..=3 {
        for n in 0..60 {
            write(&one, &format!("{:02}", n % 30), round * 100 + n).await;
        }
        let gone = Id::new("k", &format!("{round:02}")).unwrap();
        one.append("t", Append::new([Operation::delete(gone)].into())).await.unwrap();
        // Written down, and what is no longer told is let go; some may have come since the mark.
        eventually("the log is cut", async || {
            (count("highwater.t.log").await <= 30 && count("highwater.t.item.>").await >= 29)
                .then_some(())
        })
        .await;
        let late = open(&nats, options.clone()).await;
        let (here, there) = (snapshot(&one).await, snapshot(&late).await);
        assert_eq!(there, here);
        let after = Place { index: here.place.index - 10, ..here.place };
        assert_eq!(records(&late, &after).await, records(&one, &after).await);
        // Whoever keeps the log next, it goes on.
        write(&late, "late", round).await;
    }
}

/// The log of the first topic of a stream begins with the stream's first message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_short_is_kept_whole() {
    let Some(nats) = Nats::start() else { return };
    let options = JetStreamOptions { keep_after: 5, ..patient() };
    let one = open(&nats, options.clone()).await;
    let client = async_nats::connect(nats.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("highwater").await.unwrap();
    let mut marked = 0;
    for round in 1..=3 {
        for n in 0..10 {
            assert_eq!(write(&one, &n.to_string(), round).await.index, (round - 1) * 10 + n + 1);
        }
        // With the second mark, all is over that was done after the first.
        marked = eventually("the items are written down", async || {
            let mark = stream.get_last_raw_message_by_subject("highwater.t.mark").await;
            mark.ok().map(|mark| mark.sequence).filter(|&mark| mark > marked)
        })
        .await;
    }
    let late = open(&nats, options).await;
    let here = snapshot(&one).await;
    assert_eq!(snapshot(&late).await, here);
    let first = Place { index: 0, ..here.place };
    assert_eq!(records(&late, &first).await.len(), 30);
    write(&late, "late", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_reads_go_on_and_appends_say_so() {
    let Some(mut nats) = Nats::start() else { return };
    let engine =
        open(&nats, JetStreamOptions { patience: Duration::from_secs(3), ..options() }).await;
    let place = write(&engine, "a", 1).await;
    let before = snapshot(&engine).await;
    nats.kill();
    // Once it is noticed; what is under way until then may be undecided.
    let mut tried = 1;
    eventually("it is noticed", async || {
        tried += 1;
        match engine.append("t", put("a", tried)).await {
            Err(AppendError::Failure(Failure::Unavailable { retry_after, .. })) => {
                assert!(!retry_after.is_zero());
                Some(())
            }
            Err(AppendError::Undecided { .. }) => None,
            other => panic!("{other:?}"),
        }
    })
    .await;
    let quick = Instant::now();
    for n in 100..110 {
        let failed = engine.append("t", put("b", n)).await;
        assert!(
            matches!(failed, Err(AppendError::Failure(Failure::Unavailable { .. }))),
            "{failed:?}"
        );
        assert_eq!(snapshot(&engine).await, before);
        assert!(records(&engine, &place).await.is_empty());
    }
    assert!(quick.elapsed() < Duration::from_secs(20), "each waited in vain");
    let lease = engine.acquire("x").await;
    assert!(matches!(lease, Err(Failure::Unavailable { .. })), "{lease:?}");

    nats.restart();
    let next =
        eventually("it goes on", async || Some(engine.append("t", put("c", 1)).await.ok()?.place))
            .await;
    assert_eq!(next.epoch, place.epoch);
    // Nothing that was told to have failed has happened.
    let keys: Vec<_> =
        snapshot(&engine).await.items.iter().map(|item| item.id.key().to_owned()).collect();
    assert_eq!(keys, ["a", "c"]);
}

/// The transaction is in the log, and the word of it gets lost with the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_acknowledgement_is_found_out() {
    let Some(nats) = Nats::start() else { return };
    let proxy = Proxy::start(nats.port()).await;
    let engine = JetStream::open(&proxy.url(), patient()).await.unwrap();
    let witness = open(&nats, patient()).await;
    let first = write(&engine, "a", 0).await;
    for n in 1..=5 {
        proxy.swallow_answers();
        let (append, ()) = tokio::join!(engine.append("t", put("a", n)), async {
            // It is in the log.
            eventually("it is in the log", async || {
                let seen = witness.snapshot("t").await.unwrap()?;
                (seen.place.index == first.index + n).then_some(())
            })
            .await;
            proxy.cut();
        });
        assert_eq!(append.unwrap().place.index, first.index + n);
    }
    let found = records(&witness, &first).await;
    let counts: Vec<_> =
        found.iter().map(|record| record.changes[0].object.clone().unwrap()).collect();
    let expect: Vec<_> =
        (1..=5).map(|n| Object::parse(&format!("{{\"n\":{n}}}")).unwrap()).collect();
    assert_eq!(counts, expect, "each once");
}

/// Two processes write while NATS is killed again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_nats_is_killed() {
    let Some(mut nats) = Nats::start() else { return };
    let retention = Retention { transactions: 1 << 20, bytes: 1 << 30, ..Retention::default() };
    let options = JetStreamOptions { retention, lease: Duration::from_mins(1), ..patient() };
    let engines = [open(&nats, options.clone()).await, open(&nats, options.clone()).await];
    let [one, other] = engines.map(Arc::new);
    let start = write(&one, "start", 0).await;
    let stop = Arc::new(core::sync::atomic::AtomicBool::new(false));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let engine = Arc::clone(if writer % 2 == 0 { &one } else { &other });
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                let mut told = Vec::new();
                while !stop.load(core::sync::atomic::Ordering::Relaxed) {
                    let n = told.len() as u64;
                    let outcome = engine.append("t", put(&format!("writer-{writer}"), n)).await;
                    if outcome.is_err() {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    told.push(outcome);
                }
                told
            })
        })
        .collect();
    for _ in 0..5 {
        // It gets somewhere before it is killed.
        let reached = snapshot(&one).await.place.index;
        eventually("it goes on", async || {
            (snapshot(&one).await.place.index > reached + 50).then_some(())
        })
        .await;
        nats.kill();
        nats.restart();
    }
    stop.store(true, core::sync::atomic::Ordering::Relaxed);
    let mut told = Vec::new();
    for writer in writers {
        told.push(writer.await.unwrap());
    }
    let end =
        eventually("it ends well", async || Some(one.append("t", put("end", 0)).await.ok()?.place))
            .await;
    let late = open(&nats, options).await;
    let found = records(&late, &start).await;
    assert_eq!(snapshot(&late).await.place, end);
    let mut places: HashMap<(String, String), Vec<u64>> = HashMap::new();
    for record in &found {
        let change = &record.changes[0];
        let object = change.object.as_ref().unwrap().as_str().to_owned();
        let what = (change.id.key().to_owned(), object);
        places.entry(what).or_default().push(record.index);
    }
    let (mut acknowledged, mut failed, mut undecided) = (0, 0, 0);
    for (writer, told) in told.into_iter().enumerate() {
        for (n, outcome) in told.into_iter().enumerate() {
            let object = format!("{{\"n\":{n}}}");
            let found = places.remove(&(format!("writer-{writer}"), object)).unwrap_or_default();
            match outcome {
                Ok(appended) => {
                    acknowledged += 1;
                    assert_eq!(appended.place.epoch, start.epoch);
                    assert_eq!(found, [appended.place.index], "writer {writer}, {n}");
                }
                Err(AppendError::Undecided { .. }) => {
                    undecided += 1;
                    assert!(found.len() <= 1, "writer {writer}, {n}: {found:?}");
                }
                Err(AppendError::Failure(Failure::Unavailable { .. })) => {
                    failed += 1;
                    assert_eq!(found, [0; 0], "writer {writer}, {n} was told to have failed");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    println!("{acknowledged} acknowledged, {failed} failed, {undecided} undecided");
}

/// The stored files are put back to an earlier state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_nats_that_is_put_back_begins_another_epoch() {
    let Some(mut nats) = Nats::start() else { return };
    let engine = open(&nats, patient()).await;
    let kept = write(&engine, "a", 1).await;
    nats.kill();
    let backup = tempfile::tempdir().unwrap();
    copy(nats.store(), backup.path());
    nats.restart();
    let lost =
        eventually("it goes on", async || Some(engine.append("t", put("b", 2)).await.ok()?.place))
            .await;
    assert_eq!(lost.epoch, kept.epoch);

    let restore = |nats: &mut Nats| {
        nats.kill();
        fs::remove_dir_all(nats.store()).unwrap();
        fs::create_dir_all(nats.store()).unwrap();
        copy(backup.path(), nats.store());
        nats.restart();
    };
    // A process that was there knows better.
    restore(&mut nats);
    let renewed = eventually("a new epoch", async || {
        let now = snapshot(&engine).await;
        (now.place.epoch != kept.epoch).then_some(now)
    })
    .await;
    assert_eq!((renewed.place.index, renewed.items.len()), (1, 1));
    for old in [&kept, &lost] {
        assert_eq!(engine.read("t", old, usize::MAX).await.unwrap(), Read::Gone);
    }
    let next = write(&engine, "c", 3).await;
    assert_eq!((&next.epoch, next.index), (&renewed.place.epoch, 2));
    drop(engine);

    // With none there, nobody does; leases of the dead have run out.
    restore(&mut nats);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let engine = open(&nats, patient()).await;
    let again = snapshot(&engine).await.place;
    assert!(![&kept.epoch, &renewed.place.epoch].contains(&&again.epoch));
    assert_eq!(again.index, 1);
    assert_eq!(write(&engine, "d", 4).await, Place { index: 2, ..again });
}

#[tokio::test]
async fn what_is_too_large_for_a_message_is_refused() {
    let Some(nats) = Nats::start() else { return };
    let engine = open(&nats, patient()).await;
    let object = Object::parse(&format!("{{\"t\":\"{}\"}}", "x".repeat(2 << 20))).unwrap();
    let large = Append::new([Operation::put(Id::new("k", "a").unwrap(), object)].into());
    let (large, small) = tokio::join!(engine.append("t", large), engine.append("t", put("a", 1)));
    assert!(
        matches!(large, Err(AppendError::TooLarge { bytes, most }) if bytes > most && most > 500_000),
        "{large:?}"
    );
    small.unwrap();
}

#[tokio::test]
async fn where_there_is_no_nats_opening_says_so() {
    let opened = JetStream::open("nats://127.0.0.1:1", options()).await;
    assert!(matches!(opened, Err(Failure::Unavailable { .. })), "{opened:?}");
}
