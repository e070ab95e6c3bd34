//! Bad requests: each has a status, a code, and a place where there is one.

use crate::common::{Server, answer, error};
use highwater_server::Settings;
use reqwest::Method;

#[tokio::test]
async fn bad_values_are_refused_with_their_place() {
    let server = Server::start().await;
    for (body, code, place) in [
        ("{\"a\":1,\n\"b\":}", "bad-json", Some("line 2 column 5")),
        ("", "bad-json", Some("line 1 column 0")),
        ("{\"a\":1} x", "bad-json", Some("line 1 column 9")),
        ("[]", "wrong-shape", None),
        ("\"text\"", "wrong-shape", None),
        ("null", "wrong-shape", None),
    ] {
        let (status, answer) = server.put("/v1/topics/t/a/1", body).await;
        assert_eq!((status.as_u16(), error(&answer)), (400, (code, place)), "{body}");
    }
    let request = server
        .client
        .put(format!("{}/v1/topics/t/a/1", server.url))
        .body(b"{\"a\":\"\xff\"}".to_vec());
    let (status, body) = answer(request.send().await.unwrap()).await;
    assert_eq!((status.as_u16(), error(&body)), (400, ("bad-utf8", Some("byte 6"))));
    assert_eq!(server.get("/v1/topics/t").await.0, 404);
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let server = Server::with(Settings { max_body: 1000, ..Settings::default() }).await;
    let object = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
    assert_eq!(server.put("/v1/topics/t/a/1", &object(1000)).await.0, 201);
    let (status, body) = server.put("/v1/topics/t/a/1", &object(1001)).await;
    assert_eq!((status.as_u16(), error(&body)), (413, ("too-large", Some("body"))));
}

#[tokio::test]
async fn names_have_limits() {
    let settings = Settings { max_topics: 1, ..Settings::default() };
    let server = Server::with(settings).await;
    let long = "x".repeat(1025);
    for path in [
        format!("/v1/topics/t/a/{long}"),
        format!("/v1/topics/t/{long}/a"),
        format!("/v1/topics/{long}/a/a"),
    ] {
        let (status, body) = server.put(&path, "{}").await;
        assert_eq!((status.as_u16(), error(&body).0), (400, "bad-name"));
    }
    let (status, body) = server.put("/v1/topics/t/a/%FF", "{}").await;
    assert_eq!((status.as_u16(), error(&body)), (400, ("bad-path", Some("path"))));
    assert_eq!(server.put("/v1/topics/one/a/1", "{}").await.0, 201);
    let (status, body) = server.put("/v1/topics/two/a/1", "{}").await;
    assert_eq!((status.as_u16(), error(&body).0), (507, "too-many-topics"));
}

#[tokio::test]
async fn unknown_paths_methods_and_topics_are_told_apart() {
    let server = Server::start().await;
    for (method, path, status, code) in [
        (Method::GET, "/", 404, "unknown-path"),
        (Method::GET, "/v1/topics/t/a/", 404, "unknown-path"),
        (Method::GET, "/v2/topics", 404, "unknown-path"),
        (Method::POST, "/v1/topics/t", 405, "wrong-method"),
        (Method::PATCH, "/v1/topics/t/a/1", 405, "wrong-method"),
        (Method::PUT, "/v1/topics/t/stream", 405, "wrong-method"),
        (Method::GET, "/v1/topics/t/transactions", 405, "wrong-method"),
        (Method::GET, "/v1/topics/t", 404, "unknown-topic"),
        (Method::GET, "/v1/topics/t/stream", 404, "unknown-topic"),
        (Method::GET, "/v1/topics/t/a/1", 404, "unknown-topic"),
        (Method::DELETE, "/v1/topics/t/a/1", 404, "unknown-topic"),
    ] {
        let request = server.client.request(method.clone(), format!("{}{path}", server.url));
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json", "{method} {path}");
        assert_eq!(response.headers().contains_key("allow"), status == 405, "{method} {path}");
        let (answered, body) = answer(response).await;
        assert_eq!((answered.as_u16(), error(&body).0), (status, code), "{method} {path}");
    }
}

#[tokio::test]
async fn health_and_readiness() {
    let server = Server::start().await;
    assert_eq!(server.get("/healthz").await.0, 200);
    assert_eq!(server.get("/readyz").await.0, 200);
}
