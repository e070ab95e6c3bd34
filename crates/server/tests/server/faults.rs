//! Every fault of the demo, as it shows on the wire.

use crate::common::{Event, Events, Process, answer, end, error, index, verdict};
use crate::demo::start;
use core::time::Duration;
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Instant;

struct Demo {
    process: Process,
    client: Client,
}

impl Demo {
    fn start() -> Self {
        Self { process: start(), client: Client::new() }
    }

    async fn stream(&self, query: &str) -> Events {
        Events::open(&self.client, &format!("{}/v1/topics/machine/stream{query}", self.process.url))
            .await
    }

    async fn fault(&self, name: &str, body: &str) -> (u16, Value) {
        let request = self
            .client
            .post(format!("{}/demo/faults/{name}", self.process.url))
            .body(body.to_owned());
        let (status, body) = answer(request.send().await.unwrap()).await;
        (status.as_u16(), body)
    }

    /// Does a fault to the only stream.
    async fn done(&self, name: &str) {
        assert_eq!(self.fault(name, "").await, (200, json!({ "fault": name, "clients": 1 })));
    }
}

/// Transactions until one fulfils the condition, by their cursor, as they came.
async fn until(stream: &mut Events, condition: impl Fn(&[u64]) -> bool) -> Vec<u64> {
    let mut indexes = Vec::new();
    while !condition(&indexes) {
        indexes.push(index(&end(&stream.payload().await).0));
        assert!(indexes.len() < 60, "it has not come: {indexes:?}");
    }
    indexes
}

#[tokio::test]
async fn cut_breaks_within_an_event_and_the_reader_resumes() {
    let demo = Demo::start();
    let mut stream = demo.stream("").await;
    let (mut told, _) = end(&stream.payload().await);
    demo.done("cut").await;
    while let Some(event) = stream.next().await {
        told = event.id.unwrap_or(told);
    }
    assert!(stream.rest().starts_with("event: payload"), "a torn event: {:?}", stream.rest());
    let mut stream = demo.stream(&format!("?basis={told}")).await;
    let intent = stream.event().await;
    assert!(verdict(&intent).2, "{intent:?}");
    assert_eq!(end(&stream.payload().await).1, Some(told), "nothing is missing");
}

#[tokio::test]
async fn replay_sends_old_transactions_byte_for_byte() {
    let demo = Demo::start();
    let mut stream = demo.stream("").await;
    stream.payload().await;
    let mut seen: Vec<Vec<Event>> = Vec::new();
    for _ in 0..4 {
        seen.push(stream.payload().await);
    }
    demo.done("replay").await;
    let mut again: Vec<Vec<Event>> = Vec::new();
    let first = end(&seen[0]).0;
    while again.last().is_none_or(|events| end(events).0 != first) {
        again.push(stream.payload().await);
        assert!(again.len() < 40, "it has not come");
    }
    again = vec![again.pop().unwrap()];
    for _ in 1..4 {
        again.push(stream.payload().await);
    }
    assert_eq!(again, seen);
}

#[tokio::test]
async fn reorder_swaps_two_transactions() {
    let demo = Demo::start();
    let mut stream = demo.stream("").await;
    stream.payload().await;
    demo.done("reorder").await;
    let swapped = |seen: &[u64]| seen.windows(2).any(|pair| pair[0] == pair[1] + 1);
    let mut seen = until(&mut stream, swapped).await;
    let last = seen.len() - 1;
    seen.swap(last, last - 1);
    assert!(seen.is_sorted_by(|a, b| a + 1 == *b), "nothing is lost: {seen:?}");
    let next = until(&mut stream, |seen| seen.len() == 1).await;
    assert_eq!(next[0], seen[last] + 1);
}

#[tokio::test]
async fn duplicate_sends_five_transactions_twice() {
    let demo = Demo::start();
    let mut stream = demo.stream("").await;
    stream.payload().await;
    demo.done("duplicate").await;
    let twins = |seen: &[u64]| seen.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let mut seen = until(&mut stream, |seen| twins(seen) == 5).await;
    seen.dedup();
    assert!(seen.is_sorted_by(|a, b| a + 1 == *b), "{seen:?}");
    let after = until(&mut stream, |seen| seen.len() == 3).await;
    assert_eq!(twins(&after), 0);
}

