//! What is counted, and what is logged.

use crate::access::ADMIN;
use crate::common::{Process, Server};
use reqwest::Client;
use serde_json::{Value, json};
use std::io::Read as _;

#[tokio::test]
async fn requests_and_streams_are_counted() {
    let server = Server::start().await;
    for path in ["/v1/topics/t/a/1", "/v1/topics/u/a/1", "/v1/topics/u/a/1"] {
        server.put(path, "{}").await;
    }
    server.get("/v1/topics/none").await;
    server.get("/nowhere/a").await;
    server.get("/nowhere/b").await;
    let cursor = server.get("/v1/topics/t").await.1["cursor"].as_str().unwrap().to_owned();
    let mut streams = [
        server.stream("/v1/topics/t/stream").await,
        server.stream(&format!("/v1/topics/t/stream?basis={cursor}")).await,
    ];
    streams[0].payload().await;
    streams[1].event().await;

    let item = "/v1/topics/{topic}/{kind}/{key}";
    for (name, value) in [
        (
            format!("highwater_requests_total{{method=\"PUT\",route=\"{item}\",status=\"201\"}}"),
            2.0,
        ),
        (
            format!("highwater_requests_total{{method=\"PUT\",route=\"{item}\",status=\"200\"}}"),
            1.0,
        ),
        (
            "highwater_requests_total{method=\"GET\",route=\"/v1/topics/{topic}\",status=\"404\"}"
                .into(),
            1.0,
        ),
        ("highwater_requests_total{method=\"GET\",route=\"\",status=\"404\"}".into(), 2.0),
        (format!("highwater_request_duration_seconds_count{{route=\"{item}\"}}"), 3.0),
        ("highwater_streams_opened_total{verdict=\"full\"}".into(), 1.0),
        ("highwater_streams_opened_total{verdict=\"up-to-date\"}".into(), 1.0),
        ("highwater_streams".into(), 2.0),
        ("highwater_topics".into(), 2.0),
        (format!("highwater_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(server.metric(&name).await, Some(value), "{name}");
    }
    assert!(server.metric("highwater_topic_bytes").await.unwrap() > 100.0);
    drop(streams);
    crate::common::until("they are closed", async || {
        server.metric("highwater_streams_closed_total{why=\"gone\"}").await == Some(2.0)
            && server.metric("highwater_streams").await == Some(0.0)
    })
    .await;
}

/// Everything that the log says, at its most talkative.
#[cfg(unix)]
#[tokio::test]
async fn the_log_is_a_line_a_request_and_tells_no_secrets() {
    let mut process = Process::logged(
        &["--log-format", "json", "serve"],
        &[("HIGHWATER_ADMIN_TOKEN", ADMIN), ("RUST_LOG", "trace")],
    );
    let client = Client::new();
    let url = |path: &str| format!("{}{path}", process.url);
    let made = client.post(url("/v1/admin/tokens")).bearer_auth(ADMIN);
    let made = made.json(&json!({ "name": "web", "read": ["*"], "write": ["*"] }));
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let strange = "a-secret-that-nobody-knows";
    let put = client.put(url("/v1/topics/t/a/1?token=in-the-query-it-is-no-token"));
    assert_eq!(put.bearer_auth(secret).body("{}").send().await.unwrap().status(), 201);
    let get = |secret: &str| client.get(url("/v1/topics/t")).bearer_auth(secret).send();
    assert_eq!(get(strange).await.unwrap().status(), 401);
    let basic = client.get(url("/v1/topics/t")).basic_auth("user", Some(strange));
    assert_eq!(basic.send().await.unwrap().status(), 401);
    let stream = client.get(url("/v1/topics/t/stream")).bearer_auth(secret).send().await.unwrap();
    let gone = client.delete(url(&format!("/v1/admin/tokens/{id}"))).bearer_auth(ADMIN);
    assert_eq!(gone.send().await.unwrap().status(), 200);
    assert!(stream.text().await.unwrap().contains("event: goodbye"));
    assert_eq!(get(secret).await.unwrap().status(), 401);

    let pid = process.child.id().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let mut log = String::new();
    process.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    for secret in [ADMIN, secret, strange, "in-the-query-it-is-no-token", &secret[3..]] {
        assert!(!log.contains(secret), "{secret} in the log");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "request")
        .map(|line| {
            assert!(line["took_us"].is_u64() && line["timestamp"].is_string(), "{line}");
            let text = |name: &str| line[name].as_str().unwrap();
            (text("method"), text("path"), line["status"].as_u64().unwrap(), text("token"))
        })
        .collect();
    let revoked = format!("/v1/admin/tokens/{id}");
    let expect = [
        ("POST", "/v1/admin/tokens", 201, "admin"),
        ("PUT", "/v1/topics/t/a/1", 201, id),
        ("GET", "/v1/topics/t", 401, ""),
        ("GET", "/v1/topics/t", 401, ""),
        ("GET", "/v1/topics/t/stream", 200, id),
        ("DELETE", &revoked, 200, "admin"),
        ("GET", "/v1/topics/t", 401, ""),
    ];
    assert_eq!(requests, expect);
}
