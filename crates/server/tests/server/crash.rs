//! `serve --data` is killed (`kill -9`) again and again while clients write: what was acknowledged is
//! there, once, and what a client was told by its stream is never taken back.
//!
//! `HIGHWATER_CRASH_ROUNDS` says how often; 20 times by itself.

use crate::common::{Event, Events, Process, end, epoch, index, verdict};
use core::time::Duration;
use reqwest::Client;
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::task::JoinSet;

const WRITERS: usize = 4;

/// One acknowledged write: who wrote it, its count, and where.
#[derive(Clone, Debug)]
struct Told {
    writer: usize,
    n: u64,
    cursor: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_repeated() {
    let rounds: u64 =
        env::var("HIGHWATER_CRASH_ROUNDS").map_or(20, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().unwrap();
    let (begun, mut acknowledged) = (Instant::now(), 0);
    let mut known = Known::default();
    for round in 0..rounds {
        let server = Process::durable(folder.path(), &[]);
        known.check(&server).await;
        let told = write_until_killed(server, &known.counts, round).await;
        acknowledged += told.len();
        known.told(&told);
    }
    let server = Process::durable(folder.path(), &[]);
    known.check(&server).await;
    let seconds = begun.elapsed().as_secs_f32();
    println!("{rounds} rounds, {acknowledged} acknowledged writes, {seconds:.1} s");
    assert!(acknowledged > 0, "killed before anything was written, every time");
}

async fn write_until_killed(
    mut server: Process,
    counts: &BTreeMap<usize, u64>,
    round: u64,
) -> Vec<Told> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (client, told) = (Client::new(), Arc::clone(&told));
        let url = format!("{}/v1/topics/t/writer/{writer}", server.url);
        let mut n = counts.get(&writer).copied().unwrap_or(0);
        writers.spawn(async move {
            loop {
                n += 1;
                let Ok(response) = client.put(&url).body(format!("{{\"n\":{n}}}")).send().await
                else {
                    return;
                };
                assert!(response.status().is_success(), "{}", response.status());
                let Ok(body) = response.json::<Value>().await else { return };
                let cursor = body["cursor"].as_str().unwrap().to_owned();
                told.lock().unwrap().push(Told { writer, n, cursor });
            }
        });
    }
    // From before the first write to well into the work, never twice the same.
    tokio::time::sleep(Duration::from_micros(1_000 + (round * 7_919) % 120_000)).await;
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    told.lock().unwrap().clone()
}

/// What the server has to have at least.
#[derive(Default)]
struct Known {
    /// The newest count of each writer that was acknowledged or seen.
    counts: BTreeMap<usize, u64>,
    /// The newest cursor that anybody was told.
    cursor: Option<String>,
    /// What a client has that follows from round to round, and where it is.
    view: BTreeMap<usize, u64>,
    at: Option<String>,
}

impl Known {
    fn told(&mut self, told: &[Told]) {
        for Told { writer, n, cursor } in told {
            let count = self.counts.entry(*writer).or_default();
            assert_eq!(*n, *count + 1, "writer {writer}");
            *count = *n;
            if self.cursor.as_deref().is_none_or(|newest| index(newest) < index(cursor)) {
                self.cursor = Some(cursor.clone());
            }
        }
    }

    /// A server that has begun again holds what was acknowledged, and of each writer at most the
    /// one write that was under way.
    async fn check(&mut self, server: &Process) {
        let response = reqwest::get(format!("{}/v1/topics/t", server.url)).await.unwrap();
        if response.status() == 404 {
            assert_eq!(self.cursor, None, "the topic is lost");
            return;
        }
        let all: Value = response.json().await.unwrap();
        let cursor = all["cursor"].as_str().unwrap();
        let items = all["items"].as_array().unwrap();
        let has: BTreeMap<usize, u64> = items
            .iter()
            .map(|item| {
                let writer = item["key"].as_str().unwrap().parse().unwrap();
                (writer, item["object"]["n"].as_u64().unwrap())
            })
            .collect();
        for (writer, had) in &self.counts {
            let has = has.get(writer).copied().unwrap_or(0);
            assert!((*had..=*had + 1).contains(&has), "writer {writer}: {has} after {had}");
        }
        // Every write is one index, so that none was repeated either.
        assert_eq!(index(cursor), has.values().sum::<u64>(), "{all}");
        if let Some(newest) = self.cursor.replace(cursor.to_owned()) {
            assert_eq!(epoch(&newest), epoch(cursor), "killed, not restored");
            assert!(index(&newest) <= index(cursor), "{newest} was told, and it is at {cursor}");
            let (intent, _) = resume(server, &newest).await;
            assert!(verdict(&intent).2, "{newest} was told, and means nothing at {cursor}");
        }
        if let Some(at) = self.at.replace(cursor.to_owned()) {
            self.follow(server, at, cursor).await;
            assert_eq!(self.view, has);
        }
        self.view.clone_from(&has);
        self.counts = has;
    }

    /// Goes on from where the last round began to where this one does, as a client does.
    async fn follow(&mut self, server: &Process, mut at: String, to: &str) {
        let (_, mut stream) = resume(server, &at).await;
        while at != to {
            let events = stream.payload().await;
            let (reached, basis) = end(&events);
            assert_eq!((basis.as_ref(), index(&reached)), (Some(&at), index(&at) + 1));
            at = reached;
            let data = &events[0].data;
            let writer: usize = data["key"].as_str().unwrap().parse().unwrap();
            let n = data["object"]["n"].as_u64().unwrap();
            assert_eq!(self.view.insert(writer, n).unwrap_or(0) + 1, n, "writer {writer}");
        }
    }
}

async fn resume(server: &Process, cursor: &str) -> (Event, Events) {
    let url = format!("{}/v1/topics/t/stream?basis={cursor}", server.url);
    let mut stream = Events::open(&Client::new(), &url).await;
    (stream.event().await, stream)
}
