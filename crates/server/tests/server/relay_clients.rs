//! `highwater relay`, as SDKs of clients see it that speak the newest protocol, or are pinged.

use crate::common::{Event, PATIENCE, answer};
use crate::relay::{ANN, ENVIRONMENT, FLAGS, Relay, next};
use core::time::Duration;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| &*event.name).collect()
}

#[tokio::test]
async fn the_newest_protocol_tells_clients_values() {
    let relay = Relay::start("", &[]);
    let stream = format!("/sdk/stream/eval/{ANN}");
    let mut page = relay.stream(&format!("{stream}?auth=env-1"), "").await;
    assert_eq!(page.header("access-control-allow-origin"), "*");
    assert_eq!(page.header("x-ld-envid"), "env-1");
    let first = page.payload().await;
    assert_eq!(verdict_of(&first[0]), "xfer-full");
    assert_eq!(names(&first), ["server-intent", "put-object", "payload-transferred"]);
    let beta = &first[1].data;
    assert_eq!((&beta["kind"], &beta["key"]), (&json!("flag-eval"), &json!("beta")));
    assert_eq!((&beta["version"], &beta["object"]["value"]), (&json!(3), &json!("yes")));
    let mut mobile = relay.stream(&stream, "mob-secret-one").await;
    assert_eq!(mobile.payload().await.len(), 4, "two flags are for mobile applications");

    relay.write(
        &FLAGS
            .replace("\"beta\":{\"version\":3,\"on\":true", "\"beta\":{\"version\":4,\"on\":false"),
    );
    let told = page.payload().await;
    assert_eq!(names(&told), ["put-object", "payload-transferred"]);
    assert_eq!(
        (&told[0].data["version"], &told[0].data["object"]["value"]),
        (&json!(4), &json!(null))
    );
    // What is not for pages is no news to them: the next that they hear of is about `beta` again.
    relay.write(&FLAGS.replace("\"old\":{\"version\":1", "\"old\":{\"version\":2"));
    let told = page.payload().await;
    assert_eq!(verdict_of(&told[0]), "xfer-full", "the version of beta went back");
    let state = told.last().unwrap().data["state"].as_str().unwrap().to_owned();
    assert_eq!(state, first[2].data["state"], "it is made of the values");

    // Who comes back with what it had is told so, by each of the ways to say it.
    let known = format!("{stream}?auth=env-1&basis={state}");
    let mut back = relay.stream(&known, "").await;
    assert_eq!(verdict_of(&back.next().await.unwrap()), "none");
    let (status, polled) = answer(relay.get(&known.replace("stream", "poll"), "").await).await;
    assert_eq!((status, polled["events"].as_array().unwrap().len()), (StatusCode::OK, 1));
    assert_eq!(polled["events"][0]["data"]["payloads"][0]["intentCode"], "none");
    let poll = format!("/sdk/poll/eval/{ANN}?auth=env-1");
    let polled = relay.get(&poll, "").await;
    let tag = polled.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("\"{state}\""));
    let (_, polled) = answer(polled).await;
    let events: Vec<_> = polled["events"].as_array().unwrap().iter().map(|e| &e["event"]).collect();
    assert_eq!(events, ["server-intent", "put-object", "payload-transferred"]);
    let request = relay.client.get(format!("{}{poll}", relay.process.url));
    let known = request.header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);

    // A context may come in the body.
    let ann = Some(("application/json", r#"{"kind":"user","key":"ann"}"#));
    for method in ["POST", "REPORT"] {
        let told = relay.ask(method, "/sdk/poll/eval?auth=env-1", "", ann).await;
        assert_eq!(answer(told).await.1, polled, "{method}");
        let stream = relay.ask(method, "/sdk/stream/eval", "env-1", ann).await;
        assert_eq!(stream.status(), StatusCode::OK, "{method}");
    }
    let refused = relay.ask("PUT", "/sdk/poll/eval?auth=env-1", "", ann).await;
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.headers()["allow"], "POST, REPORT");
}

fn verdict_of(event: &Event) -> &str {
    assert_eq!(event.name, "server-intent");
    event.data["payloads"][0]["intentCode"].as_str().unwrap()
}

#[tokio::test]
async fn the_newest_protocol_says_goodbye_and_lets_pages_prove() {
    let relay = Relay::start("secure-mode = true\n", &["--max-age-ms", "1000"]);
    let path = format!("/sdk/stream/eval/{ANN}?auth=env-1");
    assert_eq!(relay.get(&path, "").await.status(), 400);
    let proof = "6273471c94e6af0033aea669da7a8b20bf3d747a9a884049ea031fb021790068";
    let mut page = relay.stream(&format!("{path}&h={proof}"), "").await;
    page.payload().await;
    assert_eq!(page.next().await.unwrap().name, "goodbye");
    assert!(page.next().await.is_none());
}

#[tokio::test]
async fn pings_are_held_back_for_each_client_and_come_as_one() {
    let config = format!("{ENVIRONMENT}topic = \"t\"\n");
    let relay = Relay::of(tempfile::tempdir().unwrap(), &config, &["--ping-jitter-ms", "3000"]);
    let put = async |version: u64| {
        let url = format!("{}/v1/topics/t/flag/a", relay.process.url);
        let request = relay.client.put(url).header("content-type", "application/json");
        let done = request.body(format!("{{\"on\":true,\"n\":{version}}}")).send().await.unwrap();
        assert!(done.status().is_success());
    };
    put(1).await;
    let mut all = relay.stream("/all", "sdk-secret-one").await;
    let mut have = Value::Null;
    while have["data"]["flags"]["a"]["version"] != 1 {
        have = next(&mut all).await.1;
    }
    let mut clients = Vec::new();
    for (path, key) in
        [("/ping/env-1", ""), ("/mping", "mob-secret-one"), ("/mping", "mob-secret-one")]
    {
        let mut client = relay.stream(path, key).await;
        // The first one comes at once.
        assert_eq!(client.next().await.unwrap().name, "ping");
        clients.push(client);
    }
    for version in 2..6 {
        put(version).await;
        assert_eq!(next(&mut all).await.1["data"]["version"], version, "servers do not wait");
    }
    for client in &mut clients {
        let ping = timeout(PATIENCE, client.next()).await.unwrap().unwrap();
        assert_eq!(ping.raw, "event: ping\ndata:  ");
        // Whatever came meanwhile was in it.
        assert!(timeout(Duration::from_millis(300), client.next()).await.is_err());
    }
}
