//! The whole topic, at once or when it has changed.

use crate::common::{PATIENCE, Server, error};
use core::time::Duration;
use serde_json::json;
use std::time::Instant;

#[tokio::test]
async fn value_and_index_are_of_one_moment() {
    let server = Server::start().await;
    server.put("/v1/topics/t/a/1", "{\"n\":1}").await;
    server.put("/v1/topics/t/b/1", "{\"n\":2}").await;
    let response =
        server.client.get(format!("{}/v1/topics/t?kind=b", server.url)).send().await.unwrap();
    let (index, cursor) = (
        response.headers()["x-highwater-index"].clone(),
        response.headers()["x-highwater-cursor"].clone(),
    );
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!((index.to_str().unwrap(), &body["index"]), ("2", &json!(2)));
    assert_eq!(cursor.to_str().unwrap(), body["cursor"]);
    assert_eq!(
        body["items"],
        json!([{ "kind": "b", "key": "1", "version": 2, "object": { "n": 2 } }])
    );
}

#[tokio::test]
async fn a_query_with_an_index_waits_for_the_next() {
    let server = Server::start().await;
    server.put("/v1/topics/t/a/1", "{}").await;
    let waiting = tokio::spawn({
        let (client, url) =
            (server.client.clone(), format!("{}/v1/topics/t?index=1&wait=30s", server.url));
        async move { client.get(url).send().await.unwrap().json::<serde_json::Value>().await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    server.put("/v1/topics/t/a/1", "{\"n\":2}").await;
    let body = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!((&body["index"], &body["items"][0]["object"]), (&json!(2), &json!({ "n": 2 })));
}

#[tokio::test]
async fn a_wait_ends_by_itself_or_never_begins() {
    let server = Server::start().await;
    server.put("/v1/topics/t/a/1", "{}").await;
    let start = Instant::now();
    assert_eq!(server.get("/v1/topics/t?index=1&wait=150ms").await.1["index"], 1);
    assert!(start.elapsed() >= Duration::from_millis(150));
    // Behind, or of a life that is over: there is something to tell at once.
    for path in
        ["/v1/topics/t?index=0&wait=60s", "/v1/topics/t?index=9&wait=60s", "/v1/topics/t?wait=60s"]
    {
        assert_eq!(server.get(path).await.1["index"], 1);
    }
    assert!(start.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_bad_query_says_where() {
    let server = Server::start().await;
    server.put("/v1/topics/t/a/1", "{}").await;
    for (query, place) in [
        ("index=x", "query"),
        ("index=-1", "query"),
        ("index=1&wait=10", "wait"),
        ("wait=1h", "wait"),
    ] {
        let (status, body) = server.get(&format!("/v1/topics/t?{query}")).await;
        assert_eq!((status.as_u16(), error(&body)), (400, ("bad-query", Some(place))), "{query}");
    }
    let (status, body) = server.get("/v1/topics/none?index=0&wait=10s").await;
    assert_eq!((status.as_u16(), error(&body)), (404, ("unknown-topic", None)));
}
