//! The `publish` sub-command: lines of JSON become transactions of a topic.

mod line;

use crate::duration;
use crate::place::{self, ServerArgument};
use crate::serve::{Failure, Misuse};
use clap::Args;
use core::fmt;
use core::time::Duration;
use highwater::{PublishError, Publisher, Reply};
use serde_json::Value;
use std::io::{BufRead, Write as _, stdin, stdout};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// `highwater publish`.
#[derive(Args, Clone)]
pub struct PublishArguments {
    /// The topic to write to
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    topic: String,
    #[command(flatten)]
    server: ServerArgument,
    /// A header to send with every transaction, `'Name: value'`; may be repeated
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// Compare and set: do a change only if its item is at this version, or, with 0, does not exist; what a line says itself (`ifVersion`) goes before
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(i64).range(0..))]
    if_version: Option<i64>,
    /// How long to try again while the server says that it cannot write for now
    #[arg(long, default_value = "30s", value_parser = time, value_name = "TIME")]
    retry: Duration,
    /// Print nothing for what was done
    #[arg(long)]
    quiet: bool,
}

impl PublishArguments {
    /// Does line by line until the end of the input, or until one cannot be done.
    pub async fn run(self) -> Result<(), Failure> {
        let misuse = |error: highwater::Error| Misuse(error.to_string().into());
        let url = self.server.address(&self.topic, "transactions");
        let mut publisher = Publisher::new(&url).map_err(misuse)?;
        for header in &self.header {
            let (name, value) = place::header(header)?;
            publisher = publisher.header(name, value).map_err(misuse)?;
        }
        let mut lines = lines();
        let mut number = 0;
        while let Some(line) = lines.recv().await {
            number += 1;
            let stopped = |cause| Unpublished { line: number, cause };
            let line = line.map_err(|error| stopped(Cause::Input(error.to_string().into())))?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let transaction = line::transaction(&line, self.if_version)
                .map_err(|error| stopped(Cause::Line(error)))?;
            let answer = self.send(&publisher, transaction).await.map_err(stopped)?;
            if !self.quiet {
                // Who asked for it has gone: what was done is done, and nothing more is.
                writeln!(stdout(), "{answer}")?;
            }
        }
        Ok(())
    }

    /// Has one transaction done, and gives what the server said of it.
    async fn send(&self, publisher: &Publisher, transaction: String) -> Result<Value, Cause> {
        let deadline = Instant::now() + self.retry;
        loop {
            let sent = timeout(PATIENCE, publisher.commit(transaction.clone())).await;
            let sent =
                sent.unwrap_or_else(|late| Err(PublishError::Unheard(late.to_string().into())));
            let Reply { status, retry_after, body } = sent.map_err(Cause::Server)?;
            let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
            let code = answer["error"]["code"].as_str().unwrap_or_default();
            match status {
                200..=299 => return Ok(answer),
                // Not done, and perhaps later.
                503 | 429 if code != "undecided" => {
                    let wait = retry_after.unwrap_or(SOON).max(SOON);
                    if Instant::now() + wait > deadline {
                        return Err(Cause::told(status, &answer));
                    }
                    sleep(wait).await;
                }
                _ => return Err(Cause::told(status, &answer)),
            }
        }
    }
}

/// The lines of standard input, as they come. Reading it blocks.
fn lines() -> mpsc::Receiver<std::io::Result<String>> {
    let (found, lines) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in stdin().lock().lines() {
            let ended = line.is_err();
            if found.blocking_send(line).is_err() || ended {
                return;
            }
        }
    });
    lines
}

/// A line was not published, and neither was any after it. All before it were.
#[derive(Debug)]
pub struct Unpublished {
    line: u64,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    /// It could not be read.
    Input(Box<str>),
    /// It is not what a line has to be.
    Line(Box<str>),
    /// The server refuses it as it is.
    Refused(Box<str>),
    /// Its condition does not hold.
    Conflict(Box<str>),
    /// The server cannot do it, or whether it has is not known.
    Failed(Box<str>),
    /// The server did not answer.
    Server(PublishError),
}

impl Cause {
    fn told(status: u16, answer: &Value) -> Self {
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap_or("it is no Highwater server's answer");
        let place = error["where"].as_str().map(|place| format!(" ({place})")).unwrap_or_default();
        let text = format!("{message}{place}, says the server: {status}").into();
        match status {
            409 | 412 => Self::Conflict(text),
            400..=499 => Self::Refused(text),
            _ => Self::Failed(text),
        }
    }
}

impl Unpublished {
    /// 3: the line is wrong, 4: its condition does not hold, 1: anything else.
    pub fn exit_code(&self) -> u8 {
        match self.cause {
            Cause::Line(_) | Cause::Refused(_) => 3,
            Cause::Conflict(_) => 4,
            Cause::Input(_) | Cause::Failed(_) | Cause::Server(_) => 1,
        }
    }
}

impl fmt::Display for Unpublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.cause {
            Cause::Input(why) => write!(f, "the input cannot be read: {why}"),
            Cause::Line(why) | Cause::Refused(why) | Cause::Conflict(why) | Cause::Failed(why) => {
                f.write_str(why)
            }
            Cause::Server(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Unpublished {}

fn time(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| format!("a time is {}", duration::SHAPE))
}

impl fmt::Debug for PublishArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the headers, which may hold secrets.
        f.debug_struct("PublishArguments").field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// Longer than a server takes to find out that it cannot tell.
const PATIENCE: Duration = Duration::from_mins(1);
const SOON: Duration = Duration::from_millis(100);
