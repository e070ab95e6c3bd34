//! A server over an engine that is away, full, or does not know.

use crate::common::{Server, answer, end, epoch, error, refusal, verdict};
use highwater_publisher::engine::{
    Answer, Append, AppendError, Appended, Engine, Failure, Lease, Memory, Place, Read, Snapshot,
    Watch,
};
use highwater_server::{Access, App, Settings};
use reqwest::Method;
use serde_json::json;
use std::sync::{Arc, Mutex};

/// One that does what it is asked, or fails every append as it was told to.
#[derive(Debug, Default)]
pub(crate) struct Moody {
    memory: Mutex<Arc<Memory>>,
    mood: Mutex<Option<AppendError>>,
}

impl Moody {
    pub(crate) fn fail(&self, with: Option<AppendError>) {
        *self.mood.lock().unwrap() = with;
    }

    /// Loses everything.
    fn forget(&self) {
        *self.memory.lock().unwrap() = Arc::default();
    }

    fn now(&self) -> Arc<Memory> {
        Arc::clone(&self.memory.lock().unwrap())
    }
}

impl Engine for Moody {
    fn topics(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async { self.now().topics().await })
    }

    fn append<'a>(&'a self, topic: &'a str, append: Append) -> Answer<'a, Appended, AppendError> {
        Box::pin(async move {
            let mood = self.mood.lock().unwrap().clone();
            match mood {
                Some(error) => Err(error),
                None => self.now().append(topic, append).await,
            }
        })
    }

    fn read<'a>(&'a self, topic: &'a str, after: &'a Place, limit: usize) -> Answer<'a, Read> {
        Box::pin(async move { self.now().read(topic, after, limit).await })
    }

    fn snapshot<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Snapshot>> {
        Box::pin(async move { self.now().snapshot(topic).await })
    }

    fn watch<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Watch>> {
        Box::pin(async move { self.now().watch(topic).await })
    }

    fn acquire<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Lease>> {
        Box::pin(async move { self.now().acquire(name).await })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, bool> {
        Box::pin(async move { self.now().renew(lease).await })
    }

    fn release(&self, lease: Lease) -> Answer<'_, ()> {
        Box::pin(async move { self.now().release(lease).await })
    }
}

/// A server over an engine, ready.
pub(crate) async fn over(engine: Arc<dyn Engine>) -> Server {
    let app = App::durable(Settings::default(), Access::default());
    app.begin(engine).await.unwrap();
    Server::over(app).await
}

#[tokio::test]
async fn a_server_without_its_engine_is_not_ready() {
    let app = App::durable(Settings::default(), Access::default());
    let server = Server::over(app.clone()).await;
    assert_eq!(server.get("/healthz").await.0, 200);
    for (method, path) in [
        (Method::GET, "/readyz"),
        (Method::GET, "/v1/topics/t"),
        (Method::GET, "/v1/topics/t/stream"),
        (Method::GET, "/v1/topics/t/a/1"),
        (Method::PUT, "/v1/topics/t/a/1"),
        (Method::PUT, "/v1/topics/t"),
        (Method::DELETE, "/v1/topics/t/a/1"),
    ] {
        let body = if path == "/v1/topics/t" { "{\"items\":[]}" } else { "{}" };
        let request = server.client.request(method.clone(), format!("{}{path}", server.url));
        let told = refusal(request.body(body).send().await.unwrap()).await;
        assert_eq!(told, (503, "starting".into(), Some(1)), "{method} {path}");
    }
    app.begin(Arc::new(Memory::default())).await.unwrap();
    assert_eq!(server.get("/readyz").await.0, 200);
    assert_eq!(server.put("/v1/topics/t/a/1", "{}").await.0, 201);
}

#[tokio::test]
async fn a_failed_write_is_told_and_reads_go_on() {
    let engine = Arc::new(Moody::default());
    let server = over(engine.clone()).await;
    assert_eq!(server.put("/v1/topics/t/a/1", "{\"n\":1}").await.0, 201);
    let mut stream = server.stream("/v1/topics/t/stream").await;
    assert_eq!(stream.payload().await.len(), 3);
    let before = server.get("/v1/topics/t").await;

    let cause = || Arc::from(Box::from("cause"));
    let second = core::time::Duration::from_secs;
    let unavailable = Failure::Unavailable { retry_after: second(3), cause: cause() };
    for (failure, status, code, after) in [
        (unavailable.into(), 503, "storage-away", Some(3)),
        (AppendError::Undecided { retry_after: second(2) }, 503, "undecided", Some(2)),
        (Failure::Full(cause()).into(), 507, "storage-full", None),
        (Failure::InUse(cause()).into(), 503, "storage-in-use", Some(1)),
        (Failure::Corrupt(cause()).into(), 500, "storage-failed", None),
        (Failure::Storage(cause()).into(), 500, "storage-failed", None),
        (AppendError::TooLarge { bytes: 9, most: 8 }, 413, "too-large", None),
    ] {
        engine.fail(Some(failure));
        let object = "{\"n\":2}";
        let operation = json!({ "op": "put", "kind": "a", "key": "1", "object": { "n": 2 } });
        let operations = json!({ "operations": [operation] }).to_string();
        for (method, path, body) in [
            (Method::PUT, "/a/1", object),
            (Method::PUT, "/a/2", object),
            (Method::DELETE, "/a/1", ""),
            (Method::POST, "/transactions", &*operations),
            (Method::PUT, "", "{\"items\":[]}"),
        ] {
            let request =
                server.client.request(method, format!("{}/v1/topics/t{path}", server.url));
            let request = request.header("content-type", "application/json");
            let told = refusal(request.body(body.to_owned()).send().await.unwrap()).await;
            assert_eq!(told, (status, code.into(), after), "{path}");
        }
        assert_eq!(server.get("/v1/topics/t").await, before);
        assert_eq!(server.stream("/v1/topics/t/stream").await.payload().await.len(), 3);
        assert_eq!(server.get("/readyz").await.0, 200);
    }

    engine.fail(None);
    assert_eq!(server.put("/v1/topics/t/a/1", "{\"n\":2}").await.0, 200);
    let news = stream.payload().await;
    assert_eq!((news.len(), &news[0].data["object"]), (2, &json!({ "n": 2 })));
}

