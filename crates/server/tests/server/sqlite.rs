//! `serve --data`: what is in the folder is there again, unless it may not be the newest.

use crate::common::{Events, Process, end, epoch, refusal, verdict};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

async fn put(server: &Process, key: &str, object: &str) -> (StatusCode, Value) {
    let request = Client::new().put(format!("{}/v1/topics/t/a/{key}", server.url));
    crate::common::answer(request.body(object.to_owned()).send().await.unwrap()).await
}

async fn all(server: &Process) -> Value {
    let response = reqwest::get(format!("{}/v1/topics/t", server.url)).await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// What becomes of a client that comes back.
async fn resume(server: &Process, cursor: &str) -> Vec<crate::common::Event> {
    let url = format!("{}/v1/topics/t/stream?basis={cursor}", server.url);
    Events::open(&Client::new(), &url).await.payload().await
}

/// SIGTERM, and until it has ended.
fn stop(mut server: Process) {
    Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().unwrap();
    assert!(server.child.wait().unwrap().success());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_restart_is_no_interruption_to_clients() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::durable(folder.path(), &[]);
    let (_, first) = put(&server, "1", "{\"n\":1}").await;
    let first = first["cursor"].as_str().unwrap().to_owned();
    put(&server, "2", "{\"n\":2}").await;
    let request = Client::new().delete(format!("{}/v1/topics/t/a/1", server.url));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let before = all(&server).await;
    stop(server);

    let server = Process::durable(folder.path(), &[]);
    assert_eq!(all(&server).await, before);
    // The log is there again, too: the client is told what it missed, and nothing else.
    let events = resume(&server, &first).await;
    assert_eq!(verdict(&events[0]), ("xfer-changes", "stale", true));
    assert_eq!(events[1].data["object"], json!({ "n": 2 }));
    // The version of a deletion is remembered.
    let (_, body) = put(&server, "1", "{}").await;
    assert_eq!((&body["version"], &body["index"]), (&json!(4), &json!(4)));
    let cursor = body["cursor"].as_str().unwrap();
    assert_eq!(epoch(cursor), epoch(&first));
}

#[tokio::test]
async fn a_log_that_is_short_sends_clients_back_to_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::durable(folder.path(), &["--log-transactions", "5"]);
    let mut cursors = Vec::new();
    for n in 0..20 {
        let (_, body) = put(&server, "1", &format!("{{\"n\":{n}}}")).await;
        cursors.push(body["cursor"].as_str().unwrap().to_owned());
    }
    drop(server); // kill -9
    let server = Process::durable(folder.path(), &["--log-transactions", "5"]);
    for (position, cursor) in cursors.iter().enumerate().take(19) {
        let events = resume(&server, cursor).await;
        let expected = if position < 14 { "xfer-full" } else { "xfer-changes" };
        assert_eq!(verdict(&events[0]).0, expected, "{cursor}");
    }
}

#[tokio::test]
async fn a_backup_that_is_put_back_begins_another_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let [data, backup] = ["data", "backup"].map(|name| folder.path().join(name));
    let server = Process::durable(folder.path(), &[]);
    put(&server, "1", "{\"n\":1}").await;
    stop(server);
    copy(&data, &backup);
    let server = Process::durable(folder.path(), &[]);
    let (_, body) = put(&server, "1", "{\"n\":2}").await;
    let lost = body["cursor"].as_str().unwrap().to_owned();
    stop(server);

    copy(&backup, &data);
    let server = Process::durable(folder.path(), &[]);
    assert_eq!(all(&server).await["items"][0]["object"], json!({ "n": 1 }));
    // The same index again, and not the same place: nobody takes it for the one that was lost.
    let (_, body) = put(&server, "2", "{}").await;
    assert_eq!(body["index"], 2);
    let events = resume(&server, &lost).await;
    assert_eq!(verdict(&events[0]), ("xfer-full", "cant-catchup", false));
    assert_eq!(events.len(), 4);
    assert_eq!(end(&events).0, body["cursor"].as_str().unwrap());
}

