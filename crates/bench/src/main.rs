//! `cargo run --release -p highwater-bench -- sse [ROUNDS]`

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let rounds = arguments.get(1).map_or(Some(21), |rounds| rounds.parse().ok());
    match (arguments.first().map(String::as_str), rounds) {
        (Some("sse"), Some(rounds)) if rounds > 0 => {
            print!("{}", highwater_bench::sse::compare(rounds));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: highwater-bench sse [ROUNDS]");
            ExitCode::FAILURE
        }
    }
}
