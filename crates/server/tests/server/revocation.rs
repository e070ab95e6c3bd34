//! A token is revoked: what happens to those who use it just now.

use crate::access::{ADMIN, guarded, mint};
use crate::common::{Events, PATIENCE, Server};
use highwater::{Fault, Phase, Store};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;

async fn put(server: &Server, n: u64) {
    let path = "/v1/topics/t/a/1";
    let (status, _) = server.send_as(ADMIN, Method::PUT, path, &format!("{{\"n\":{n}}}")).await;
    assert!(status.is_success());
}

async fn open(server: &Server, secret: &str) -> Events {
    let request = server.client.get(format!("{}/v1/topics/t/stream", server.url));
    Events::of(request.bearer_auth(secret).send().await.unwrap())
}

async fn revoke(server: &Server, id: &str) {
    let path = format!("/v1/admin/tokens/{id}");
    assert_eq!(server.send_as(ADMIN, Method::DELETE, &path, "").await.0, 200);
}

#[tokio::test]
async fn its_streams_end_in_their_place_and_no_others() {
    let server = guarded().await;
    put(&server, 1).await;
    let (id, secret) = mint(&server, json!({ "name": "one", "read": ["*"] })).await;
    let (_, other) = mint(&server, json!({ "name": "other", "read": ["*"] })).await;
    let (mut ended, mut stays) = (open(&server, &secret).await, open(&server, &other).await);
    ended.payload().await;
    stays.payload().await;
    put(&server, 2).await;
    revoke(&server, &id).await;
    put(&server, 3).await;

    let last = ended.payload().await;
    assert_eq!(last[0].data["object"]["n"], 2, "what was before it");
    let error = ended.event().await;
    assert_eq!(
        (&*error.name, &error.data),
        ("error", &json!({ "reason": "the token was revoked" }))
    );
    let goodbye = ended.event().await;
    let expect = json!({ "reason": "token-revoked", "silent": false, "catastrophe": false });
    assert_eq!((&*goodbye.name, &goodbye.data), ("goodbye", &expect));
    assert_eq!(ended.next().await, None);

    assert_eq!(stays.payload().await[0].data["object"]["n"], 2);
    assert_eq!(stays.payload().await[0].data["object"]["n"], 3);
}

#[tokio::test]
async fn a_waiting_query_is_refused() {
    let server = guarded().await;
    put(&server, 1).await;
    let (id, secret) = mint(&server, json!({ "name": "one", "read": ["*"] })).await;
    let request = server.client.get(format!("{}/v1/topics/t?index=1&wait=60s", server.url));
    let waiting = tokio::spawn(request.bearer_auth(secret).send());
    crate::common::until("it waits", async || {
        let metrics = server.client.get(format!("{}/metrics", server.url)).bearer_auth(ADMIN);
        metrics.send().await.unwrap().text().await.unwrap().contains("highwater_streams 1\n")
    })
    .await;
    revoke(&server, &id).await;
    put(&server, 2).await;
    let response = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn the_native_client_says_why() {
    let server = guarded().await;
    put(&server, 1).await;
    let (id, secret) = mint(&server, json!({ "name": "one", "read": ["*"] })).await;
    let store = Store::builder(format!("{}/v1/topics/t/stream", server.url))
        .header("authorization", &format!("Bearer {secret}"))
        .connect()
        .unwrap();
    store.ready().await.unwrap();
    let mut statuses = store.statuses();
    revoke(&server, &id).await;
    let mut said = BTreeSet::new();
    let follow = async {
        loop {
            let status = statuses.borrow_and_update().clone();
            if let Some(fault) = &status.fault {
                said.insert(fault.to_string());
            }
            if status.phase == Phase::Stopped {
                return status.fault;
            }
            statuses.changed().await.unwrap();
        }
    };
    let last = tokio::time::timeout(PATIENCE, follow).await.expect("it stops");
    assert!(said.contains("the server reported: the token was revoked"), "{said:?}");
    assert!(matches!(last, Some(Fault::Status { code: 401, terminal: true })), "{last:?}");
    assert_eq!(store.len(), 1, "the state stays readable");
}
