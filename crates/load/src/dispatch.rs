//! `highwater-load dispatch`: events delivered to a worker and acknowledged, beside consumers of NATS
//! JetStream; and what streams cost that have nothing to deliver.

mod idle;
mod jetstream;
mod ours;
mod report;
mod tally;

use crate::{Failure, Result};
use core::time::Duration;
use jetstream::{Acks, JetStream};
use ours::{Ours, Way};
use report::Row;
use std::path::PathBuf;

struct Options {
    highwater: PathBuf,
    nats: PathBuf,
    json: Option<PathBuf>,
    rounds: usize,
    /// How many events there are to deliver.
    events: u64,
    /// Of each.
    bytes: usize,
    /// How many streams have nothing to deliver; 0 leaves that out.
    idle: usize,
    /// Seconds of events at a pace, and of rest.
    seconds: f64,
}

/// Who delivers, and how.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Ours(Way, usize),
    JetStream(Acks),
}

const SUBJECTS: [Subject; 7] = [
    Subject::Ours(Way::WebSocket, 50),
    Subject::JetStream(Acks::Each),
    Subject::Ours(Way::WebSocket, 500),
    Subject::JetStream(Acks::Every(50)),
    Subject::Ours(Way::Webhook, 50),
    Subject::JetStream(Acks::Every(500)),
    Subject::Ours(Way::Webhook, 500),
];

pub(crate) fn command(arguments: &[String]) -> Result {
    let options = Options::parse(arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> Result {
    let &Options { events, bytes, seconds, .. } = options;
    let mut ours = Ours::start(&options.highwater)?;
    let theirs = JetStream::start(&options.nats).await?;
    eprintln!("{events} events of {bytes} B into both");
    ours.fill(events, bytes).await?;
    theirs.fill(events, bytes).await?;
    let mut rows = Vec::new();
    for round in 1..=options.rounds {
        for subject in SUBJECTS {
            eprintln!("round {round}: {}", subject.name());
            let (backlog, paced) = match subject {
                Subject::Ours(way, batch) => (
                    ours.drain(way, batch, events).await?,
                    ours.paced(way, batch, bytes, seconds).await?,
                ),
                Subject::JetStream(acks) => {
                    (theirs.drain(acks, events).await?, theirs.paced(acks, bytes, seconds).await?)
                }
            };
            rows.push(Row::new(subject, &backlog, &paced));
        }
    }
    let rows = report::medians(&rows);
    print!("{}", report::table(&rows));
    drop((ours, theirs));
    let idle = match options.idle {
        0 => None,
        count => Some(idle::measure(&options.highwater, count, seconds).await?),
    };
    if let Some(idle) = &idle {
        println!("\n{idle}");
    }
    if let Some(file) = &options.json {
        let all = serde_json::json!({ "rows": rows, "idle": idle });
        std::fs::write(file, serde_json::to_string_pretty(&all)?)?;
    }
    Ok(())
}

/// How many events a pace comes to.
fn paced_events(seconds: f64) -> u64 {
    #[expect(clippy::cast_sign_loss, reason = "a time is none that has been")]
    let events = (seconds * f64::from(PACE)) as u64;
    events.max(1)
}

/// When an event of a pace is due.
fn due(number: u64) -> Duration {
    Duration::from_nanos(number * 1_000_000_000 / u64::from(PACE))
}

impl Subject {
    fn name(self) -> String {
        match self {
            Self::Ours(Way::WebSocket, batch) => {
                format!("highwater, WebSocket, batches of {batch}")
            }
            Self::Ours(Way::Webhook, batch) => format!("highwater, webhook, batches of {batch}"),
            Self::JetStream(Acks::Each) => "jetstream, an ack each".to_owned(),
            Self::JetStream(Acks::Every(count)) => format!("jetstream, an ack for {count}"),
        }
    }
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let quick = arguments.iter().any(|argument| argument == "--quick");
        let mut options = Self {
            highwater: PathBuf::new(),
            nats: PathBuf::new(),
            json: None,
            rounds: if quick { 1 } else { 5 },
            events: if quick { 30_000 } else { 200_000 },
            bytes: 200,
            idle: 1000,
            seconds: if quick { 2.0 } else { 5.0 },
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value =
                || rest.next().ok_or_else(|| Failure::from(format!("{name} takes a value")));
            match name.as_str() {
                "--quick" => {}
                "--highwater" => options.highwater = value()?.into(),
                "--nats" => options.nats = value()?.into(),
                "--json" => options.json = Some(value()?.into()),
                "--rounds" => options.rounds = value()?.parse()?,
                "--events" => options.events = value()?.parse()?,
                "--bytes" => options.bytes = value()?.parse()?,
                "--idle" => options.idle = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                other => return Err(format!("no option {other}").into()),
            }
        }
        Ok(options)
    }
}

/// Events a second, where they are not there already: far fewer than either could deliver.
const PACE: u32 = 500;
