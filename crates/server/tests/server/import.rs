//! Lines of JSON, out and in.

use crate::common::{Server, answer, error};
use highwater_server::Settings;
use reqwest::{Body, Method};
use serde_json::{Value, json};

async fn import(server: &Server, query: &str, lines: impl Into<Body>) -> (u16, Value) {
    let request = server.client.post(format!("{}/v1/topics/t/import{query}", server.url));
    let request = request.header("content-type", "application/x-ndjson").body(lines);
    let (status, body) = answer(request.send().await.unwrap()).await;
    (status.as_u16(), body)
}

async fn export(server: &Server, query: &str) -> String {
    let url = format!("{}/v1/topics/t/export{query}", server.url);
    let response = server.client.get(url).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    assert!(response.headers().contains_key("x-highwater-cursor"));
    response.text().await.unwrap()
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let (one, two) = (Server::start().await, Server::start().await);
    let objects = ["{\"n\":1.50,\"s\":\"\\u00e4\\n\"}", "{\"n\":2}", "{}"];
    for (key, object) in ["b/1", "a/2", "a/1"].iter().zip(objects) {
        one.put(&format!("/v1/topics/t/{key}"), object).await;
    }
    one.put("/v1/topics/t/a/2", "{\"n\":3}").await;
    let lines = export(&one, "").await;
    let expect = "{\"kind\":\"a\",\"key\":\"1\",\"version\":3,\"object\":{}}\n\
        {\"kind\":\"a\",\"key\":\"2\",\"version\":4,\"object\":{\"n\":3}}\n\
        {\"kind\":\"b\",\"key\":\"1\",\"version\":1,\"object\":{\"n\":1.50,\"s\":\"\\u00e4\\n\"}}\n";
    assert_eq!(lines, expect);
    assert_eq!(export(&one, "?kind=b").await, expect.lines().last().unwrap().to_owned() + "\n");

    let (status, body) = import(&two, "", lines.clone()).await;
    assert_eq!(status, 200, "{body}");
    let count = json!({ "lines": 3, "operations": 3, "skipped": 0, "transactions": 1 });
    assert_eq!((&body["count"], &body["index"]), (&count, &json!(1)));
    assert_eq!(export(&two, "").await, lines);

    // Once more: it has all of that.
    let (status, body) = import(&two, "", lines.clone()).await;
    assert_eq!((status, error(&body)), (409, ("stale-version", Some("line 1"))));
    assert_eq!(body["error"]["current"], 3);
    let (status, body) = import(&two, "?stale=skip", lines).await;
    let count = json!({ "lines": 3, "operations": 0, "skipped": 3, "transactions": 0 });
    assert_eq!((status, &body["count"], &body["index"]), (200, &count, &json!(1)));
}

#[tokio::test]
async fn a_line_may_be_a_change_or_a_transaction() {
    let server = Server::start().await;
    let lines = "{\"kind\":\"a\",\"key\":\"1\",\"object\":{}}\n\n\
        {\"op\":\"delete\",\"kind\":\"a\",\"key\":\"1\"}\r\n\
        {\"operations\":[{\"op\":\"put\",\"kind\":\"b\",\"key\":\"1\",\"object\":{}},{\"op\":\"put\",\"kind\":\"b\",\"key\":\"2\",\"object\":{}}]}\n\
        {\"op\":\"put\",\"kind\":\"c\",\"key\":\"1\",\"object\":{},\"version\":9,\"ifVersion\":0}";
    let (status, body) = import(&server, "", lines).await;
    assert_eq!(status, 200, "{body}");
    let count = json!({ "lines": 5, "operations": 5, "skipped": 0, "transactions": 3 });
    assert_eq!((&body["count"], &body["index"]), (&count, &json!(3)));
    assert_eq!(export(&server, "").await.lines().count(), 3);
}

