//! Tokens: who may do what, and how they are told that they may not.

use crate::common::{Server, answer, error};
use highwater_server::{Access, Grant, Rules, Secret, Settings};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) const ADMIN: &str = "the-administrators-secret";
pub(crate) const READER: &str = "a-secret-that-may-read";
const WRITER: &str = "a-secret-that-may-write";

pub(crate) fn rules() -> Rules {
    let digest = |secret: &str| secret.parse::<Secret>().unwrap().digest();
    let globs = |globs: &[&str]| globs.iter().map(|glob| glob.parse().unwrap()).collect();
    let reader = Grant { read: globs(&["flags-*"]), metrics: true, ..Grant::default() };
    let writer = Grant { write: globs(&["flags-eu"]), ..Grant::default() };
    Rules {
        admin: Some(digest(ADMIN)),
        tokens: vec![
            ("reader".into(), digest(READER), reader),
            ("writer".into(), digest(WRITER), writer),
        ],
        ..Rules::default()
    }
}

pub(crate) async fn guarded() -> Server {
    Server::guarded(Settings::default(), Access::open(rules()).unwrap()).await
}

/// Makes a token, and gives its id and its secret.
pub(crate) async fn mint(server: &Server, body: Value) -> (String, String) {
    let (status, made) =
        server.send_as(ADMIN, Method::POST, "/v1/admin/tokens", &body.to_string()).await;
    assert_eq!(status, 201, "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

#[tokio::test]
async fn every_route_asks_who_it_is() {
    let server = guarded().await;
    server.send_as(ADMIN, Method::PUT, "/v1/topics/flags-eu/flag/a", "{}").await;
    let transaction = r#"{"operations":[{"op":"put","kind":"a","key":"1","object":{}}]}"#;
    let (get, put, post, delete) = (Method::GET, Method::PUT, Method::POST, Method::DELETE);
    let line = r#"{"kind":"a","key":"2","object":{}}"#;
    // Without a token, as the reader, as the writer, as the administrator.
    for (method, path, body, expect) in [
        (&get, "/healthz", "", [200, 200, 200, 200]),
        (&get, "/readyz", "", [200, 200, 200, 200]),
        (&get, "/metrics", "", [401, 200, 403, 200]),
        (&get, "/v1/topics/flags-eu", "", [401, 200, 403, 200]),
        (&get, "/v1/topics/other", "", [401, 403, 403, 404]),
        (&get, "/v1/topics/flags-eu/export", "", [401, 200, 403, 200]),
        (&get, "/v1/topics/flags-eu/flag/a", "", [401, 200, 403, 200]),
        (&put, "/v1/topics/flags-eu/flag/a", "{}", [401, 403, 200, 200]),
        (&put, "/v1/topics/flags-us/flag/a", "{}", [401, 403, 403, 201]),
        (&post, "/v1/topics/flags-eu/transactions", transaction, [401, 403, 200, 200]),
        (&post, "/v1/topics/flags-eu/import", line, [401, 403, 415, 415]),
        (&put, "/v1/topics/flags-eu", r#"{"items":[]}"#, [401, 403, 200, 200]),
        (&delete, "/v1/topics/flags-eu/flag/none", "", [401, 403, 404, 404]),
        (&get, "/v1/admin/tokens", "", [401, 403, 403, 200]),
        (&post, "/v1/admin/tokens", "{}", [401, 403, 403, 400]),
        (&delete, "/v1/admin/tokens/none", "", [401, 403, 403, 404]),
        (&get, "/v1/nowhere", "", [404, 404, 404, 404]),
    ] {
        for (token, expect) in
            [None, Some(READER), Some(WRITER), Some(ADMIN)].into_iter().zip(expect)
        {
            let request = server.client.request(method.clone(), format!("{}{path}", server.url));
            let request = request.header("content-type", "application/json").body(body);
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let response = request.send().await.unwrap();
            let challenge = response.headers().get("www-authenticate").cloned();
            assert_eq!(response.status(), expect, "{method} {path} {token:?}");
            assert_eq!(challenge.is_some(), expect == 401, "{method} {path} {token:?}");
        }
    }
}

#[tokio::test]
async fn missing_unknown_and_forbidden_are_told_apart() {
    let server = guarded().await;
    let url = format!("{}/v1/topics/flags-eu/stream", server.url);
    for (authorization, status, code, challenge) in [
        (None, 401, "token-missing", Some("Bearer realm=\"highwater\"")),
        (Some("Bearer an-unknown-secret"), 401, "token-unknown", Some("invalid_token")),
        (Some("Basic dXNlcjpwYXNz"), 401, "bad-authorization", Some("invalid_request")),
        (Some("Bearer"), 401, "bad-authorization", Some("invalid_request")),
        (Some("Bearer a-secret-that-may-write"), 403, "forbidden", None),
        (Some("bearer  a-secret-that-may-read"), 404, "unknown-topic", None),
    ] {
        let request = server.client.get(&url);
        let request = match authorization {
            Some(given) => request.header("authorization", given),
            None => request,
        };
        let response = request.send().await.unwrap();
        let said = response.headers().get("www-authenticate").map(|said| said.to_str().unwrap());
        match challenge {
            Some(part) => assert!(said.unwrap().contains(part), "{said:?}"),
            None => assert_eq!(said, None),
        }
        let (answered, body) = answer(response).await;
        assert_eq!((answered.as_u16(), error(&body).0), (status, code), "{authorization:?}");
        let secret = authorization.and_then(|given| given.split(' ').next_back());
        assert!(
            secret.is_none_or(|secret| secret == "Bearer" || !body.to_string().contains(secret))
        );
    }
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let server = guarded().await;
    let (id, secret) =
        mint(&server, json!({ "name": "web", "read": ["*"], "write": ["flags-*"] })).await;
    let send = async |token: &str, method: Method, path: &str| {
        server.send_as(token, method, path, "{}").await
    };
    assert_eq!(send(&secret, Method::PUT, "/v1/topics/flags-eu/a/1").await.0, 201);
    assert_eq!(send(&secret, Method::PUT, "/v1/topics/other/a/1").await.0, 403);

    let (_, list) = send(ADMIN, Method::GET, "/v1/admin/tokens").await;
    let text = list.to_string();
    assert!(
        [&*secret, READER, WRITER, ADMIN].iter().all(|secret| !text.contains(secret)),
        "{text}"
    );
    let web =
        list["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "web").unwrap();
    assert_eq!(
        (&web["id"], &web["write"], &web["configured"]),
        (&json!(id), &json!(["flags-*"]), &json!(false))
    );
    assert!(web["created"].as_u64().unwrap() > 1_600_000_000_000);

    let path = format!("/v1/admin/tokens/{id}");
    let (status, gone) = send(ADMIN, Method::DELETE, &path).await;
    assert_eq!((status.as_u16(), &gone["revoked"]), (200, &json!(true)));
    let (status, body) = send(&secret, Method::GET, "/v1/topics/flags-eu").await;
    assert_eq!((status.as_u16(), error(&body).0), (401, "token-unknown"));
    let (status, body) = send(ADMIN, Method::DELETE, &path).await;
    assert_eq!((status.as_u16(), error(&body).0), (404, "unknown-token"));
    let reader =
        list["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "reader").unwrap();
    let path = format!("/v1/admin/tokens/{}", reader["id"].as_str().unwrap());
    let (status, body) = send(ADMIN, Method::DELETE, &path).await;
    assert_eq!((status.as_u16(), error(&body).0), (409, "configured"));
    assert_eq!(send(READER, Method::GET, "/v1/topics/flags-eu").await.0, 200);
}

#[tokio::test]
async fn a_token_that_makes_no_sense_is_not_made() {
    let server = guarded().await;
    let long = json!({ "name": "x".repeat(257) }).to_string();
    let glob = json!({ "name": "a", "read": ["x".repeat(257)] }).to_string();
    for (body, code, place) in [
        ("{\"name\":", "bad-json", Some("line 1 column 8")),
        ("{}", "wrong-shape", Some("line 1 column 2")),
        ("{\"name\":\"a\",\"reads\":[]}", "wrong-shape", Some("line 1 column 19")),
        ("{\"name\":\"a\",\"read\":\"*\"}", "wrong-shape", Some("line 1 column 22")),
        ("{\"name\":\"a\",\"read\":[\"\"]}", "wrong-shape", Some("line 1 column 23")),
        (&glob, "wrong-shape", None),
        ("{\"name\":\"\"}", "bad-name", Some("name")),
        (&long, "bad-name", Some("name")),
    ] {
        let (status, answer) = server.send_as(ADMIN, Method::POST, "/v1/admin/tokens", body).await;
        let (given, at) = error(&answer);
        assert_eq!((status, given), (StatusCode::BAD_REQUEST, code), "{body}");
        assert!(place.is_none() || place == at, "{body}: {at:?}");
    }
    let request = server.client.post(format!("{}/v1/admin/tokens", server.url)).bearer_auth(ADMIN);
    assert_eq!(request.body("{\"name\":\"a\"}").send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn what_everybody_may_needs_no_token() {
    let anonymous = Grant { read: vec!["public-*".parse().unwrap()], ..Grant::default() };
    let rules = Rules { anonymous: Some(anonymous), ..rules() };
    let server = Server::guarded(Settings::default(), Access::open(rules).unwrap()).await;
    server.send_as(ADMIN, Method::PUT, "/v1/topics/public-a/a/1", "{}").await;
    assert_eq!(server.get("/v1/topics/public-a").await.0, 200);
    assert_eq!(server.put("/v1/topics/public-a/a/1", "{}").await.0, 401);
    assert_eq!(server.get("/v1/topics/flags-eu").await.0, 401);
    let send = async |token| server.send_as(token, Method::GET, "/v1/topics/public-a", "").await.0;
    assert_eq!(send(WRITER).await, 200, "who has a token may what everybody may");
    assert_eq!(send("a-token-that-is-not-known").await, 401);
}

#[tokio::test]
async fn a_server_without_tokens_is_open_and_has_no_administrator() {
    let server = Server::start().await;
    let (status, _) =
        server.send_as("whatever-it-is-here", Method::PUT, "/v1/topics/t/a/1", "{}").await;
    assert_eq!(status, 201);
    let (status, body) = server.get("/v1/admin/tokens").await;
    assert_eq!((status.as_u16(), error(&body).0), (403, "no-admin"));
}
