//! Webhooks to a real receiver, which does not always do what it should.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod receiver;

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use highwater_eventstreams::{
    Attempt, Batch, Configuration, Dispatcher, DispatcherFactory as _, Error, Event,
    EventStreamSpec, Failure, Outcome, WebhookFactory,
};
use receiver::{Receiver, Request};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

fn factory(configuration: Value) -> WebhookFactory {
    let configuration: Configuration = serde_json::from_value(configuration).unwrap();
    WebhookFactory::new(&configuration).unwrap()
}

fn stream(webhook: &Value) -> EventStreamSpec {
    serde_json::from_value(json!({ "name": "s", "type": "webhook", "webhook": webhook })).unwrap()
}

fn made(factory: &WebhookFactory, webhook: &Value) -> Arc<dyn Dispatcher> {
    let mut spec = stream(webhook);
    factory.validate(&spec).unwrap();
    factory.fill_in(&mut spec);
    factory.dispatcher(&spec).unwrap()
}

fn attempt(number: u64) -> Attempt {
    let event = Event::new("t", "1", r#"{"field1":5}"#).unwrap();
    Attempt { number, batch: Batch::new(vec![event]), cancel: CancellationToken::new() }
}

async fn try_once(dispatcher: &Arc<dyn Dispatcher>) -> Outcome {
    timeout(PATIENCE, dispatcher.attempt(attempt(0))).await.expect("an attempt comes to an end")
}

/// One attempt of a stream with these options, on a server that has everything as it comes.
async fn attempted(webhook: Value) -> Outcome {
    try_once(&made(&factory(json!({})), &webhook)).await
}

fn failed(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        Outcome::Delivered => panic!("it was delivered"),
    }
}

fn refused(webhook: &Value) -> Error {
    factory(json!({})).validate(&stream(webhook)).unwrap_err()
}

