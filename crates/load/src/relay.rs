//! `highwater-load relay`: SDKs come at once to a relay with a large environment, and are told of a change.

use crate::Result;
use crate::herd::{Ask, Herd, mb};
use crate::process::Process;
use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;
use serde::Serialize;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Instant;

const FLAGS: usize = 5000;
const BYTES: usize = 10_000_000;
const KEY: &str = "sdk-bench";

/// What BENCHMARKS.md shows.
#[derive(Serialize)]
struct Row {
    flags: usize,
    put_bytes: usize,
    connections: usize,
    initialized_ms: f64,
    cpu_ms: f64,
    /// Beyond what the relay had after it had served the first.
    peak_kib: f64,
    /// What there may be: one put, and 64 KiB a connection.
    allowed_kib: f64,
    /// From the first that hears of a change to the last.
    update_spread_ms: f64,
    update_bytes: usize,
}

pub(crate) fn command(arguments: &[String]) -> Result {
    let usage = "usage: highwater-load relay HIGHWATER [--connections N] [--json FILE]";
    let [program, options @ ..] = arguments else { return Err(usage.into()) };
    let (mut count, mut json) = (1000, None);
    for pair in options.chunks(2) {
        match pair {
            [name, value] if name == "--connections" => count = value.parse()?,
            [name, value] if name == "--json" => json = Some(PathBuf::from(value)),
            _ => return Err(usage.into()),
        }
    }
    let folder = tempfile::tempdir()?;
    write_flags(folder.path(), 1)?;
    let config = folder.path().join("relay.toml");
    let environment =
        format!("[[environments]]\nid = \"bench\"\nsdk-key = \"{KEY}\"\nfile = \"flags.json\"\n");
    fs::write(&config, environment)?;
    let config = config.to_string_lossy();
    // The budget for snapshots is there to let nobody do what is measured here.
    let relay = ["relay", "--config", &config, "--listen", "127.0.0.1:0"];
    let limits = ["--max-snapshot-bytes", "1000000000000"];
    let mut process = Process::start(0, program, &[&relay[..], &limits].concat())?;
    let address: SocketAddr = process.address()?.parse()?;

    wait_for_flags(address)?;
    let ask = Ask { path: "/all", key: KEY, end: b"\"segments\":{}}}\n\n\r\n" };
    let put_bytes = Herd::gather(address, &ask, 1)?.received;
    process.forget_peak()?;
    let (alone, cpu) = (process.memory()?, process.cpu()?);
    let mut herd = Herd::gather(address, &ask, count)?;
    let cpu = process.cpu()?.saturating_sub(cpu);
    let peak_kib = process.most_memory()? - alone;

    write_flags(folder.path(), 2)?;
    let mut first = None;
    let update_bytes = herd.read_to(b"\"rules\":[]}}\n\n\r\n", || first = Some(Instant::now()))?;
    let spread = first.map_or(Duration::ZERO, |first| first.elapsed());
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let allowed_kib = put_bytes as f64 / 1024.0 + 64.0 * count as f64;
    let row = Row {
        flags: FLAGS,
        put_bytes,
        connections: count,
        initialized_ms: herd.took.as_secs_f64() * 1e3,
        cpu_ms: cpu.as_secs_f64() * 1e3,
        peak_kib,
        allowed_kib,
        update_spread_ms: spread.as_secs_f64() * 1e3,
        update_bytes: update_bytes / count,
    };
    println!(
        "{FLAGS} flags, a put of {:.1} MB to {count} connections: all initialized in {:.1} s, {:.0} MB/s, {:.1} s of CPU",
        mb(put_bytes),
        row.initialized_ms / 1e3,
        mb(herd.received) / herd.took.as_secs_f64(),
        row.cpu_ms / 1e3,
    );
    let verdict = if peak_kib <= allowed_kib { "✓" } else { "✗" };
    println!(
        "at most {:.1} MiB more (≤ {:.1}, one put and 64 KiB a connection {verdict}): {:.1} KiB a connection",
        peak_kib / 1024.0,
        allowed_kib / 1024.0,
        peak_kib / f64::from(u32::try_from(count)?),
    );
    println!(
        "a flag changes: {} bytes to each, {:.1} ms from the first that hears of it to the last",
        row.update_bytes, row.update_spread_ms
    );
    if let Some(file) = json {
        fs::write(file, serde_json::to_string_pretty(&[row])?)?;
    }
    Ok(())
}

/// Until the file is read the answer is 503.
fn wait_for_flags(address: SocketAddr) -> Result {
    let begun = Instant::now();
    loop {
        let mut socket = TcpStream::connect(address)?;
        write!(
            socket,
            "GET /sdk/flags/flag-00000 HTTP/1.1\r\nhost: {address}\r\nauthorization: {KEY}\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200 ") {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_mins(1) {
            return Err(format!("the relay has no flags: {answer}").into());
        }
        sleep(Duration::from_millis(20));
    }
}

/// Flags of about 2 kB; the first one in this version.
fn write_flags(folder: &Path, version: u32) -> Result {
    let text = "x".repeat(BYTES / FLAGS - 300);
    let mut all = String::from("{\"flags\":{");
    for flag in 0..FLAGS {
        let (comma, version) = if flag == 0 { ("", version) } else { (",", 1) };
        let _ = write!(
            all,
            "{comma}\"flag-{flag:05}\":{{\"version\":{version},\"on\":true,\"variations\":[\"{text}\",false],\"fallthrough\":{{\"variation\":0}},\"offVariation\":1,\"salt\":\"s\"}}"
        );
    }
    all.push_str("},\"segments\":{}}");
    let new = folder.join("new");
    fs::write(&new, all)?;
    Ok(fs::rename(new, folder.join("flags.json"))?)
}
