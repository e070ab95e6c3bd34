//! `highwater-load streams`: every server, at every size and pace, in turn.

use crate::cell::{Measured, Pace, Stand};
use crate::report::{self, Row};
use crate::servers::{Kind, Programs};
use crate::{Failure, Result};
use core::time::Duration;
use std::path::PathBuf;

struct Options {
    programs: Programs,
    quick: bool,
    json: Option<PathBuf>,
    rounds: usize,
    seconds: Option<f64>,
    /// Instead of half of what nchan can do.
    pace: Option<f64>,
    kinds: Vec<Kind>,
    subscribers: Vec<usize>,
    bytes: Vec<usize>,
    stalled: bool,
}

pub(crate) fn command(arguments: &[String]) -> Result {
    let options = Options::parse(arguments)?;
    let length =
        Duration::from_secs_f64(options.seconds.unwrap_or(if options.quick { 2.0 } else { 5.0 }));
    let mut rows = Vec::new();
    for round in 1..=options.rounds {
        for &count in &options.subscribers {
            for &bytes in &options.bytes {
                for &kind in &options.kinds {
                    eprintln!("round {round}: {} for {count} subscribers, {bytes} B", kind.name());
                    let mut stand = Stand::set_up(kind, &options.programs, count, 0)?;
                    let paced = options.pace.unwrap_or_else(|| rate(count, bytes));
                    for pace in [Pace::Paced(paced), Pace::Max(64)] {
                        let measured = stand.measure(pace, bytes, length)?;
                        rows.push(row(kind, count, bytes, pace, None, stand.idle, &measured));
                    }
                }
            }
        }
        for &kind in options.kinds.iter().filter(|_| options.stalled) {
            for stalled in [0, STALLED] {
                eprintln!("round {round}: {}, {stalled} of {AMONG} stalled", kind.name());
                let mut stand = Stand::set_up(kind, &options.programs, AMONG, stalled)?;
                let pace = Pace::Paced(100.0);
                let measured = stand.measure(pace, 2048, length)?;
                rows.push(row(kind, AMONG, 2048, pace, Some(stalled), stand.idle, &measured));
            }
        }
    }
    let rows = report::medians(&rows);
    print!("{}", report::tables(&rows));
    if let Some(file) = options.json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)?)?;
    }
    Ok(())
}

/// About half of what nchan can do.
fn rate(subscribers: usize, bytes: usize) -> f64 {
    match (subscribers, bytes > 1024) {
        (..=300, large) => {
            if large {
                600.0
            } else {
                700.0
            }
        }
        (..=3000, large) => {
            if large {
                50.0
            } else {
                60.0
            }
        }
        (_, large) => {
            if large {
                4.0
            } else {
                5.0
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
fn row(
    kind: Kind,
    subscribers: usize,
    bytes: usize,
    pace: Pace,
    stalled: Option<usize>,
    idle: f64,
    measured: &Measured,
) -> Row {
    let Measured { delivered, seconds, cpu, own, times, missed, duplicated } = measured;
    let two = |value: f64| (value * 100.0).round() / 100.0;
    Row {
        server: kind.name(),
        subscribers,
        bytes,
        pace: match pace {
            Pace::Paced(rate) => report::Pace::Paced(rate),
            Pace::Max(_) => report::Pace::Named("max"),
        },
        stalled,
        delivered_per_s: (*delivered as f64 / seconds).round(),
        cpu_us_per_delivery: two(cpu.as_secs_f64() * 1e6 / *delivered as f64),
        p50_ms: two(times.within(0.5)),
        p99_ms: two(times.within(0.99)),
        p999_ms: two(times.within(0.999)),
        kib_per_idle_subscriber: two(idle),
        missed: *missed,
        duplicated: *duplicated,
        server_core: cpu.as_secs_f64() / seconds,
        load_core: own.as_secs_f64() / seconds,
    }
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            programs: Programs::default(),
            quick: false,
            json: None,
            rounds: 0,
            seconds: None,
            pace: None,
            kinds: Kind::ALL.to_vec(),
            subscribers: vec![100, 1000, 10_000],
            bytes: vec![200, 2048],
            stalled: true,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value =
                || rest.next().ok_or_else(|| Failure::from(format!("{name} takes a value")));
            match name.as_str() {
                "--highwater" => options.programs.highwater = value()?.into(),
                "--nginx" => options.programs.nginx = value()?.into(),
                "--nchan" => options.programs.nchan = value()?.into(),
                "--quick" => options.quick = true,
                "--no-stalled" => options.stalled = false,
                "--json" => options.json = Some(value()?.into()),
                "--rounds" => options.rounds = value()?.parse()?,
                "--seconds" => options.seconds = Some(value()?.parse()?),
                "--pace" => options.pace = Some(value()?.parse()?),
                "--subscribers" => options.subscribers = list(value()?)?,
                "--bytes" => options.bytes = list(value()?)?,
                "--servers" => {
                    let names: Vec<_> = value()?.split(',').collect();
                    options.kinds.retain(|kind| names.contains(&kind.name()));
                }
                other => return Err(format!("no option {other}").into()),
            }
        }
        if options.rounds == 0 {
            options.rounds = if options.quick { 1 } else { 3 };
        }
        Ok(options)
    }
}

fn list(text: &str) -> Result<Vec<usize>> {
    Ok(text.split(',').map(str::parse).collect::<core::result::Result<_, _>>()?)
}

const STALLED: usize = 20;
const AMONG: usize = 500;
