//! `highwater publish`, and `tail --topic`: against a server.

use crate::common::Server;
use core::time::Duration;
use highwater_publisher::engine::{AppendError, Failure};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Runs the program with some input, and gives exit code, what it printed as JSON, and what it said.
async fn run(arguments: &[&str], input: &str) -> (i32, Vec<Value>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.args(arguments).env("RUST_LOG", "off");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let Output { status, stdout, stderr } = spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // It may end without reading everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    let lines = String::from_utf8(stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (status.code().unwrap(), lines, String::from_utf8(stderr).unwrap())
}

async fn publish(server: &Server, more: &[&str], input: &str) -> (i32, Vec<Value>, String) {
    let arguments = [&["publish", "--topic", "a topic/é", "--server", &server.url], more].concat();
    run(&arguments, input).await
}

const TOPIC: &str = "/v1/topics/a%20topic%2F%C3%A9";

#[tokio::test]
async fn each_line_is_a_transaction() {
    let server = Server::start().await;
    let input = r#"{"kind":"flag","key":"a","object":{"on":true}}

{"operations":[{"kind":"flag","key":"b","object":{}},{"op":"delete","kind":"flag","key":"a"}]}
{"kind":"flag","key":"b","object":{"n":1.50},"version":9,"ifVersion":2}"#;
    let (code, told, said) = publish(&server, &[], input).await;
    assert_eq!((code, &*said), (0, ""));
    let versions: Vec<_> = told.iter().map(|told| &told["versions"]).collect();
    assert_eq!(versions, [&json!([1]), &json!([2, 2]), &json!([9])]);
    let (_, all) = server.get(TOPIC).await;
    assert_eq!((&all["index"], &all["cursor"]), (&json!(3), &told[2]["cursor"]));
    assert_eq!(
        all["items"],
        json!([{ "kind": "flag", "key": "b", "version": 9, "object": { "n": 1.5 } }])
    );
    let (code, told, _) =
        publish(&server, &["--quiet"], "{\"kind\":\"a\",\"key\":\"1\",\"object\":{}}\n").await;
    assert_eq!((code, told.len()), (0, 0));
}

#[tokio::test]
async fn the_first_line_that_cannot_be_done_is_named_and_the_last() {
    let server = Server::start().await;
    let good = r#"{"kind":"flag","key":"a","object":{}}"#;
    for (bad, code, words) in [
        ("{\"kind\":\"flag\"", 3, "line 3: EOF while parsing an object at column 14"),
        (r#"{"kind":"flag","key":"b"}"#, 3, "line 3: a put needs an object (operations[0])"),
        (r#"{"kind":"","key":"b","object":{}}"#, 3, "line 3: the kind is empty"),
        (r#"{"kind":"flag","key":"b","object":[]}"#, 3, "not an object"),
        (r#"{"op":"delete","kind":"flag","key":"none"}"#, 4, "there is no such item"),
        (r#"{"kind":"flag","key":"a","object":{},"ifVersion":77}"#, 4, "the item is at version"),
        (r#"{"operations":[]}"#, 3, "at least one operation"),
    ] {
        let (_, before) = server.get(TOPIC).await;
        let (ended, told, said) =
            publish(&server, &[], &format!("{good}\n\n{bad}\n{good}\n")).await;
        assert_eq!((ended, told.len()), (code, 1), "{bad}: {said}");
        assert!(said.starts_with("highwater: line 3: ") && said.contains(words), "{bad}: {said}");
        let (_, after) = server.get(TOPIC).await;
        let index = |all: &Value| all["index"].as_u64().unwrap_or(0);
        assert_eq!(index(&after), index(&before) + 1);
    }
}

#[tokio::test]
async fn compare_and_set() {
    let server = Server::start().await;
    let line = r#"{"kind":"flag","key":"a","object":{}}"#;
    assert_eq!(publish(&server, &["--if-version", "0"], line).await.0, 0);
    let (code, _, said) = publish(&server, &["--if-version", "0"], line).await;
    assert_eq!(code, 4);
    assert!(said.contains("line 1: ") && said.contains("at version 1"), "{said}");
    assert_eq!(publish(&server, &["--if-version", "1"], line).await.0, 0);
    // What the line says goes before.
    let own = r#"{"kind":"flag","key":"a","object":{},"ifVersion":2}"#;
    assert_eq!(publish(&server, &["--if-version", "1"], own).await.0, 0);
}

#[tokio::test]
async fn a_server_that_cannot_write_for_now_is_asked_again() {
    let engine = Arc::new(crate::engine::Moody::default());
    let server = crate::engine::over(engine.clone()).await;
    let line = r#"{"kind":"flag","key":"a","object":{}}"#;
    let cause = Arc::from(Box::from("cause"));
    let away = Failure::Unavailable { retry_after: Duration::from_secs(1), cause };
    engine.fail(Some(away.into()));
    let (code, _, said) = publish(&server, &["--retry", "0s"], line).await;
    assert_eq!(code, 1);
    assert!(said.contains("out of reach: cause") && said.contains("503"), "{said}");
    let back = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        engine.fail(None);
    };
    let ((code, told, said), ()) = tokio::join!(publish(&server, &[], line), back);
    assert_eq!((code, told.len()), (0, 1), "{said}");
    // But never when it may be done.
    engine.fail(Some(AppendError::Undecided { retry_after: Duration::from_secs(1) }));
    let (code, _, said) = publish(&server, &[], line).await;
    assert_eq!(code, 1);
    assert!(said.contains("it may be done or not"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_not_there_and_misuse() {
    let line = r#"{"kind":"flag","key":"a","object":{}}"#;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let (code, _, said) = run(&["publish", "--topic", "t", "--server", &url], line).await;
    assert_eq!(code, 1);
    assert!(said.contains("line 1: the server cannot be reached"), "{said}");
    for wrong in [
        &["publish"][..],
        &["publish", "--topic", ""],
        &["publish", "--topic", "t", "--server", "ftp://x"],
        &["publish", "--topic", "t", "--header", "secret"],
        &["publish", "--topic", "t", "--if-version", "-1"],
        &["publish", "--topic", "t", "--retry", "5"],
        &["tail", "--topic", "t", "http://127.0.0.1/"],
        &["tail", "--server", "http://127.0.0.1/", "http://127.0.0.1/"],
    ] {
        let (code, told, said) = run(wrong, line).await;
        assert_eq!((code, told.len()), (2, 0), "{wrong:?}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[tokio::test]
async fn tail_finds_the_topic() {
    let server = Server::start().await;
    let (status, _) = server.send(Method::PUT, &format!("{TOPIC}/flag/a"), "{\"on\":true}").await;
    assert_eq!(status, 201);
    let arguments = ["tail", "--once", "--topic", "a topic/é", "--server", &server.url];
    let (code, told, said) = run(&arguments, "").await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(told[0]["changes"][0]["value"], json!({ "on": true }), "{told:?}");
}
