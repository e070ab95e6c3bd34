//! `serve --event-streams`: topics delivered to a real receiver, and the calls that manage them.

use crate::access::{ADMIN, READER, guarded};
use crate::common::{Process, until};
use crate::nats::Nats;
use crate::postgres::Postgres;
use crate::receiver::{Receiver, Request};
use core::time::Duration;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::{Instant, sleep, timeout};

/// NATS and PostgreSQL take a while.
const LONG: Duration = Duration::from_mins(1);

async fn call(server: &Process, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Client::new().request(method, format!("{}{path}", server.url));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = request.body(body).send().await.unwrap();
    (answer.status(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

async fn put(server: &Process, path: &str, body: Value) -> Value {
    let (status, answer) = call(server, Method::PUT, path, body).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

async fn get(server: &Process, path: &str) -> (StatusCode, Value) {
    call(server, Method::GET, path, Value::Null).await
}

/// The start of an error's text, and its status.
async fn refused(server: &Process, method: Method, path: &str, body: Value) -> (u16, String) {
    let (status, answer) = call(server, method, path, body).await;
    let text = answer["error"].as_str().unwrap_or_default();
    (status.as_u16(), text.split(':').next().unwrap().to_owned())
}

fn webhook(url: &str, source: &str) -> Value {
    json!({
        "type": "webhook", "source": source, "webhook": { "url": url },
        "batchSize": 3, "batchTimeout": "10ms", "retryTimeout": "1m",
    })
}

async fn events(receiver: &mut Receiver) -> Vec<Value> {
    let request = timeout(LONG, receiver.request()).await.expect("a batch comes");
    let batch: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(batch["type"], "event_batch");
    batch["events"].as_array().unwrap().clone()
}

/// The next so many events, in order, as topic and what became of the item.
async fn changes(receiver: &mut Receiver, count: usize) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < count {
        for event in events(receiver).await {
            let what = if event["deleted"] == true {
                "deleted".into()
            } else {
                event["object"].to_string()
            };
            seen.push(format!("{} {what}", event["topic"].as_str().unwrap()));
        }
    }
    seen
}

/// Waits until stream `work` has written down that all it has seen is delivered.
async fn settled(server: &Process) {
    let deadline = Instant::now() + LONG;
    loop {
        let (_, stream) = get(server, "/v1/eventstreams/work").await;
        let told = &stream["statistics"];
        if told["checkpoint"] == told["highestDetected"]
            && told["lastDispatchComplete"] == "complete"
        {
            return;
        }
        assert!(Instant::now() < deadline, "{stream}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_topic_is_delivered_in_order() {
    let mut receiver = Receiver::answering(204, "").await;
    let server = Process::start(&["serve", "--event-streams"]);
    put(&server, "/v1/topics/orders/order/1", json!({ "n": 1 })).await;
    let made = put(&server, "/v1/eventstreams/work", webhook(&receiver.url("/"), "orders")).await;
    assert_eq!((made["name"].as_str(), made["status"].as_str()), (Some("work"), Some("started")));
    assert_eq!(made["webhook"]["http"]["requestTimeout"], "30s");
    put(&server, "/v1/topics/orders/order/2", json!({ "n": 2 })).await;
    call(&server, Method::DELETE, "/v1/topics/orders/order/1", Value::Null).await;
    let seen = changes(&mut receiver, 3).await;
    assert_eq!(seen, ["order/1 {\"n\":1}", "order/2 {\"n\":2}", "order/1 deleted"]);

    // Stopped it delivers nothing, and started it goes on: from what was written down by then.
    settled(&server).await;
    let (status, stopped) =
        call(&server, Method::POST, "/v1/eventstreams/work/stop", Value::Null).await;
    assert_eq!((status.as_u16(), stopped["status"].as_str()), (200, Some("stopped")));
    put(&server, "/v1/topics/orders/order/3", json!({ "n": 3 })).await;
    let (_, started) =
        call(&server, Method::POST, "/v1/eventstreams/work/start", Value::Null).await;
    assert_eq!(started["status"], "started");
    assert_eq!(changes(&mut receiver, 1).await, ["order/3 {\"n\":3}"]);

    // From the beginning again.
    settled(&server).await;
    let (status, _) =
        call(&server, Method::POST, "/v1/eventstreams/work/reset", json!({ "sequenceId": "" }))
            .await;
    assert_eq!(status, 200);
    assert_eq!(changes(&mut receiver, 4).await[0], "order/1 {\"n\":1}");
    let (status, _) = call(&server, Method::DELETE, "/v1/eventstreams/work", Value::Null).await;
    assert_eq!(status, 204);
    assert_eq!(get(&server, "/v1/eventstreams/work").await.0, 404);
}

#[tokio::test]
async fn what_was_not_taken_comes_again_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mut refusing = Receiver::answering(500, "").await;
    let mut server = Process::durable(folder.path(), &["--event-streams"]);
    put(&server, "/v1/eventstreams/work", webhook(&refusing.url("/"), "orders")).await;
    for n in 0..5 {
        put(&server, &format!("/v1/topics/orders/order/{n}"), json!({ "n": n })).await;
    }
    refusing.request().await;
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let mut taking = Receiver::answering(200, "").await;
    let mut server = Process::durable(folder.path(), &["--event-streams"]);
    let (_, kept) = get(&server, "/v1/eventstreams/work").await;
    assert_eq!(kept["source"], "orders");
    put(&server, "/v1/eventstreams/work", webhook(&taking.url("/"), "orders")).await;
    let seen = changes(&mut taking, 5).await;
    let expect: Vec<_> = (0..5).map(|n| format!("order/{n} {{\"n\":{n}}}")).collect();
    assert_eq!(seen, expect);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
}

/// What `/metrics` says, once it says it.
async fn counted(server: &Process, name: &str, value: &str) {
    let (line, deadline) = (format!("{name} {value}"), Instant::now() + LONG);
    loop {
        let metrics = Client::new().get(format!("{}/metrics", server.url)).send().await.unwrap();
        let text = metrics.text().await.unwrap();
        if text.lines().any(|said| said == line) {
            return;
        }
        assert!(Instant::now() < deadline, "{line} is not in\n{text}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn how_far_a_stream_is_behind_is_told() {
    let mut refusing = Receiver::answering(500, "").await;
    let server = Process::start(&["serve", "--event-streams"]);
    put(&server, "/v1/eventstreams/work", webhook(&refusing.url("/"), "orders")).await;
    let mut stopped = webhook("http://127.0.0.1:9/", "other");
    stopped["status"] = "stopped".into();
    put(&server, "/v1/eventstreams/rest", stopped).await;
    counted(&server, "highwater_eventstreams{state=\"running\"}", "1").await;
    counted(&server, "highwater_eventstreams{state=\"stopped\"}", "1").await;
    for n in 0..5 {
        put(&server, &format!("/v1/topics/orders/order/{n}"), json!({ "n": n })).await;
    }
    refusing.request().await;
    counted(&server, "highwater_eventstreams{state=\"retrying\"}", "1").await;
    counted(&server, "highwater_eventstream_lag", "5").await;
    counted(&server, "highwater_eventstream_pending_events", "5").await;
    counted(&server, "highwater_eventstream_events_total", "0").await;
    let (_, shown) = get(&server, "/v1/eventstreams/work").await;
    let told = &shown["statistics"];
    assert_eq!((&told["lag"], &told["pending"]), (&json!(5), &json!(5)), "{told}");

    let mut taking = Receiver::answering(200, "").await;
    put(&server, "/v1/eventstreams/work", webhook(&taking.url("/"), "orders")).await;
    changes(&mut taking, 5).await;
    for (name, value) in [
        ("highwater_eventstream_events_total", "5"),
        ("highwater_eventstream_lag", "0"),
        ("highwater_eventstream_lag_most", "0"),
        ("highwater_eventstream_pending_events", "0"),
        ("highwater_eventstream_clients", "0"),
        ("highwater_eventstreams{state=\"running\"}", "1"),
    ] {
        counted(&server, name, value).await;
    }
    settled(&server).await;
    let (_, shown) = get(&server, "/v1/eventstreams/work").await;
    let told = &shown["statistics"];
    assert_eq!((&told["lag"], &told["pending"]), (&json!(0), &json!(0)), "{told}");
}

#[tokio::test]
async fn lists_are_filtered() {
    let server = Process::start(&["serve", "--event-streams"]);
    for name in ["s0", "s1", "s2"] {
        let mut spec = webhook("http://127.0.0.1:9/", "t");
        spec["status"] = "stopped".into();
        spec["name"] = name.into();
        let (status, made) = call(&server, Method::POST, "/v1/eventstreams", spec).await;
        assert_eq!((status.as_u16(), made["name"].as_str()), (201, Some(name)));
    }
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
    };
    let (_, list) = get(&server, "/v1/eventstreams").await;
    assert_eq!(names(&list), ["s2", "s1", "s0"]);
    let (_, list) = get(&server, "/v1/eventstreams?name=!s1&sort=name&fields=name").await;
    assert_eq!(list, json!([{ "name": "s0" }, { "name": "s2" }]));
    let (_, list) = get(&server, "/v1/eventstreams?count&limit=1&status=stopped").await;
    assert_eq!(
        (&list["count"], &list["total"], &list["items"][0]["name"]),
        (&json!(1), &json!(3), &json!("s2"))
    );
    let query = json!({ "in": [{ "field": "name", "values": ["s0", "s2"] }], "sort": ["name"] });
    let (status, list) = call(&server, Method::POST, "/v1/eventstreams/query", query).await;
    assert_eq!(status, 200);
    assert_eq!(names(&list), ["s0", "s2"]);
}

#[tokio::test]
async fn mistakes_are_the_callers() {
    let server = Process::start(&["serve", "--event-streams"]);
    let (put, post) = (Method::PUT, Method::POST);
    let good = webhook("http://127.0.0.1:9/", "t");
    let changed = |member: &str, value: Value| {
        let mut spec = good.clone();
        spec[member] = value;
        spec
    };
    for (spec, code) in [
        (changed("source", Value::Null), "FF00112"),
        (changed("batchTimeout", json!("soon")), "FF00137"),
        (changed("name", json!("-x")), "FF00140"),
        (changed("webhook", json!({})), "FF00216"),
        (changed("webhook", json!({ "url": "nonsense" })), "FF00234"),
        (changed("webhook", json!({ "url": "http://h/", "tlsConfigName": "x" })), "FF00223"),
        (changed("batchSize", json!(0)), "FF00234"),
        (changed("initialSequenceId", json!("x")), "FF00234"),
        (changed("topicFilter", json!("(")), "FF00235"),
        (changed("status", json!("deleted")), "FF00236"),
        (changed("type", json!("pigeon")), "FF00217"),
        (changed("batchSize", json!("many")), "FF00127"),
    ] {
        let told = refused(&server, put.clone(), "/v1/eventstreams/s", spec.clone()).await;
        assert_eq!(told, (400, code.to_owned()), "{spec}");
    }
    let (status, _) = call(&server, put.clone(), "/v1/eventstreams/s", good.clone()).await;
    assert_eq!(status, 201);
    let taken =
        refused(&server, post.clone(), "/v1/eventstreams", changed("name", json!("s"))).await;
    assert_eq!(taken, (409, "FF00177".to_owned()));
    for (method, path, status, code) in [
        (Method::GET, "/v1/eventstreams?limit=1000", 400, "FF00192"),
        (Method::GET, "/v1/eventstreams?created=x", 400, "FF00143"),
        (Method::GET, "/v1/eventstreams/none", 404, "FF00164"),
        (post.clone(), "/v1/eventstreams/none/start", 404, "FF00164"),
        (post.clone(), "/v1/eventstreams/query", 400, "FF00127"),
        (Method::DELETE, "/v1/eventstreams/none", 404, "FF00164"),
    ] {
        let told = refused(&server, method.clone(), path, Value::Null).await;
        assert_eq!(told, (status, code.to_owned()), "{method} {path}");
    }
    let to = json!({ "sequenceId": "x" });
    assert_eq!(
        refused(&server, post, "/v1/eventstreams/s/reset", to).await,
        (400, "FF00234".to_owned())
    );
    let request = Client::new().get(format!("{}/v1/eventstreams", server.url));
    let answer = request.header("request-timeout", "soon").send().await.unwrap();
    assert_eq!(answer.status(), 400);
}

/// A receiver that hangs has its stream busy for longer than the caller wants to wait.
#[tokio::test]
async fn a_call_takes_only_so_long() {
    let mut receiver = Receiver::start(Arc::new(|_: &Request| String::new())).await;
    let server = Process::start(&["serve", "--event-streams"]);
    put(&server, "/v1/eventstreams/work", webhook(&receiver.url("/"), "orders")).await;
    put(&server, "/v1/topics/orders/order/1", json!({})).await;
    receiver.request().await;
    let request = Client::new().post(format!("{}/v1/eventstreams/work/stop", server.url));
    let answer =
        timeout(LONG, request.header("request-timeout", "30s").send()).await.unwrap().unwrap();
    // An attempt is cancelled with its stream, so that this is soon done.
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn the_administrator_manages_streams() {
    let server = guarded().await;
    for (token, expect) in [(READER, 403), (ADMIN, 503)] {
        let (status, _) = server.send_as(token, Method::GET, "/v1/eventstreams", "").await;
        assert_eq!(status, expect);
    }
    let (status, _) = server.get("/v1/eventstreams").await;
    assert_eq!(status, 401);
}

/// Two servers over one NATS: one has the stream, and when it dies the other.
#[tokio::test(flavor = "multi_thread")]
async fn one_server_at_a_time_has_a_stream() {
    let Some(nats) = Nats::start() else { return };
    one_at_a_time(&["serve", "--nats", &nats.url(), "--event-streams"]).await;
}

/// The same, with streams and positions in PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn one_server_at_a_time_has_a_stream_of_a_database() {
    let (Some(nats), Some(postgres)) = (Nats::start(), Postgres::start()) else { return };
    let database = postgres.url("postgres");
    let nats = nats.url();
    let arguments = ["serve", "--nats", &nats, "--event-streams"];
    one_at_a_time(&[&arguments[..], &["--event-streams-database", &database]].concat()).await;
}

async fn ready(server: &Process) {
    until("event streams", async || get(server, "/v1/eventstreams").await.0 == 200).await;
}

async fn one_at_a_time(arguments: &[&str]) {
    let mut receiver = Receiver::answering(200, "").await;
    let mut first = Process::start(arguments);
    ready(&first).await;
    put(&first, "/v1/eventstreams/work", webhook(&receiver.url("/"), "orders")).await;
    put(&first, "/v1/topics/orders/order/0", json!({ "n": 0 })).await;
    assert_eq!(changes(&mut receiver, 1).await, ["order/0 {\"n\":0}"]);

    let mut second = Process::start(arguments);
    ready(&second).await;
    // The second has heard of the stream, which only the first was told of.
    assert_eq!(get(&second, "/v1/eventstreams/work").await.1["status"], "started");
    for n in 1..20 {
        put(&second, &format!("/v1/topics/orders/order/{n}"), json!({ "n": n })).await;
    }
    let expect: Vec<_> = (1..20).map(|n| format!("order/{n} {{\"n\":{n}}}")).collect();
    // Each once: two servers would have delivered each twice.
    assert_eq!(changes(&mut receiver, 19).await, expect);

    first.child.kill().unwrap();
    first.child.wait().unwrap();
    for n in 20..40 {
        put(&second, &format!("/v1/topics/orders/order/{n}"), json!({ "n": n })).await;
    }
    let mut seen = BTreeSet::new();
    let deadline = Instant::now() + LONG;
    while !(20..40).all(|n| seen.contains(&n)) {
        assert!(Instant::now() < deadline, "{seen:?}");
        for event in events(&mut receiver).await {
            seen.insert(event["object"]["n"].as_u64().unwrap());
        }
    }
    second.child.kill().unwrap();
    second.child.wait().unwrap();
}

/// What is made, changed, stopped, reset or deleted at one server is so at the other, which runs already.
#[tokio::test(flavor = "multi_thread")]
async fn servers_hear_of_what_others_did() {
    let Some(nats) = Nats::start() else { return };
    let nats = nats.url();
    let arguments = ["serve", "--nats", &nats, "--event-streams"];
    let (one, other) = (Process::start(&arguments), Process::start(&arguments));
    ready(&one).await;
    ready(&other).await;
    let mut receiver = Receiver::answering(200, "").await;
    put(&one, "/v1/topics/orders/order/1", json!({ "n": 1 })).await;
    put(&one, "/v1/eventstreams/work", webhook(&receiver.url("/"), "orders")).await;
    let (path, there) = ("/v1/eventstreams/work", &other);
    let shows = async |member: &str, value: Value| {
        let what = format!("{member} is {value}");
        until(&what, async || get(there, path).await.1[member] == value).await;
    };
    shows("status", json!("started")).await;
    assert_eq!(changes(&mut receiver, 1).await, ["order/1 {\"n\":1}"]);
    until("a checkpoint", async || {
        let told = [get(&one, path).await.1, get(&other, path).await.1];
        told.iter()
            .any(|told| told["statistics"]["checkpoint"].as_str().is_some_and(|at| !at.is_empty()))
    })
    .await;
    // Reset at either, it begins again at whichever has it.
    for server in [&one, &other] {
        let to = json!({ "sequenceId": "" });
        let (status, _) = call(server, Method::POST, &format!("{path}/reset"), to).await;
        assert_eq!(status, 200);
        assert_eq!(changes(&mut receiver, 1).await, ["order/1 {\"n\":1}"]);
    }
    let mut changed = webhook(&receiver.url("/"), "orders");
    changed["batchSize"] = json!(7);
    put(&one, path, changed).await;
    shows("batchSize", json!(7)).await;
    call(&one, Method::POST, &format!("{path}/stop"), Value::Null).await;
    shows("status", json!("stopped")).await;
    call(&one, Method::POST, &format!("{path}/start"), Value::Null).await;
    shows("status", json!("started")).await;
    assert_eq!(call(&one, Method::DELETE, path, Value::Null).await.0, 204);
    until("it is gone", async || get(&other, path).await.0 == 404).await;
}

/// Streams in a database that goes away beneath the server, and returns: what is there goes on, what
/// cannot be done is told, and nothing is lost by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_and_returns_holds_up_nothing() {
    let Some(mut postgres) = Postgres::start() else { return };
    let (folder, database) = (tempfile::tempdir().unwrap(), postgres.url("postgres"));
    let arguments = ["--event-streams", "--event-streams-database", &database];
    let mut server = Process::durable(folder.path(), &arguments);
    let mut receiver = Receiver::answering(200, "").await;
    let mut other = Receiver::answering(200, "").await;
    put(&server, "/v1/eventstreams/work", webhook(&receiver.url("/"), "orders")).await;
    put(&server, "/v1/eventstreams/other", webhook(&other.url("/"), "orders")).await;
    let order = async |server: &Process, n: usize| {
        put(server, &format!("/v1/topics/orders/order/{n}"), json!({ "n": n })).await;
    };
    let told = |n: usize| format!("order/{n} {{\"n\":{n}}}");
    order(&server, 0).await;
    assert_eq!(changes(&mut receiver, 1).await, [told(0)]);
    assert_eq!(changes(&mut other, 1).await, [told(0)]);
    settled(&server).await;

    postgres.stop();
    for n in 1..10 {
        order(&server, n).await;
    }
    let expect: Vec<_> = (1..10).map(told).collect();
    assert_eq!(changes(&mut receiver, 9).await, expect);
    assert_eq!(changes(&mut other, 9).await, expect);
    let (status, refusal) =
        call(&server, Method::PUT, "/v1/eventstreams/new", webhook(&other.url("/"), "none")).await;
    let text = refusal["error"].as_str().unwrap_or_default();
    assert!(status == 500 && text.starts_with("FF00177: the storage failed"), "{status} {refusal}");
    let (_, shown) = get(&server, "/v1/eventstreams/work").await;
    let statistics = &shown["statistics"];
    assert_ne!(statistics["checkpoint"], statistics["highestDetected"], "{shown}");

    // It is there again, and what could not be written down is written down.
    postgres.restart();
    settled(&server).await;
    put(&server, "/v1/eventstreams/new", webhook(&other.url("/"), "none")).await;
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let server = Process::durable(folder.path(), &arguments);
    order(&server, 10).await;
    assert_eq!(changes(&mut receiver, 1).await, [told(10)]);
}

/// Who may consume and manage which streams, at a real server.
#[tokio::test]
async fn tokens_say_which_streams() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("highwater.toml");
    let text = r#"
[[tokens]]
name = "worker"
secret = "the-secret-of-a-worker"
consume = ["billing-*"]

[[tokens]]
name = "team"
secret = "the-secret-of-a-team"
manage = ["billing-*"]
read = ["orders"]
"#;
    std::fs::write(&file, text).unwrap();
    let config = file.display().to_string();
    let server =
        Process::start(&["serve", "--event-streams", "--config", &config, "--admin-token", ADMIN]);
    let ask = async |token: &str, method: &Method, path: &str, body: &Value| {
        let request = Client::new().request(method.clone(), format!("{}{path}", server.url));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = request.bearer_auth(token).body(body).send().await.unwrap();
        (
            answer.status().as_u16(),
            serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null),
        )
    };
    let (worker, team) = ("the-secret-of-a-worker", "the-secret-of-a-team");
    let (get, put, post, delete) = (Method::GET, Method::PUT, Method::POST, Method::DELETE);
    let of = |source: &str| json!({ "source": source });
    let with = |member: &str, value: &str| json!({ "source": "orders", member: value });
    let none = Value::Null;
    for (method, path, body, expect) in [
        (&put, "/billing-eu", of("orders"), [403, 201, 200]),
        (&put, "/billing-eu", of("salaries"), [403, 403, 200]),
        (&put, "/billing-eu", with("deadLetterTopic", "orders"), [403, 403, 200]),
        (&put, "/billing-eu", with("name", "audit"), [403, 403, 200]),
        (&put, "/audit", of("orders"), [403, 403, 200]),
        (&put, "/billing-us", of("orders"), [403, 201, 200]),
        (&post, "/audit/stop", none.clone(), [403, 403, 200]),
        (&get, "/audit", none.clone(), [403, 403, 200]),
        (&get, "/billing-us", none.clone(), [403, 200, 200]),
        (&post, "/billing-us/reset", none.clone(), [403, 200, 200]),
        (&delete, "/nothing", none.clone(), [403, 403, 404]),
        (&delete, "/billing-nothing", none.clone(), [403, 404, 404]),
    ] {
        for (token, expect) in [worker, team, ADMIN].into_iter().zip(expect) {
            let (status, told) =
                ask(token, method, &format!("/v1/eventstreams{path}"), &body).await;
            assert_eq!(status, expect, "{token} {method} {path} {body}: {told}");
        }
    }
    // By its ID it is the same stream.
    let (_, audit) = ask(ADMIN, &get, "/v1/eventstreams/audit", &none).await;
    let id = audit["id"].as_str().unwrap();
    let (status, told) = ask(team, &delete, &format!("/v1/eventstreams/{id}"), &none).await;
    assert_eq!(status, 403);
    assert_eq!(told["error"]["message"], "this token may not manage event stream \"audit\"");
    let (_, list) = ask(team, &get, "/v1/eventstreams?count", &none).await;
    assert_eq!((&list["total"], &list["items"][0]["name"]), (&json!(1), &json!("billing-us")));
    let (_, all) = ask(ADMIN, &get, "/v1/eventstreams?count", &none).await;
    assert_eq!(all["total"], 2);

    let made = json!({ "name": "guest", "consume": ["billing-*"] });
    let request = Client::new().post(format!("{}/v1/admin/tokens", server.url)).bearer_auth(ADMIN);
    let made = request.header("content-type", "application/json").body(made.to_string());
    let made: Value =
        serde_json::from_str(&made.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(made["consume"], json!(["billing-*"]));
    put_as(&server, "/v1/topics/orders/order/1").await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let stream = |name: &str, token: &str| {
        let tell = tell.clone();
        highwater::EventStream::builder(format!("{}/ws", server.url), name)
            .header("authorization", &format!("Bearer {token}"))
            .retry(Duration::from_millis(10), Duration::from_millis(100))
            .on_error(move |error| drop(tell.send(error.to_owned())))
            .connect()
            .unwrap()
    };
    let mut consuming = stream("billing-us", made["secret"].as_str().unwrap());
    timeout(LONG, consuming.next()).await.expect("a batch comes").unwrap().ack();
    let mut hears = async |expect: &str| loop {
        let told = timeout(LONG, told.recv()).await.expect("it is told").unwrap();
        if told.contains(expect) {
            return;
        }
    };
    let other = stream("audit", worker);
    hears("1008): this token may not consume event stream \"audit\"").await;
    drop(other);
    let unable = stream("billing-us", team);
    hears("403").await;
    drop(unable);
    // Whose token is revoked is shown out, and does not come in again.
    let path = format!("/v1/admin/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(ADMIN, &delete, &path, &none).await.0, 200);
    hears("1008): the token is not known here").await;
    hears("401").await;
}

async fn put_as(server: &Process, path: &str) {
    let request = Client::new().put(format!("{}{path}", server.url)).bearer_auth(ADMIN);
    let answer = request.body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 201);
}
