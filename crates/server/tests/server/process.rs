//! The program: its first line, its signals, its refusals.

use crate::common::{Events, PATIENCE, Process};
use core::time::Duration;
use reqwest::Client;
use std::process::{Command, ExitStatus};
use std::time::Instant;

async fn ended(process: &mut Process) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = process.child.try_wait().unwrap() {
            return status;
        }
        assert!(start.elapsed() < PATIENCE, "it ends in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_and_sigint_drain() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(&["serve"]);
        let client = Client::new();
        let put =
            client.put(format!("{}/v1/topics/t/a/1", process.url)).body("{}").send().await.unwrap();
        assert_eq!(put.status(), 201);
        let mut stream =
            Events::open(&client, &format!("{}/v1/topics/t/stream", process.url)).await;
        stream.payload().await;
        Command::new("kill").args([signal, &process.child.id().to_string()]).status().unwrap();
        assert_eq!(stream.event().await.name, "goodbye");
        assert_eq!(stream.next().await, None);
        assert!(ended(&mut process).await.success());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_connection_that_does_not_end_is_not_waited_for() {
    let mut process = Process::start(&["serve", "--drain-ms", "200"]);
    let address = process.url.strip_prefix("http://").unwrap().to_owned();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    // A request whose body never comes.
    let head = b"PUT /v1/topics/t/a/1 HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut socket, head).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status().unwrap();
    assert!(ended(&mut process).await.success());
}

#[test]
fn an_address_that_cannot_be_had_is_said() {
    let process = Process::start(&["serve"]);
    let address = process.url.strip_prefix("http://").unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_highwater"))
        .args(["serve", "--listen", address])
        .output()
        .unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(
        !second.status.success() && said.contains(&format!("cannot listen on {address}")),
        "{said}"
    );
}
