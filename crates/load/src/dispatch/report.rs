//! Rows, and the table of them.

use super::tally::Measured;
use super::{Acks, Subject, Way};
use core::fmt::Write as _;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    subject: String,
    #[serde(skip)]
    is: Subject,
    /// Of a backlog.
    events_per_s: f64,
    cpu_us_per_event: f64,
    server_core: f64,
    load_core: f64,
    /// Of events at a pace, from when each was due until the worker had it.
    p50_ms: f64,
    p99_ms: f64,
    missed: u64,
    twice: u64,
}

impl Row {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    pub(super) fn new(is: Subject, backlog: &Measured, paced: &Measured) -> Self {
        let Measured { events, seconds, cpu, own, .. } = backlog;
        Self {
            subject: is.name(),
            is,
            events_per_s: *events as f64 / seconds,
            cpu_us_per_event: cpu.as_secs_f64() * 1e6 / *events as f64,
            server_core: cpu.as_secs_f64() / seconds,
            load_core: own.as_secs_f64() / seconds,
            p50_ms: paced.times.within(0.5),
            p99_ms: paced.times.within(0.99),
            missed: backlog.missed + paced.missed,
            twice: backlog.twice + paced.twice,
        }
    }
}

/// One row for each subject: the medians of its rounds; nothing that was lost is forgotten.
pub(super) fn medians(rows: &[Row]) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    for row in rows {
        if out.iter().any(|known| known.subject == row.subject) {
            continue;
        }
        let same: Vec<_> = rows.iter().filter(|other| other.subject == row.subject).collect();
        let median = |figure: fn(&Row) -> f64| {
            let mut figures: Vec<_> = same.iter().map(|row| figure(row)).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        out.push(Row {
            events_per_s: median(|row| row.events_per_s),
            cpu_us_per_event: median(|row| row.cpu_us_per_event),
            server_core: median(|row| row.server_core),
            load_core: median(|row| row.load_core),
            p50_ms: median(|row| row.p50_ms),
            p99_ms: median(|row| row.p99_ms),
            missed: same.iter().map(|row| row.missed).sum(),
            twice: same.iter().map(|row| row.twice).sum(),
            ..row.clone()
        });
    }
    out
}

/// All rows, and ours beside JetStream's.
pub(super) fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| | acknowledged/s | CPU µs/event | cores: server, load | p50 ms | p99 ms | missed, twice |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let Row { subject, missed, twice, .. } = row;
        let _ = writeln!(
            out,
            "| {subject} | {:.0} | {:.2} | {:.2}, {:.2} | {:.2} | {:.2} | {missed}, {twice} |",
            row.events_per_s,
            row.cpu_us_per_event,
            row.server_core,
            row.load_core,
            row.p50_ms,
            row.p99_ms,
        );
    }
    out.push('\n');
    let of =
        |acks| rows.iter().find(|row| matches!(row.is, Subject::JetStream(other) if other == acks));
    for row in rows {
        let Subject::Ours(way, batch) = row.is else { continue };
        let beside = [Acks::Each, Acks::Every(batch)].map(|acks| {
            let peer = of(acks)?;
            let ratio = row.events_per_s / peer.events_per_s;
            // What was set as the least: acknowledged events a second, in batches of 50, by WebSocket.
            let bar = match (way, batch, acks) {
                (Way::WebSocket, 50, Acks::Each) if ratio >= 1.0 => " (≥ 1 ✓)",
                (Way::WebSocket, 50, Acks::Each) => " (≥ 1 ✗)",
                _ => "",
            };
            Some(format!("× {ratio:.2}{bar} of {}", peer.subject))
        });
        let beside: Vec<_> = beside.into_iter().flatten().collect();
        let _ = writeln!(out, "- {}: {}", row.subject, beside.join(", "));
    }
    out
}
