//! README's Rust prints what happens to a topic of the server, as README says it does.

use core::error::Error;
use core::time::Duration;
use std::process::Stdio;

use highwater_publisher::{Id, Object, Operation, Transaction};
use highwater_server::{App, Channel, Settings, app, serve};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{ChildStdout, Command};
use tokio::time::{interval, timeout};

/// Longer than anything takes here, unless it never comes.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn it_prints_each_change() -> Result<(), Box<dyn Error>> {
    timeout(PATIENCE, async {
        let state = App::new(Settings::default());
        let mut topic = state.topics().fresh("machine");
        topic.commit(put("1-0", "init")?)?;
        let topic = state.topics().insert(topic);

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/v1/topics/machine/stream", listener.local_addr()?);
        let router = app(state.clone());
        tokio::spawn(serve(listener, state, router, core::future::pending(), Duration::ZERO));

        let mut program = Command::new(env!("CARGO_BIN_EXE_highwater-readme"))
            .arg(address)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = program.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(stdout).lines();

        // When it begins to listen nobody knows: it is told until it has heard.
        let mut again = interval(Duration::from_millis(20));
        let heard = loop {
            tokio::select! {
                line = lines.next_line() => break line?,
                _ = again.tick() => commit(&topic, put("1-0", "systemd")?)?,
            }
        };
        assert_eq!(heard.as_deref(), Some("updated process/1-0"));

        commit(&topic, put("2-0", "sh")?)?;
        assert_eq!(next(&mut lines).await?, "insert process/2-0");
        commit(&topic, [Operation::delete(Id::new("process", "2-0")?)].into())?;
        assert_eq!(next(&mut lines).await?, "delete process/2-0");
        Ok(())
    })
    .await?
}

fn commit(topic: &Channel, transaction: Transaction) -> Result<(), Box<dyn Error>> {
    topic.with(|topic| topic.commit(transaction))?;
    Ok(())
}

fn put(key: &str, name: &str) -> Result<Transaction, Box<dyn Error>> {
    let object = Object::parse(&format!(r#"{{ "name": "{name}" }}"#))?;
    Ok([Operation::put(Id::new("process", key)?, object)].into())
}

/// The next line about anything but what was repeated.
async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<String, Box<dyn Error>> {
    while let Some(line) = lines.next_line().await? {
        if line != "updated process/1-0" {
            return Ok(line);
        }
    }
    Err("the program ended".into())
}