#[tokio::test]
async fn a_request_is_as_recorded() {
    let mut receiver = Receiver::answering(204, "").await;
    let url = receiver.url("/hook?a=b&c=%20");
    assert_eq!(attempted(json!({ "url": url })).await, Outcome::Delivered);
    let request = receiver.request().await;
    assert_eq!((&*request.method, &*request.path), ("POST", "/hook?a=b&c=%20"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept"), Some("application/json"));
    let expect = r#"{"stream":"","type":"event_batch","events":[{"field1":5,"sequenceId":"1","topic":"t"}]}"#;
    assert_eq!(request.body, expect);
    for extra in ["webhook-id", "webhook-attempt", "webhook-signature", "authorization"] {
        assert_eq!(request.header(extra), None, "{extra}");
    }
}

#[tokio::test]
async fn options_shape_the_request() {
    let mut receiver = Receiver::answering(200, "").await;
    let options = json!({
        "url": receiver.url("/"),
        "method": "put",
        "http": {
            "authUsername": "me", "authPassword": "secret",
            "headers": { "X-One": "1", "X-Two": 2, "content-type": "text/plain", "accept": "*/*" },
        },
    });
    assert_eq!(attempted(options).await, Outcome::Delivered);
    let request = receiver.request().await;
    assert_eq!(request.method, "put");
    assert_eq!(request.header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!(request.header("x-one"), Some("1"));
    assert_eq!(request.header("x-two"), None);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept"), Some("*/*"));
    assert!(request.body.contains("event_batch"));

    assert_eq!(
        attempted(json!({ "url": receiver.url("/"), "method": "GET" })).await,
        Outcome::Delivered
    );
    assert_eq!(receiver.request().await.body, "");
    let user = receiver.url("/#part").replace("127", "me:s%65cret@127");
    assert_eq!(attempted(json!({ "url": user })).await, Outcome::Delivered);
    let request = receiver.request().await;
    assert_eq!(request.header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!(request.path, "/");
}

#[tokio::test]
async fn only_2xx_delivers() {
    for status in [200, 201, 202, 204, 206, 299] {
        let receiver = Receiver::answering(status, "").await;
        assert_eq!(
            attempted(json!({ "url": receiver.url("/") })).await,
            Outcome::Delivered,
            "{status}"
        );
    }
    for status in [300, 304, 399, 400, 401, 404, 409, 429, 500, 503, 599] {
        let receiver = Receiver::answering(status, "").await;
        let failure = failed(attempted(json!({ "url": receiver.url("/") })).await);
        assert_eq!(failure, Error::Answer(status).into());
        assert_eq!(failure.error.code(), "FF00221");
    }
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let mut elsewhere = Receiver::answering(200, "").await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("location: {}\r\n", elsewhere.url("/inside"));
        let receiver = Receiver::answering(status, &to).await;
        let failure = failed(attempted(json!({ "url": receiver.url("/") })).await);
        assert_eq!(failure.error, Error::Answer(status));
    }
    assert_eq!(elsewhere.came(), None);
}

#[tokio::test]
async fn a_receiver_says_when_to_come_back() {
    let receiver = Receiver::answering(429, "retry-after: 7\r\n").await;
    let failure = failed(attempted(json!({ "url": receiver.url("/") })).await);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
    let receiver = Receiver::answering(503, "retry-after: whenever\r\n").await;
    assert_eq!(failed(attempted(json!({ "url": receiver.url("/") })).await).retry_after, None);
}

/// The stream has an `http` of its own, and still the default of what it does not say.
#[tokio::test]
async fn a_receiver_that_hangs_has_only_so_long() {
    let receiver = Receiver::start(Arc::new(|_: &Request| String::new())).await;
    let factory = factory(json!({ "defaults": { "webhooks": { "requestTimeout": "200ms" } } }));
    let dispatcher =
        made(&factory, &json!({ "url": receiver.url("/"), "http": { "headers": { "x": "y" } } }));
    let begun = Instant::now();
    let failure = failed(try_once(&dispatcher).await);
    assert_eq!(failure.error.code(), "FF00219");
    assert!(failure.error.to_string().contains("200ms"), "{}", failure.error);
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_slow_body_of_an_answer_holds_up_nothing() {
    let slow = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nand then nothing for a long time";
    let mut receiver = Receiver::start(Arc::new(move |_: &Request| slow.to_owned())).await;
    let dispatcher = made(&factory(json!({})), &json!({ "url": receiver.url("/") }));
    for _ in 0..3 {
        assert_eq!(try_once(&dispatcher).await, Outcome::Delivered);
        receiver.request().await;
    }
}

#[tokio::test]
async fn an_attempt_that_is_cancelled_ends() {
    let mut receiver = Receiver::start(Arc::new(|_: &Request| String::new())).await;
    let dispatcher = made(&factory(json!({})), &json!({ "url": receiver.url("/") }));
    let attempt = attempt(0);
    let cancel = attempt.cancel.clone();
    let (outcome, ()) = tokio::join!(timeout(PATIENCE, dispatcher.attempt(attempt)), async {
        receiver.request().await;
        cancel.cancel();
    });
    assert_eq!(outcome.unwrap(), Error::Cancelled.into());
}

#[tokio::test]
async fn nobody_there_and_no_such_host_are_failures() {
    let port = Receiver::answering(200, "").await.port(); // and gone again
    let failure = failed(attempted(json!({ "url": format!("http://127.0.0.1:{port}/") })).await);
    assert_eq!(failure.error.code(), "FF00219");
    let failure = failed(attempted(json!({ "url": "http://no-such-host.invalid/" })).await);
    assert_eq!(failure.error, Error::Unresolvable("no-such-host.invalid".into()));
}

#[tokio::test]
async fn private_addresses_are_refused_where_the_operator_says_so() {
    let mut receiver = Receiver::answering(200, "").await;
    let factory = factory(json!({ "disablePrivateIPs": true }));
    let port = receiver.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
    ] {
        let dispatcher = made(&factory, &json!({ "url": format!("http://{host}:{port}/") }));
        let failure = failed(try_once(&dispatcher).await);
        assert!(matches!(failure.error, Error::Blocked(_)), "{host}: {}", failure.error);
    }
    assert_eq!(receiver.came(), None);
    let proxied = stream(
        &json!({ "url": "http://h.example/", "http": { "proxyURL": "http://127.0.0.1:1" } }),
    );
    assert_eq!(factory.validate(&proxied).unwrap_err().status(), 400);
}

#[tokio::test]
async fn requests_go_through_a_proxy() {
    let answer = |request: &Request| {
        let status = if request.method == "CONNECT" {
            "200 Connected\r\n"
        } else {
            "202 Taken\r\ncontent-length: 0\r\n"
        };
        format!("HTTP/1.1 {status}\r\n")
    };
    let mut proxy = Receiver::start(Arc::new(answer)).await;
    let options =
        json!({ "url": "http://receiver.invalid/x", "http": { "proxyURL": proxy.url("") } });
    assert_eq!(attempted(options).await, Outcome::Delivered);
    assert_eq!(proxy.request().await.path, "receiver.invalid:80");
    assert_eq!(proxy.request().await.path, "/x");
}

#[tokio::test]
async fn an_attempt_may_be_several_requests() {
    let count = Arc::new(AtomicUsize::new(0));
    let answer = move |_: &Request| {
        let status = ["503", "503", "400"][count.fetch_add(1, Ordering::Relaxed).min(2)];
        format!("HTTP/1.1 {status} Told\r\ncontent-length: 0\r\n\r\n")
    };
    let mut receiver = Receiver::start(Arc::new(answer)).await;
    let http = json!({ "retry": true, "retryCount": 9, "retryInitialDelay": "1ms", "retryErrorStatusCodeRegex": "^5" });
    let failure = failed(attempted(json!({ "url": receiver.url("/"), "http": http })).await);
    assert_eq!(failure.error, Error::Answer(400));
    assert_eq!(core::iter::from_fn(|| receiver.came()).count(), 3);
}

#[tokio::test]
async fn a_receiver_can_tell_deliveries_and_senders() {
    let mut receiver = Receiver::answering(500, "").await;
    let url = receiver.url("/");
    let numbered = made(&factory(json!({})), &json!({ "url": url, "deliveryHeaders": true }));
    let mut ids = Vec::new();
    for number in 0..2 {
        failed(numbered.attempt(attempt(number)).await);
        let request = receiver.request().await;
        assert_eq!(request.header("webhook-attempt"), Some(&*(number + 1).to_string()));
        assert_eq!(request.header("webhook-signature"), None);
        ids.push(request.header("webhook-id").unwrap().to_owned());
    }
    assert_eq!(ids[0], ids[1]);

    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let signed = made(&factory(json!({})), &json!({ "url": url, "signingSecret": secret }));
    failed(try_once(&signed).await);
    let request = receiver.request().await;
    let [id, at, signature] = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| request.header(name).unwrap());
    let key = hmac_key(secret);
    let text = format!("{id}.{at}.{}", request.body);
    let tag = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &signature[3..]);
    assert!(signature.starts_with("v1,"));
    ring::hmac::verify(&key, text.as_bytes(), &tag.unwrap()).expect("the signature is right");
}

fn hmac_key(secret: &str) -> ring::hmac::Key {
    let secret = secret.strip_prefix("whsec_").unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, secret).unwrap();
    ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &bytes)
}

#[test]
fn what_makes_no_sense_is_refused_when_the_stream_is_made() {
    assert_eq!(refused(&json!({})), Error::NoUrl);
    assert_eq!(refused(&json!({ "url": "" })), Error::NoUrl);
    for url in [
        "nonsense",
        "http://",
        "http://[::1",
        "ftp://h.example/",
        "http://h.example:99999/",
        "file:///etc/passwd",
        "http://a b/",
    ] {
        let error = refused(&json!({ "url": url }));
        assert!(matches!(error, Error::BadUrl(..)), "{url}: {error}");
        assert_eq!(error.status(), 400);
    }
    let url = "http://h.example/";
    assert_eq!(
        refused(&json!({ "url": url, "tlsConfigName": "none" })),
        Error::UnknownTls("none".into())
    );
    for (options, field) in [
        (json!({ "method": "a b" }), "webhook.method"),
        (json!({ "http": { "requestTimeout": "0s" } }), "http.requestTimeout"),
        (json!({ "http": { "connectionTimeout": -1 } }), "http.connectionTimeout"),
        (json!({ "http": { "headers": { "a b": "c" } } }), "http.headers"),
        (json!({ "http": { "headers": { "a": "b\n" } } }), "http.headers"),
        (json!({ "http": { "headers": { "Content-Length": "3" } } }), "http.headers"),
        (json!({ "http": { "retryErrorStatusCodeRegex": "(" } }), "http.retryErrorStatusCodeRegex"),
        (json!({ "signingSecret": "hunter2" }), "webhook.signingSecret"),
    ] {
        let mut options = options;
        options["url"] = url.into();
        let error = refused(&options);
        assert!(matches!(&error, Error::Value { field: named, .. } if *named == field), "{error}");
        assert_eq!(error.status(), 400);
    }
}

#[test]
fn defaults_are_filled_in_one_by_one() {
    let factory = factory(
        json!({ "defaults": { "webhooks": { "requestTimeout": "5s", "idleTimeout": "1s" } } }),
    );
    let mut spec = stream(&json!({ "url": "http://h.example/", "http": { "idleTimeout": "2s" } }));
    factory.fill_in(&mut spec);
    let shown = serde_json::to_value(spec.webhook.unwrap()).unwrap();
    assert_eq!(shown["method"], "POST");
    let http = &shown["http"];
    assert_eq!(
        [
            &http["requestTimeout"],
            &http["idleTimeout"],
            &http["connectionTimeout"],
            &http["retryCount"]
        ],
        [&json!("5s"), &json!("2s"), &json!("30s"), &json!(5)]
    );
}

#[test]
fn a_configuration_has_to_make_sense() {
    for (configuration, code) in [
        (json!({ "defaults": { "webhooks": { "requestTimeout": "0s" } } }), "FF00234"),
        (
            json!({ "tlsConfigs": [{ "name": "a", "tls": { "caFile": "/no/such/file" } }] }),
            "FF00153",
        ),
        (json!({ "tlsConfigs": [{ "name": "a", "tls": { "ca": "nonsense" } }] }), "FF00153"),
        (json!({ "tlsConfigs": [{ "name": "a", "tls": { "key": "nonsense" } }] }), "FF00153"),
        (json!({ "tlsConfigs": [{ "tls": {} }] }), "FF00153"),
    ] {
        let parsed: Configuration = serde_json::from_value(configuration.clone()).unwrap();
        let error = WebhookFactory::new(&parsed).unwrap_err();
        assert_eq!(error.code(), code, "{configuration}: {error}");
    }
}

/// Generous: other tests run at the same time.
const PATIENCE: Duration = Duration::from_mins(1);