fn highwater(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    let ended = command.args(arguments).env("RUST_LOG", "off").output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[tokio::test]
async fn backup_and_restore() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file] = ["data", "backup.db"].map(|name| folder.path().join(name));
    let [data, file] = [&data, &file].map(|path| path.to_str().unwrap());
    let server = Process::durable(folder.path(), &[]);
    put(&server, "1", "{\"n\":1}").await;
    let before = all(&server).await;
    assert_eq!(highwater(&["backup", "--data", data, file]), (Some(0), String::new()));
    // What is there is not written over, and what is in use is not replaced.
    let (code, said) = highwater(&["backup", "--data", data, file]);
    assert!(code == Some(1) && said.contains(file) && said.contains("already"), "{said}");
    let (code, said) = highwater(&["restore", "--data", data, file]);
    assert!(code == Some(1) && said.contains("in use"), "{said}");
    put(&server, "2", "{}").await;
    drop(server); // kill -9: it leaves its write-ahead log

    assert_eq!(highwater(&["restore", "--data", data, file]), (Some(0), String::new()));
    let server = Process::durable(folder.path(), &[]);
    let after = all(&server).await;
    assert_eq!((&after["items"], &after["index"]), (&before["items"], &before["index"]));
    let old = before["cursor"].as_str().unwrap();
    assert_ne!(epoch(after["cursor"].as_str().unwrap()), epoch(old));
    assert_eq!(verdict(&resume(&server, old).await[0]), ("xfer-full", "cant-catchup", false));
    // A backup is made of a folder that nobody serves, too, and makes a folder elsewhere.
    stop(server);
    let [other, second] = ["other", "second.db"].map(|name| folder.path().join(name));
    let [other, second] = [&other, &second].map(|path| path.to_str().unwrap());
    assert_eq!(highwater(&["backup", "--data", data, second]), (Some(0), String::new()));
    assert_eq!(highwater(&["restore", "--data", other, second]), (Some(0), String::new()));
    let server = Process::start(&["serve", "--data", other]);
    assert_eq!(all(&server).await["items"], before["items"]);
}

#[test]
fn what_is_no_backup_is_not_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file] = ["data", "file"].map(|name| folder.path().join(name));
    let [data, file] = [&data, &file].map(|path| path.to_str().unwrap());
    let (code, said) = highwater(&["restore", "--data", data, file]);
    assert!(code == Some(1) && said.contains(file), "{said}");
    for text in ["", &"no database at all ".repeat(100)] {
        fs::write(file, text).unwrap();
        let (code, said) = highwater(&["restore", "--data", data, file]);
        assert!(code == Some(1) && said.contains("cannot be read"), "{said}");
        assert!(!Path::new(data).join("highwater.db").exists());
    }
    let (code, said) = highwater(&["backup", "--data", file, "x"]);
    assert!(code == Some(1) && said.contains(file), "{said}");
    assert_eq!(highwater(&["backup", "--data", data]).0, Some(2));
}

#[tokio::test]
async fn a_full_disk_fails_writes_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::durable(folder.path(), &["--data-max-bytes", "400000"]);
    let object = format!("{{\"text\":\"{}\"}}", "x".repeat(8 << 10));
    let mut acknowledged = 0;
    let refused = loop {
        let request = Client::new().put(format!("{}/v1/topics/t/a/{acknowledged}", server.url));
        let response = request.body(object.clone()).send().await.unwrap();
        if response.status() != 201 {
            break refusal(response).await;
        }
        acknowledged += 1;
        assert!(acknowledged < 100, "it never got full");
    };
    assert_eq!(refused, (507, "storage-full".into(), None));
    assert!(acknowledged > 10, "{acknowledged}");
    let held = all(&server).await;
    assert_eq!(held["items"].as_array().unwrap().len(), acknowledged);
    let stream = format!("{}/v1/topics/t/stream", server.url);
    let events = Events::open(&Client::new(), &stream).await.payload().await;
    assert_eq!(events.len(), acknowledged + 2);
    // With room again, writes go on.
    for key in ["0", "1"] {
        let request = Client::new().delete(format!("{}/v1/topics/t/a/{key}", server.url));
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    assert_eq!(put(&server, "again", &object).await.0, 201);
    drop(server);
    let server = Process::durable(folder.path(), &[]);
    assert_eq!(all(&server).await["items"].as_array().unwrap().len(), acknowledged - 1);
}

#[test]
fn a_folder_that_cannot_be_had_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Process::durable(folder.path(), &[]);
    let serve = |data: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.output().unwrap()
    };
    let data = folder.path().join("data");
    let second = serve(&data);
    let said = String::from_utf8(second.stderr).unwrap();
    assert_eq!((second.status.code(), second.stdout.len()), (Some(1), 0), "{said}");
    assert!(said.contains(data.to_str().unwrap()) && said.contains("in use"), "{said}");

    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let no_folder = serve(&file);
    let said = String::from_utf8(no_folder.stderr).unwrap();
    assert_eq!(no_folder.status.code(), Some(1), "{said}");
    assert!(said.contains(file.to_str().unwrap()), "{said}");
}

#[test]
fn one_engine_is_enough() {
    for arguments in [
        &["--data", "x", "--nats", "nats://127.0.0.1"][..],
        &["--nats", "http://"],
        &["--nats", ""],
        &["--nats", "127.0.0.1", "--nats-stream", "a.b"],
        &["--data-max-bytes", "5"],
        &["--nats-credentials", "x"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
        let said = command.arg("serve").args(arguments).output().unwrap();
        assert_eq!(said.status.code(), Some(2), "{arguments:?}: {said:?}");
    }
}
