//! What was measured, as rows and as tables.

use core::fmt::Write as _;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) server: &'static str,
    pub(crate) subscribers: usize,
    pub(crate) bytes: usize,
    pub(crate) pace: Pace,
    /// How many of the subscribers read nothing, where that is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stalled: Option<usize>,
    pub(crate) delivered_per_s: f64,
    pub(crate) cpu_us_per_delivery: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) kib_per_idle_subscriber: f64,
    pub(crate) missed: u64,
    pub(crate) duplicated: u64,
    /// Shares of a core, to see which side was the limit.
    #[serde(skip)]
    pub(crate) server_core: f64,
    #[serde(skip)]
    pub(crate) load_core: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Pace {
    Paced(f64),
    Named(&'static str),
}

impl Row {
    fn cell(&self) -> (usize, usize, Option<usize>, Pace) {
        (self.subscribers, self.bytes, self.stalled, self.pace)
    }
}

/// One row for each server and cell: the medians of its rounds; nothing that was lost is forgotten.
pub(crate) fn medians(rows: &[Row]) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    for row in rows {
        if out.iter().any(|known| known.server == row.server && known.cell() == row.cell()) {
            continue;
        }
        let same: Vec<_> =
            rows.iter().filter(|r| r.server == row.server && r.cell() == row.cell()).collect();
        let median = |figure: fn(&Row) -> f64| {
            let mut figures: Vec<_> = same.iter().map(|row| figure(row)).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        out.push(Row {
            delivered_per_s: median(|row| row.delivered_per_s),
            cpu_us_per_delivery: median(|row| row.cpu_us_per_delivery),
            p50_ms: median(|row| row.p50_ms),
            p99_ms: median(|row| row.p99_ms),
            p999_ms: median(|row| row.p999_ms),
            kib_per_idle_subscriber: median(|row| row.kib_per_idle_subscriber),
            missed: same.iter().map(|row| row.missed).sum(),
            duplicated: same.iter().map(|row| row.duplicated).sum(),
            server_core: median(|row| row.server_core),
            load_core: median(|row| row.load_core),
            ..row.clone()
        });
    }
    out
}

/// All rows, and ours beside nchan's.
pub(crate) fn tables(rows: &[Row]) -> String {
    let mut out = String::from(
        "| server | subscribers | bytes | published/s | delivered/s | CPU µs/delivery | p50 ms | p99 ms | p99.9 ms | KiB/idle | missed, twice | cores: server, load |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let pace = match row.pace {
            Pace::Paced(rate) => rate.to_string(),
            Pace::Named(name) => name.to_owned(),
        };
        let stalled = row.stalled.map_or(String::new(), |stalled| format!(", {stalled} stalled"));
        let _ = writeln!(
            out,
            "| {} | {}{stalled} | {} | {pace} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {}, {} | {:.2}, {:.2} |",
            row.server,
            row.subscribers,
            row.bytes,
            row.delivered_per_s,
            row.cpu_us_per_delivery,
            row.p50_ms,
            row.p99_ms,
            row.p999_ms,
            row.kib_per_idle_subscriber,
            row.missed,
            row.duplicated,
            row.server_core,
            row.load_core,
        );
    }
    out.push_str("\nBeside nchan:\n\n");
    let of = |server, row: &Row| {
        rows.iter().find(|other| other.server == server && other.cell() == row.cell())
    };
    for row in rows.iter().filter(|row| row.server == "highwater" && row.stalled.is_none()) {
        let Some(nchan) = of("nchan", row) else { continue };
        let cpu = row.cpu_us_per_delivery / nchan.cpu_us_per_delivery;
        let delivered = row.delivered_per_s / nchan.delivered_per_s;
        let late = row.p99_ms / nchan.p99_ms;
        let at_most = match (row.pace, row.subscribers) {
            (Pace::Named(_), 1000..) => Some(0.5),
            (Pace::Paced(_), 10_000..) => Some(0.95),
            (Pace::Paced(_), 1000..) => Some(0.8),
            _ => None,
        };
        let said = |reached: bool| if reached { '✓' } else { '✗' };
        let bar =
            at_most.map_or(String::new(), |most| format!(" (≤ {most} {})", said(cpu <= most)));
        let more = match row.pace {
            Pace::Named(_) if row.subscribers >= 1000 => {
                format!("delivered × {delivered:.1} (≥ 2 {})", said(delivered >= 2.0))
            }
            Pace::Named(_) => format!("delivered × {delivered:.1}"),
            Pace::Paced(_) => format!("p99 × {late:.2} (≤ 1 {})", said(late <= 1.0)),
        };
        let pace = if matches!(row.pace, Pace::Named(_)) { "max" } else { "paced" };
        let _ = writeln!(
            out,
            "- {} subscribers, {} B, {pace}: CPU × {cpu:.2}{bar}, {more}",
            row.subscribers, row.bytes
        );
    }
    for row in rows.iter().filter(|row| row.stalled.is_some_and(|stalled| stalled > 0)) {
        let calm = rows.iter().find(|other| {
            other.server == row.server
                && other.cell() == Row { stalled: Some(0), ..row.clone() }.cell()
        });
        if let Some(calm) = calm {
            let _ = writeln!(
                out,
                "- {}, {} of {} stalled: p99 of the others × {:.2}",
                row.server,
                row.stalled.unwrap_or_default(),
                row.subscribers,
                row.p99_ms / calm.p99_ms
            );
        }
    }
    out
}