#[tokio::test]
async fn conditions_are_judged_by_the_engine() {
    let server = over(Arc::new(Memory::default())).await;
    let send = async |method: Method, path: &str, name: &'static str, value: &'static str| {
        let request = server.client.request(method, format!("{}{path}", server.url));
        let (status, body) =
            answer(request.header(name, value).body("{}").send().await.unwrap()).await;
        (status.as_u16(), body)
    };
    let item = "/v1/topics/t/a/1";
    let (status, body) = send(Method::DELETE, item, "x", "y").await;
    assert_eq!((status, error(&body).0), (404, "unknown-topic"));
    let (status, body) = send(Method::PUT, item, "if-match", "4").await;
    assert_eq!((status, &body["error"]["current"]), (409, &json!(null)));
    assert_eq!(server.get("/v1/topics/t").await.0, 404, "a refused write creates no topic");
    assert_eq!(send(Method::PUT, item, "if-none-match", "*").await.0, 201);
    assert_eq!(send(Method::PUT, item, "if-match", "1").await.0, 200);
    let (status, body) = send(Method::PUT, item, "if-match", "1").await;
    assert_eq!((status, error(&body).0, &body["error"]["current"]), (409, "conflict", &json!(2)));
    let stale = json!({ "op": "put", "kind": "a", "key": "1", "object": {}, "ifVersion": 1 });
    let (status, body) = server
        .send(
            Method::POST,
            "/v1/topics/t/transactions",
            &json!({ "operations": [stale] }).to_string(),
        )
        .await;
    assert_eq!(
        (status.as_u16(), error(&body), &body["error"]["current"]),
        (409, ("conflict", Some("operations[0]")), &json!(2))
    );
}

#[tokio::test]
async fn replace_all_leaves_exactly_the_list() {
    let server = over(Arc::new(Memory::default())).await;
    let put = async |items: serde_json::Value| {
        let (status, body) =
            server.put("/v1/topics/t", &json!({ "items": items }).to_string()).await;
        (status.as_u16(), body)
    };
    let item = |key: &str, n: i64| json!({ "kind": "a", "key": key, "object": { "n": n } });
    let (status, body) = put(json!([])).await;
    assert_eq!((status, &body["changed"]), (200, &json!(false)), "{body}");
    let (_, body) = put(json!([item("1", 1), item("2", 1)])).await;
    assert_eq!((&body["changed"], &body["index"]), (&json!(true), &json!(1)));
    let (_, body) = put(json!([item("1", 1), item("2", 1)])).await;
    assert_eq!((&body["changed"], &body["index"]), (&json!(false), &json!(1)));
    let (_, body) = put(json!([item("3", 1), item("2", 2)])).await;
    assert_eq!((&body["changed"], &body["index"]), (&json!(true), &json!(2)));
    let (_, all) = server.get("/v1/topics/t").await;
    let keys: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| &item["key"]).collect();
    assert_eq!(keys, ["2", "3"]);
    let mut stale = item("3", 5);
    stale["version"] = json!(1);
    let (status, body) = put(json!([item("2", 2), stale])).await;
    assert_eq!((status, error(&body)), (409, ("stale-version", Some("items[1]"))));
}

#[tokio::test]
async fn what_the_storage_has_lost_is_not_shown_and_the_next_life_is() {
    let engine = Arc::new(Moody::default());
    let server = over(engine.clone()).await;
    server.put("/v1/topics/t/a/1", "{}").await;
    let mut stream = server.stream("/v1/topics/t/stream").await;
    let (old, _) = end(&stream.payload().await);

    engine.forget();
    let events = stream.payload().await;
    assert_eq!(verdict(&events[0]), ("xfer-full", "cant-catchup", false));
    assert_eq!(events.len(), 2, "nothing is left: {events:?}");

    let (status, body) = server.put("/v1/topics/t/a/2", "{}").await;
    assert_eq!(status, 201, "{body}");
    let events = stream.payload().await;
    let (new, _) = end(&events);
    assert_eq!((new.as_str(), events.len()), (body["cursor"].as_str().unwrap(), 3));
    assert_ne!(epoch(&old), epoch(&new));
    let mut resumed = server.stream(&format!("/v1/topics/t/stream?basis={old}")).await;
    assert_eq!(verdict(&resumed.event().await), ("xfer-full", "cant-catchup", false));
}