#[tokio::test]
async fn errors_name_the_line_and_what_stands_before_it_is_in() {
    let good = |key: usize| format!("{{\"kind\":\"a\",\"key\":\"{key}\",\"object\":{{}}}}\n");
    for (bad, status, code, place) in [
        ("{\"kind\":\"a\",}", 400, "bad-json", "line 3 column 13"),
        ("[]", 400, "wrong-shape", "line 3 column 2"),
        ("{\"kind\":\"a\",\"key\":\"1\"}", 400, "wrong-shape", "line 3"),
        ("{\"kind\":\"a\",\"object\":{}}", 400, "wrong-shape", "line 3"),
        ("{\"kind\":\"\",\"key\":\"1\",\"object\":{}}", 400, "bad-name", "line 3"),
        (
            "{\"kind\":\"a\",\"key\":\"1\",\"object\":{},\"operations\":[]}",
            400,
            "wrong-shape",
            "line 3",
        ),
        ("{\"kind\":\"a\",\"key\":\"1\",\"object\":{},\"ifVersion\":7}", 409, "conflict", "line 3"),
        ("{\"op\":\"delete\",\"kind\":\"a\",\"key\":\"none\"}", 409, "not-found", "line 3"),
        ("{\"operations\":[]}", 400, "empty-transaction", "line 3"),
        (
            "{\"operations\":[{\"op\":\"delete\",\"kind\":\"a\",\"key\":\"none\"}]}",
            409,
            "not-found",
            "line 3 operations[0]",
        ),
        (
            "{\"operations\":[{\"op\":\"put\",\"kind\":\"a\",\"key\":\"none\"}]}",
            400,
            "wrong-shape",
            "line 3 operations[0]",
        ),
    ] {
        let server = Server::start().await;
        let lines = format!("{}{}{bad}\n{}", good(1), good(2), good(3));
        let (answered, body) = import(&server, "", lines).await;
        assert_eq!((answered, error(&body)), (status, (code, Some(place))), "{bad}");
        let expect = "{\"kind\":\"a\",\"key\":\"1\",\"version\":1,\"object\":{}}\n\
            {\"kind\":\"a\",\"key\":\"2\",\"version\":1,\"object\":{}}\n";
        assert_eq!(export(&server, "").await, expect, "{bad}");
    }
    let server = Server::start().await;
    let lines = [good(1).as_bytes(), b"{\"kind\":\"\xff\"}"].concat();
    let (status, body) = import(&server, "", lines).await;
    assert_eq!((status, error(&body)), (400, ("bad-utf8", Some("line 2 column 10"))));
}

#[tokio::test]
async fn a_first_line_that_is_wrong_makes_no_topic() {
    let server = Server::start().await;
    let wrong = "{\"op\":\"delete\",\"kind\":\"a\",\"key\":\"1\"}";
    let (status, body) = import(&server, "", wrong).await;
    assert_eq!((status, error(&body)), (409, ("not-found", Some("line 1"))));
    let (status, body) = import(&server, "", "").await;
    assert_eq!((status, &body["count"]["lines"], &body["cursor"]), (200, &json!(0), &Value::Null));
    assert_eq!(server.get("/v1/topics/t").await.0, 404);
    assert_eq!(server.get("/v1/topics/t/export").await.0, 404);
}

#[tokio::test]
async fn lines_have_a_limit_and_imports_have_none() {
    let server = Server::with(Settings { max_body: 1000, ..Settings::default() }).await;
    let line = |key: usize, size: usize| {
        let filler = "x".repeat(size);
        format!("{{\"kind\":\"a\",\"key\":\"{key}\",\"object\":{{\"f\":\"{filler}\"}}}}\n")
    };
    let lines: String = (0..5000).map(|key| line(key, 800)).collect();
    let (status, body) = import(&server, "", lines).await;
    assert_eq!((status, &body["count"]["lines"]), (200, &json!(5000)), "{body}");
    assert!(body["count"]["transactions"].as_u64().unwrap() >= 5, "{body}");
    let (status, body) = import(&server, "", line(9000, 10) + &line(9001, 1000)).await;
    assert_eq!((status, error(&body)), (413, ("too-large", Some("line 2"))));
    assert_eq!(export(&server, "").await.lines().count(), 5001);
}

#[tokio::test]
async fn what_is_not_lines_is_refused() {
    let server = Server::start().await;
    let (status, body) = server.send(Method::POST, "/v1/topics/t/import", "{}").await;
    assert_eq!(
        (status.as_u16(), error(&body)),
        (415, ("wrong-content-type", Some("content-type")))
    );
    let (status, body) = import(&server, "?stale=perhaps", "").await;
    assert_eq!((status, error(&body)), (400, ("bad-query", Some("query"))));
}
