//! Runs one seed of a world and tells what happened in it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use highwater_simulation::WORLDS;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let world = arguments.first().and_then(|name| WORLDS.iter().find(|(world, _)| world == name));
    let seed = arguments.get(1).and_then(|seed| seed.parse().ok());
    let (Some((_, world)), Some(seed)) = (world, seed) else {
        let names: Vec<_> = WORLDS.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: highwater-simulation {} SEED", names.join("|"));
        return ExitCode::from(2);
    };
    let (result, log) = match world(seed, true) {
        Ok(log) => (Ok(()), log),
        Err((error, log)) => (Err(error), log),
    };
    for line in log {
        println!("{line}");
    }
    match result {
        Ok(()) => {
            println!("all promises kept");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("BROKEN: {error}");
            ExitCode::FAILURE
        }
    }
}
