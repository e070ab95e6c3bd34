//! `cargo run --release -p highwater-bench -- sse|core|query [ROUNDS]`, `engines [SECONDS]`

use core::time::Duration;
use std::process::ExitCode;

use highwater_bench::sse::{WORKLOADS, Workload};
use highwater_bench::{apply, engines, query, sse};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let rounds = arguments.get(1).map_or(Some(21), |rounds| rounds.parse().ok());
    match (arguments.first().map(String::as_str), rounds) {
        (Some("sse"), Some(rounds)) if rounds > 0 => {
            print!("{}", sse::compare(rounds, WORKLOADS));
            ExitCode::SUCCESS
        }
        (Some("core"), Some(rounds)) if rounds > 0 => {
            let plain =
                |workload: &&Workload| ["80 B", "1 KiB", "100 KiB"].contains(&workload.name);
            let workloads: Vec<_> = WORKLOADS.iter().filter(plain).copied().collect();
            println!("Decoding:\n\n{}", sse::compare(rounds, &workloads));
            print!("Materializing:\n\n{}", apply::compare(rounds));
            ExitCode::SUCCESS
        }
        (Some("query"), Some(rounds)) if rounds > 0 => {
            print!("{}", query::compare(rounds));
            ExitCode::SUCCESS
        }
        (Some("engines"), Some(_)) => {
            let seconds = arguments.get(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(3);
            match engines::compare(Duration::from_secs(seconds), &std::env::temp_dir()) {
                Ok(table) => {
                    print!("{table}");
                    ExitCode::SUCCESS
                }
                Err(failure) => {
                    eprintln!("highwater-bench: {failure}");
                    ExitCode::FAILURE
                }
            }
        }
        _ => {
            eprintln!("usage: highwater-bench sse|core|query [ROUNDS] | engines [SECONDS]");
            ExitCode::FAILURE
        }
    }
}
