//! What a browser's page of another origin is allowed.

use crate::common::Server;
use highwater_server::{Cors, Settings};
use reqwest::Method;
use reqwest::header::HeaderMap;

async fn preflight(server: &Server, origin: &str, method: &str) -> HeaderMap {
    let request =
        server.client.request(Method::OPTIONS, format!("{}/v1/topics/t/stream", server.url));
    let request = request.header("origin", origin).header("access-control-request-method", method);
    let response = request
        .header("access-control-request-headers", "last-event-id,authorization")
        .send()
        .await
        .unwrap();
    response.headers().clone()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn nobody_is_allowed_unless_said() {
    let server = Server::start().await;
    let headers = preflight(&server, "https://a.example", "GET").await;
    assert!(!headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn named_origins_may_read_and_write() {
    let cors = Cors::Origins(vec!["https://a.example".parse().unwrap()]);
    let server = Server::with(Settings { cors, ..Settings::default() }).await;
    let headers = preflight(&server, "https://a.example", "PUT").await;
    assert_eq!(text(&headers, "access-control-allow-origin"), Some("https://a.example"));
    assert!(text(&headers, "access-control-allow-methods").unwrap().contains("PUT"));
    let allowed = text(&headers, "access-control-allow-headers").unwrap();
    assert!(allowed.contains("last-event-id") && allowed.contains("authorization"), "{allowed}");
    let headers = preflight(&server, "https://b.example", "PUT").await;
    assert!(!headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn pages_of_this_machine_may_read_and_not_write() {
    let server = Server::with(Settings { cors: Cors::Loopback, ..Settings::default() }).await;
    server.put("/v1/topics/t/a/1", "{}").await;
    for local in ["http://localhost:5173", "http://127.0.0.1:8000", "http://[::1]:1"] {
        let headers = preflight(&server, local, "GET").await;
        assert_eq!(text(&headers, "access-control-allow-origin"), Some(local));
        assert_eq!(text(&headers, "access-control-allow-methods"), Some("GET,HEAD"));
        for path in ["/v1/topics/t/stream", "/v1/topics/t", "/v1/topics/none"] {
            let request =
                server.client.get(format!("{}{path}", server.url)).header("origin", local);
            let response = request.send().await.unwrap();
            let allowed = text(response.headers(), "access-control-allow-origin");
            assert_eq!(allowed, Some(local), "{path}");
            let exposed = text(response.headers(), "access-control-expose-headers").unwrap();
            assert!(exposed.contains("x-highwater-index"), "{exposed}");
        }
    }
    for foreign in ["https://a.example", "http://localhost.a.example", "null", "http://10.0.0.1"] {
        let headers = preflight(&server, foreign, "GET").await;
        assert!(!headers.contains_key("access-control-allow-origin"), "{foreign}");
    }
}
