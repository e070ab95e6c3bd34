//! One item: put, get, delete, compare-and-set.

use crate::common::{Server, answer, error};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_item_lives_and_dies() {
    let server = Server::start().await;
    let (status, body) = server.put("/v1/topics/t/flag/a", "{ \"on\": true,\n \"n\": 1.50 }").await;
    assert_eq!((status.as_u16(), &body["version"], &body["index"]), (201, &json!(1), &json!(1)));
    let (status, body) = server.put("/v1/topics/t/flag/a", "{\"on\":false}").await;
    assert_eq!((status.as_u16(), &body["version"]), (200, &json!(2)));

    let response =
        server.client.get(format!("{}/v1/topics/t/flag/a", server.url)).send().await.unwrap();
    assert_eq!(response.headers()["etag"], "\"2\"");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["x-highwater-index"], "2");
    assert!(response.headers()["x-highwater-cursor"].to_str().unwrap().ends_with(".2"));
    assert_eq!(response.text().await.unwrap(), "{\"on\":false}");

    let (status, body) = server.send(Method::DELETE, "/v1/topics/t/flag/a", "").await;
    assert_eq!((status.as_u16(), &body["version"]), (200, &json!(3)));
    let (status, body) = server.get("/v1/topics/t/flag/a").await;
    assert_eq!((status.as_u16(), error(&body)), (404, ("not-found", None)));
    let (status, body) = server.send(Method::DELETE, "/v1/topics/t/flag/a", "").await;
    assert_eq!((status.as_u16(), error(&body)), (404, ("not-found", None)));
}

#[tokio::test]
async fn a_value_keeps_its_text() {
    let server = Server::start().await;
    let text = "{\"big\":12345678901234567890,\"exact\":1.50,\"twice\":1,\"twice\":2,\"s\":\"\\u00e4 \\n\"}";
    server.put("/v1/topics/t/flag/a", text).await;
    let response =
        server.client.get(format!("{}/v1/topics/t/flag/a", server.url)).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), text);
}

#[tokio::test]
async fn a_key_may_be_any_text() {
    let server = Server::start().await;
    for (path, key) in [
        ("a%2Fb", "a/b"),
        ("%C3%A4%20%F0%9F%8C%8A", "ä 🌊"),
        ("x%0Ay%00", "x\ny\0"),
        ("..%2F%22%5C", "../\"\\"),
        ("100%25", "100%"),
    ] {
        let (status, _) = server.put(&format!("/v1/topics/a%20topic/a%2Fkind/{path}"), "{}").await;
        assert_eq!(status, 201, "{path}");
        let (_, all) = server.get("/v1/topics/a%20topic?kind=a%2Fkind").await;
        assert_eq!(all["topic"], "a topic");
        let found = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|item| item["key"] == key && item["kind"] == "a/kind");
        assert!(found, "{key:?} in {all}");
        assert_eq!(
            server.get(&format!("/v1/topics/a%20topic/a%2Fkind/{path}")).await,
            (200.try_into().unwrap(), json!({}))
        );
    }
}

#[tokio::test]
async fn conditions_are_kept() {
    let server = Server::start().await;
    let send = async |method: Method, name: &'static str, value: &'static str| {
        let request = server.client.request(method, format!("{}/v1/topics/t/flag/a", server.url));
        let (status, body) =
            answer(request.header(name, value).body("{}").send().await.unwrap()).await;
        (
            status.as_u16(),
            body["error"]["code"].as_str().map(str::to_owned),
            body["error"]["current"].clone(),
        )
    };
    let conflict = |current: Value| (409, Some("conflict".to_owned()), current);
    let ok = |status| (status, None, Value::Null);
    assert_eq!(send(Method::PUT, "if-match", "\"1\"").await, conflict(Value::Null));
    assert_eq!(server.get("/v1/topics/t").await.0, 404, "a refused write creates no topic");
    assert_eq!(send(Method::PUT, "if-none-match", "*").await, ok(201));
    assert_eq!(send(Method::PUT, "if-none-match", "*").await, conflict(json!(1)));
    assert_eq!(send(Method::PUT, "if-match", "\"2\"").await, conflict(json!(1)));
    assert_eq!(send(Method::PUT, "if-match", "\"1\"").await, ok(200));
    assert_eq!(send(Method::PUT, "if-match", "*").await, ok(200));
    assert_eq!(send(Method::DELETE, "if-match", "\"2\"").await, conflict(json!(3)));
    assert_eq!(send(Method::DELETE, "if-match", "3").await, ok(200), "bare, as people type it");
    assert_eq!(send(Method::PUT, "if-match", "*").await, conflict(Value::Null));
    for wrong in ["3x", "\"3", "\"x\"", "\"1\", \"2\"", "W/\"1\"", ""] {
        assert_eq!(send(Method::PUT, "if-match", wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(send(Method::PUT, "if-none-match", "\"1\"").await.0, 400);
}

#[tokio::test]
async fn a_reader_that_has_the_version_gets_304() {
    let server = Server::start().await;
    server.put("/v1/topics/t/flag/a", "{}").await;
    for (tag, status) in
        [("\"1\"", 304), ("W/\"1\"", 304), ("\"7\", \"1\"", 304), ("*", 304), ("\"2\"", 200)]
    {
        let request = server
            .client
            .get(format!("{}/v1/topics/t/flag/a", server.url))
            .header("if-none-match", tag);
        assert_eq!(request.send().await.unwrap().status(), status, "{tag}");
    }
}