#[tokio::test]
async fn restart_begins_another_life() {
    let demo = Demo::start();
    let mut stream = demo.stream("").await;
    stream.payload().await;
    let (mut told, _) = end(&stream.payload().await);
    let mut other = demo.stream("?client=other").await;
    assert_eq!(
        demo.fault("restart", "{\"client\":\"nobody\"}").await.1["clients"],
        2,
        "everyone is cut"
    );
    while let Some(event) = stream.next().await {
        told = event.id.unwrap_or(told);
    }
    while other.next().await.is_some() {}
    let events = demo.stream(&format!("?basis={told}")).await.payload().await;
    assert_eq!(verdict(&events[0]), ("xfer-full", "cant-catchup", false));
    let (state, _) = end(&events);
    assert_ne!(state.split_once('.').unwrap().0, told.split_once('.').unwrap().0);
    let mut puts = events.iter().filter(|event| event.name == "put-object");
    assert!(puts.all(|put| put.data["version"].as_i64() <= Some(3)), "counters begin again");
    assert!(events.len() > 3, "the table is there at once");
}

#[tokio::test]
async fn stall_is_silent_and_loses_nothing() {
    let demo = Demo::start();
    let mut stream = demo.stream("?client=me").await;
    let (told, _) = end(&stream.payload().await);
    let (status, body) = demo.fault("stall", "{\"client\":\"me\",\"seconds\":1.5}").await;
    assert_eq!((status, &body["clients"]), (200, &json!(1)));
    let start = Instant::now();
    let (mut longest, mut last, mut told) = (Duration::ZERO, start, told);
    while start.elapsed() < Duration::from_millis(2500) {
        let event = stream.next().await.expect("the connection stays open");
        longest = longest.max(last.elapsed());
        last = Instant::now();
        if event.name == "payload-transferred" {
            assert_eq!(event.data["basis"], told, "nothing is missing");
            told = event.id.unwrap();
        }
    }
    assert!(longest > Duration::from_millis(1200), "silent for {longest:?} only");
}

#[tokio::test]
async fn garbage_is_an_event_whose_json_breaks_off() {
    let demo = Demo::start();
    let mut stream = demo.stream("?kind=host").await;
    stream.payload().await;
    demo.done("garbage").await;
    let garbage = loop {
        let event = stream.event().await;
        if event.name == "put-object" && event.data.is_string() {
            break event;
        }
    };
    assert!(serde_json::from_str::<Value>(garbage.data.as_str().unwrap()).unwrap_err().is_eof());
    stream.payload().await;
}

#[tokio::test]
async fn a_fault_can_be_for_one_client() {
    let demo = Demo::start();
    let (mut one, mut two) = (demo.stream("?client=one").await, demo.stream("?client=two").await);
    assert_eq!(demo.fault("cut", "{\"client\":\"none\"}").await.1["clients"], 0);
    assert_eq!(demo.fault("cut", "{\"client\":\"one\"}").await.1["clients"], 1);
    while one.next().await.is_some() {}
    for _ in 0..3 {
        two.payload().await;
    }
    assert_eq!(demo.fault("cut", "").await.1["clients"], 1, "closed streams are not counted");
}

#[tokio::test]
async fn bad_orders_are_refused() {
    let demo = Demo::start();
    let (status, body) = demo.fault("explode", "").await;
    assert_eq!((status, error(&body).0), (404, "unknown-fault"));
    for (body, code) in
        [("{", "bad-json"), ("{\"who\":1}", "wrong-shape"), ("{\"seconds\":-1}", "wrong-shape")]
    {
        let (status, answer) = demo.fault("stall", body).await;
        assert_eq!((status, error(&answer).0), (400, code), "{body}");
    }
    let url = format!("{}/demo/faults/cut", demo.process.url);
    assert_eq!(demo.client.get(&url).send().await.unwrap().status(), 405);
    for (origin, status) in
        [("https://evil.example", 403), ("null", 403), (demo.process.url.as_str(), 200)]
    {
        let request = demo.client.post(&url).header("origin", origin);
        assert_eq!(request.send().await.unwrap().status(), status, "{origin}");
    }
}
