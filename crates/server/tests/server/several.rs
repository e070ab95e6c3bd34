//! Several servers over one log.

use crate::common::{PATIENCE, Server, end, epoch, index, verdict};
use crate::engine::over;
use core::time::Duration;
use highwater_publisher::engine::Memory;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::{Instant, sleep};

async fn two() -> [Server; 2] {
    let engine = Arc::new(Memory::default());
    [over(engine.clone()).await, over(engine).await]
}

/// Waits until both show the same, and gives it.
async fn settled(servers: &[Server; 2]) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let [(_, one), (_, other)] =
            [servers[0].get("/v1/topics/t").await, servers[1].get("/v1/topics/t").await];
        if one == other {
            return one;
        }
        assert!(Instant::now() < deadline, "{one} and {other}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_one_takes_the_other_tells() {
    let servers = two().await;
    let [one, other] = &servers;
    // A topic that the other has not heard of is found there.
    assert_eq!(one.put("/v1/topics/t/a/1", "{\"n\":1}").await.0, 201);
    let mut stream = other.stream("/v1/topics/t/stream").await;
    assert_eq!(stream.payload().await.len(), 3);
    // Whoever is told a version by one can compare with it at the other.
    let request = other.client.put(format!("{}/v1/topics/t/a/1", other.url));
    let put = request.header("if-match", "1").body("{\"n\":2}").send().await.unwrap();
    assert_eq!(put.status(), 200);
    assert_eq!(stream.payload().await[0].data["object"], json!({ "n": 2 }));
    let all = settled(&servers).await;
    assert_eq!(all["items"][0]["version"], 2);
    let (_, body) = one.send(Method::DELETE, "/v1/topics/t/a/1", "").await;
    assert_eq!(stream.payload().await[0].name, "delete-object");
    assert_eq!(body["index"], 3);
}

#[tokio::test]
async fn a_stream_goes_on_at_the_other() {
    let [one, other] = two().await;
    one.put("/v1/topics/t/a/1", "{}").await;
    let (mut cursor, _) = end(&one.stream("/v1/topics/t/stream").await.payload().await);
    for n in 0..20 {
        // What the client missed, and what it has from a server that may be ahead.
        let [here, there] = if n % 2 == 0 { [&one, &other] } else { [&other, &one] };
        here.put("/v1/topics/t/a/1", &format!("{{\"n\":{n}}}")).await;
        let mut stream = there.stream(&format!("/v1/topics/t/stream?basis={cursor}")).await;
        let mut events = stream.payload().await;
        if verdict(&events[0]) == ("none", "up-to-date", true) {
            events.remove(0); // not heard of yet: it follows
        }
        let (reached, basis) = end(&events);
        assert_eq!(basis.as_deref(), Some(&*cursor));
        assert_eq!((epoch(&reached), index(&reached)), (epoch(&cursor), index(&cursor) + 1));
        cursor = reached;
    }
}

#[tokio::test]
async fn a_client_is_never_sent_back() {
    let [one, other] = two().await;
    one.put("/v1/topics/t/a/1", "{}").await;
    other.get("/v1/topics/t").await;
    for n in 0..100 {
        let (_, body) = one.put("/v1/topics/t/a/1", &format!("{{\"n\":{n}}}")).await;
        // The other may not have heard of it, and does when somebody asks from there.
        let cursor = body["cursor"].as_str().unwrap();
        let mut stream = other.stream(&format!("/v1/topics/t/stream?basis={cursor}")).await;
        assert_eq!(verdict(&stream.event().await), ("none", "up-to-date", true));
    }
}

/// Compared and set as a whole: of items that are written one by one meanwhile, none stays that is
/// not in the list, and none of the list is missing, unless it was written after it.
#[tokio::test]
async fn replace_all_is_whole_while_others_write() {
    let servers = two().await;
    let [one, other] = &servers;
    one.put("/v1/topics/t/a/first", "{}").await;
    let write = async {
        let mut newest = 0;
        for n in 0..100 {
            let (status, body) = other.put(&format!("/v1/topics/t/a/{n}"), "{}").await;
            assert_eq!(status, 201, "{body}");
            newest = body["index"].as_u64().unwrap();
        }
        newest
    };
    let replace = async {
        let mut reached = Vec::new();
        for n in 0..20 {
            let item = json!({ "kind": "b", "key": "only", "object": { "n": n } });
            let (status, body) =
                one.put("/v1/topics/t", &json!({ "items": [item] }).to_string()).await;
            assert_eq!((status.as_u16(), &body["changed"]), (200, &json!(true)), "{body}");
            reached.push(body["index"].as_u64().unwrap());
        }
        reached
    };
    let (newest, reached) = tokio::join!(write, replace);
    let all = settled(&servers).await;
    let last = *reached.last().unwrap();
    assert_eq!(all["index"].as_u64().unwrap(), newest.max(last));
    let items = all["items"].as_array().unwrap();
    let kept: Vec<_> = items.iter().filter(|item| item["kind"] == "a").collect();
    // Each write took one index, so those after the last replacement are exactly the rest.
    assert_eq!(kept.len() as u64, newest.saturating_sub(last));
    assert!(kept.iter().all(|item| item["version"].as_u64().unwrap() > last));
    assert_eq!(items.len(), kept.len() + 1);
    assert_eq!(items.last().unwrap()["object"], json!({ "n": 19 }));
}

#[tokio::test]
async fn a_wait_at_one_ends_with_a_write_at_the_other() {
    let [one, other] = two().await;
    one.put("/v1/topics/t/a/1", "{}").await;
    let waiting = other.get("/v1/topics/t?index=1&wait=1m");
    let write = async {
        sleep(Duration::from_millis(50)).await;
        one.put("/v1/topics/t/a/2", "{}").await
    };
    let ((_, answer), _) = tokio::join!(waiting, write);
    assert_eq!(answer["index"], 2);
}
