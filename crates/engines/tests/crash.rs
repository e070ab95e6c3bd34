//! A process that writes is killed (`kill -9`) again and again: what it acknowledged is there, once.
//!
//! `HIGHWATER_CRASH_ROUNDS` says how often; 200 times by itself.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

use core::time::Duration;
use highwater_engines::{Sqlite, SqliteOptions};
use highwater_publisher::engine::{Append, Engine, Place, Read, Retention};
use highwater_publisher::{Epoch, Id, Object, Operation};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Instant;
use std::{env, io, thread};

#[test]
fn nothing_acknowledged_is_lost_or_repeated() {
    let rounds = env::var("HIGHWATER_CRASH_ROUNDS").map_or(200, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut known = Known::default();
    let (mut acknowledged, begun) = (0, Instant::now());
    for round in 0..rounds {
        // From before the first commit to well into the work, never twice the same.
        let most = Duration::from_micros(1_000 + (round * 7_919) % 120_000);
        let told = write_until_killed(folder.path(), most);
        acknowledged += told.len();
        known.check(folder.path(), &told);
    }
    let seconds = begun.elapsed().as_secs_f32();
    println!("{rounds} rounds, {acknowledged} acknowledged appends, {seconds:.1} s");
    assert!(acknowledged > 0, "killed before it wrote anything, every time");
}

/// What one writer was told of one append.
struct Told {
    writer: usize,
    n: u64,
    place: Place,
}

fn write_until_killed(folder: &Path, most: Duration) -> Vec<Told> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed", "--ignored", "--nocapture"])
        .env("HIGHWATER_CRASH_FOLDER", folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (ready, is_ready) = mpsc::channel();
    let reading = thread::spawn(move || {
        let mut told = Vec::new();
        for line in output.lines().map_while(Result::ok) {
            if line == "ready" {
                ready.send(()).unwrap();
            } else if let Some(rest) = line.strip_prefix("appended ") {
                // A line that was cut short was not told.
                let words: Vec<_> = rest.split(' ').collect();
                if let [writer, n, place, "."] = words[..] {
                    let place = Place::parse(place).unwrap();
                    told.push(Told {
                        writer: writer.parse().unwrap(),
                        n: n.parse().unwrap(),
                        place,
                    });
                }
            }
        }
        told
    });
    is_ready.recv_timeout(Duration::from_mins(1)).expect("it opens its database");
    thread::sleep(most);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap()
}

/// What the database has to hold at least.
#[derive(Default)]
struct Known {
    epoch: Option<Epoch>,
    index: u64,
    /// The newest count of each writer that was seen in the database.
    counts: BTreeMap<usize, u64>,
}

impl Known {
    fn check(&mut self, folder: &Path, told: &[Told]) {
        let engine = open(folder);
        runtime().block_on(async {
            let Some(snapshot) = engine.snapshot(TOPIC).await.unwrap() else {
                assert!(told.is_empty() && self.epoch.is_none(), "the topic is lost");
                return;
            };
            // Killed, not restored: the marker vouches for the database.
            let place = snapshot.place;
            assert_eq!(self.epoch.get_or_insert(place.epoch.clone()), &place.epoch);
            assert!(place.index >= self.index, "{} after {}", place.index, self.index);

            // Every record that the log has: each writer's counts without gap or repetition.
            let mut log = BTreeMap::new();
            let mut after = Place { index: place.index.saturating_sub(KEPT), ..place.clone() };
            let Read::Records(records) = engine.read(TOPIC, &after, usize::MAX).await.unwrap()
            else {
                panic!("the log is shorter than it has to be")
            };
            let mut newest: BTreeMap<usize, u64> = BTreeMap::new();
            for record in records {
                after.index += 1;
                assert_eq!(record.index, after.index);
                let change = &record.changes[0];
                let (writer, n) = (number(change.id.key()), count(change.object.as_ref().unwrap()));
                if let Some(before) = newest.insert(writer as usize, n) {
                    assert_eq!(n, before + 1, "writer {writer} at {}", record.index);
                }
                log.insert(record.index, (writer as usize, n));
            }
            assert_eq!(after, place);

            for Told { writer, n, place: at } in told {
                assert_eq!(at.epoch, place.epoch);
                assert!(at.index > self.index && at.index <= place.index, "{at} was acknowledged");
                if let Some(found) = log.get(&at.index) {
                    assert_eq!(found, &(*writer, *n), "at {at}");
                }
                let count = self.counts.entry(*writer).or_default();
                assert_eq!(
                    *n,
                    *count + 1,
                    "writer {writer} was told of a count that it had, or skipped one"
                );
                *count = *n;
            }
            // What was under way when the process was killed may be there, and nothing else.
            assert!(place.index <= self.index + told.len() as u64 + WRITERS as u64);
            for item in &snapshot.items {
                let writer = number(item.id.key()) as usize;
                let (had, has) = (self.counts.entry(writer).or_default(), count(&item.object));
                assert!((*had..=*had + 1).contains(&has), "writer {writer}: {has} after {had}");
                *had = has;
            }
            assert_eq!(snapshot.items.len(), self.counts.len());
            self.index = place.index;
        });
    }
}

#[test]
#[ignore = "run by the other test, to be killed"]
fn the_process_that_is_killed() {
    let folder = PathBuf::from(env::var_os("HIGHWATER_CRASH_FOLDER").expect("who runs this?"));
    let engine = Arc::new(open(&folder));
    let told = |line: String| io::stdout().lock().write_all(line.as_bytes()).unwrap();
    runtime().block_on(async {
        let counts: BTreeMap<_, _> = match engine.snapshot(TOPIC).await.unwrap() {
            Some(snapshot) => {
                let items = snapshot.items.iter();
                items.map(|item| (number(item.id.key()) as usize, count(&item.object))).collect()
            }
            None => BTreeMap::new(),
        };
        told("ready\n".to_owned());
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (engine, mut n) = (Arc::clone(&engine), *counts.get(&writer).unwrap_or(&0));
                tokio::spawn(async move {
                    // Until it is killed.
                    while n < u64::MAX {
                        n += 1;
                        let id = Id::new("writer", &writer.to_string()).unwrap();
                        let object = Object::parse(&format!("{{\"n\":{n}}}")).unwrap();
                        let append = Append::new([Operation::put(id, object)].into());
                        let place = engine.append(TOPIC, append).await.unwrap().place;
                        told(format!("appended {writer} {n} {place} .\n"));
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

fn open(folder: &Path) -> Sqlite {
    let options = SqliteOptions {
        retention: Retention { transactions: KEPT, ..Retention::default() },
        marker: Some(folder.join("run")),
        ..SqliteOptions::default()
    };
    Sqlite::open(&folder.join("data"), &options).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn count(object: &Object) -> u64 {
    number(object.as_str().trim_start_matches("{\"n\":").trim_end_matches('}'))
}

const TOPIC: &str = "t";
const WRITERS: usize = 8;
/// Small, so that the log is trimmed all the time.
const KEPT: u64 = 200;
