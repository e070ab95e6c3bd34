//! Suite `ws-transcripts`: conversations with the real server, on a real socket, in real time.
//!
//! One conversation a file. Run natively only: a step is taken when the one before is done.

mod client;
mod server;

use serde_json::Value;
use tokio::task::JoinSet;

use self::client::Client;
use self::server::Server;
use crate::subject::{array, text};
use crate::{Departures, Error, Outcome, Subject, Verdict, suite};
use core::time::Duration;
use std::collections::BTreeMap;
use tokio::time::sleep;

const SUITE: &str = "ws-transcripts";

/// Has every conversation, a few at a time.
pub fn run(runner: &str, _: &mut dyn Subject, departures: &Departures) -> Result<Outcome, Error> {
    let mut transcripts: Vec<Value> = Vec::new();
    for path in suite::files(SUITE)? {
        if path.file_name().is_none_or(|name| name != "README.json") {
            transcripts.push(suite::read(&path)?);
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(format!("no runtime: {error}")))?;
    let mut verdicts = runtime.block_on(async {
        let (mut running, mut verdicts) = (JoinSet::new(), BTreeMap::new());
        for transcript in transcripts.clone() {
            if running.len() >= AT_ONCE {
                verdicts.extend(running.join_next().await.and_then(Result::ok));
            }
            running.spawn(async move {
                let id = transcript["id"].as_str().unwrap_or_default().to_owned();
                (id, Verdict::of(converse(&transcript).await))
            });
        }
        while let Some(done) = running.join_next().await {
            verdicts.extend(done.ok());
        }
        verdicts
    });
    let mut outcome = Outcome::new(SUITE, runner);
    for transcript in &transcripts {
        let id = text(transcript, "id")?;
        let verdict = verdicts.remove(id);
        let verdict = verdict.unwrap_or_else(|| Verdict::Differs("it came to no end".into()));
        let tag = (transcript["upstreamQuirk"] == true).then_some("upstreamQuirk");
        outcome.record(id, tag, verdict, departures);
    }
    Ok(outcome)
}

async fn converse(transcript: &Value) -> Result<(), Error> {
    let mut server = Server::start(&transcript["setup"]).await?;
    let mut clients = BTreeMap::new();
    for (at, step) in array(transcript, "conversation")?.iter().enumerate() {
        let done = take(step, &mut server, &mut clients).await;
        done.map_err(|error| Error::new(format!("step {at} ({}): {error}", step["do"])))?;
    }
    server.stop().await;
    Ok(())
}

async fn take(
    step: &Value,
    server: &mut Server,
    clients: &mut BTreeMap<String, Client>,
) -> Result<(), Error> {
    let name = step["client"].as_str().unwrap_or_default();
    let wait = |member: &str| sleep(Duration::from_millis(step[member].as_u64().unwrap_or(0)));
    match text(step, "do")? {
        "connect" => {
            let (status, client) =
                Client::connect(server.address(), step["origin"].as_str()).await?;
            expect("the status", &status.into(), &step["httpStatus"])?;
            clients.extend(client.map(|client| (name.to_owned(), client)));
            return Ok(());
        }
        "httpGet" => {
            let (status, body) = client::get(server.address()).await?;
            expect("the status", &status.into(), &step["httpStatus"])?;
            let recorded = step["body"].as_str().map_or(&*body, str::trim_end);
            return expect("the body", &body.trim_end().into(), &recorded.into());
        }
        "wait" => {
            wait("ms").await;
            return Ok(());
        }
        "publish" => return server.publish(array(step, "events")?),
        "admin" => return server.admin(step).await,
        "drop" => {
            clients.remove(name);
            return Ok(());
        }
        _ => {}
    }
    let client = clients.get_mut(name).ok_or_else(|| Error::new(format!("no client {name}")))?;
    match text(step, "do")? {
        "send" => {
            let json = step.get("json").map(Value::to_string);
            let message = json.unwrap_or_else(|| step["raw"].as_str().unwrap_or_default().into());
            client.send(message, step["binary"] == true).await?;
            wait("thenWaitMs").await;
            Ok(())
        }
        "recv" => {
            let received = client.receive().await?;
            let message = serde_json::from_str(&received).unwrap_or(Value::Null);
            expect("the message", &message, &step["json"])?;
            // And to the byte, where it was recorded.
            let raw = step["rawText"].as_str().unwrap_or(&received);
            expect("the text", &received.clone().into(), &raw.into())
        }
        "silence" => client.silent(step["forMs"].as_u64().unwrap_or(0)).await,
        "expectClosed" => {
            let code = client.closed().await?;
            expect("the code", &code.into(), &step["closeCode"])
        }
        "ping" => client.ping(step["data"].as_str().unwrap_or_default()).await,
        "expectPong" => {
            let data = client.pong().await?;
            expect("the pong", &data.into(), &step["data"])
        }
        "closeFrame" => client.close(step["code"].as_u64().unwrap_or(1000)).await,
        other => Err(Error::new(format!("there is no step {other}"))),
    }
}

fn expect(what: &str, observed: &Value, recorded: &Value) -> Result<(), Error> {
    crate::subject::same(what, observed, recorded)
}

/// How many conversations are had at once: what they wait for is mostly time.
const AT_ONCE: usize = 8;
