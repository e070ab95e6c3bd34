//! Many items at once, or none.

use crate::common::{Server, error};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/v1/topics/t/transactions";

async fn post(server: &Server, operations: Value) -> (u16, Value) {
    let (status, body) =
        server.send(Method::POST, PATH, &json!({ "operations": operations }).to_string()).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_transaction_is_done_as_a_whole() {
    let server = Server::start().await;
    let (status, body) = post(
        &server,
        json!([
            { "op": "put", "kind": "b", "key": "1", "object": { "n": 1 }, "version": 40, "ifVersion": 0 },
            { "op": "put", "kind": "a", "key": "1", "object": {} },
            { "op": "delete", "kind": "b", "key": "1", "ifVersion": 40 },
        ]),
    )
    .await;
    assert_eq!((status, &body["versions"], &body["index"]), (200, &json!([40, 1, 41]), &json!(1)));
    let (_, all) = server.get("/v1/topics/t").await;
    assert_eq!(all["items"], json!([{ "kind": "a", "key": "1", "version": 1, "object": {} }]));
}

#[tokio::test]
async fn a_refused_operation_refuses_all() {
    let server = Server::start().await;
    server.put("/v1/topics/t/a/1", "{}").await;
    let before = server.get("/v1/topics/t").await;
    let good = json!({ "op": "put", "kind": "a", "key": "2", "object": {} });
    for (bad, status, code) in [
        (
            json!({ "op": "put", "kind": "a", "key": "1", "object": {}, "ifVersion": 7 }),
            409,
            "conflict",
        ),
        (
            json!({ "op": "put", "kind": "a", "key": "1", "object": {}, "ifVersion": 0 }),
            409,
            "conflict",
        ),
        (
            json!({ "op": "put", "kind": "a", "key": "1", "object": {}, "version": 1 }),
            409,
            "stale-version",
        ),
        (
            json!({ "op": "put", "kind": "a", "key": "1", "object": {}, "version": 0 }),
            400,
            "bad-version",
        ),
        (json!({ "op": "delete", "kind": "a", "key": "none" }), 409, "not-found"),
        (json!({ "op": "put", "kind": "a", "key": "1" }), 400, "wrong-shape"),
        (json!({ "op": "put", "kind": "a", "key": "1", "object": [] }), 400, "wrong-shape"),
        (json!({ "op": "delete", "kind": "a", "key": "1", "object": {} }), 400, "wrong-shape"),
        (json!({ "op": "put", "kind": "", "key": "1", "object": {} }), 400, "bad-name"),
    ] {
        let (answered, body) = post(&server, json!([good, bad])).await;
        assert_eq!((answered, error(&body)), (status, (code, Some("operations[1]"))), "{bad}");
        let current = matches!(code, "conflict" | "stale-version").then_some(1);
        assert_eq!(body["error"]["current"].as_i64(), current, "{bad}");
        assert_eq!(server.get("/v1/topics/t").await, before, "{bad}");
    }
}

#[tokio::test]
async fn what_is_not_a_transaction_is_refused() {
    let server = Server::start().await;
    for (body, code, place) in [
        ("{\"operations\":[]}", "empty-transaction", None),
        ("{\"operations\":[\n{\"op\":\"put\",}]}", "bad-json", Some("line 2 column 13")),
        ("{\"operations\":{}}", "wrong-shape", Some("line 1 column 14")),
        (
            "{\"operations\":[{\"op\":\"jump\",\"kind\":\"a\",\"key\":\"1\"}]}",
            "wrong-shape",
            Some("line 1 column 27"),
        ),
        (
            "{\"operations\":[{\"op\":\"delete\",\"kind\":1,\"key\":\"1\"}]}",
            "wrong-shape",
            Some("line 1 column 38"),
        ),
        ("{\"operations\":[],\"more\":1}", "wrong-shape", Some("line 1 column 23")),
        ("", "bad-json", Some("line 1 column 0")),
        ("{} {}", "bad-json", None),
    ] {
        let (status, answer) = server.send(Method::POST, PATH, body).await;
        let (given, at) = error(&answer);
        assert_eq!(status, 400, "{body}");
        if place.is_some() {
            assert_eq!((given, at), (code, place), "{body}");
        }
    }
    let request = server.client.post(format!("{}{PATH}", server.url)).body("{\"operations\":[]}");
    assert_eq!(
        request.send().await.unwrap().status(),
        415,
        "a form of another page could send this"
    );
}

#[tokio::test]
async fn replace_all_leaves_exactly_the_list() {
    let server = Server::start().await;
    let put = async |items: Value| {
        let (status, body) =
            server.put("/v1/topics/t", &json!({ "items": items }).to_string()).await;
        (status.as_u16(), body["index"].as_u64(), body["changed"].as_bool())
    };
    let one = json!({ "kind": "a", "key": "1", "object": { "n": 1 } });
    assert_eq!(
        put(json!([one, { "kind": "a", "key": "2", "object": {} }])).await,
        (200, Some(1), Some(true))
    );
    assert_eq!(put(json!([one])).await, (200, Some(2), Some(true)));
    assert_eq!(put(json!([one])).await, (200, Some(2), Some(false)));
    let (_, all) = server.get("/v1/topics/t").await;
    assert_eq!(
        all["items"],
        json!([{ "kind": "a", "key": "1", "version": 1, "object": { "n": 1 } }])
    );
    assert_eq!(put(json!([one, one])).await, (400, None, None));
    assert_eq!(
        put(json!([{ "kind": "a", "key": "1", "object": {}, "version": 1 }])).await,
        (409, None, None)
    );
    assert_eq!(put(json!([])).await, (200, Some(3), Some(true)));
    // A topic may begin empty, so that readers can come before the first item.
    assert_eq!(server.put("/v1/topics/new", "{\"items\":[]}").await.0, 200);
    assert_eq!(server.get("/v1/topics/new").await.1["items"], json!([]));
}
