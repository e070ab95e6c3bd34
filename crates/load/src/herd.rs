//! `highwater-load herd`: many subscribers come at once, to a large snapshot.

use crate::process::Process;
use crate::publisher::Publisher;
use crate::{Failure, Result};
use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Instant;

const ITEMS: usize = 100_000;
const BYTES: usize = 10 << 20;

pub(crate) fn command(arguments: &[String]) -> Result {
    let [program, options @ ..] = arguments else {
        return Err("usage: highwater-load herd HIGHWATER [SUBSCRIBERS]".into());
    };
    let count: usize = options.first().map_or(Ok(2000), |count| count.parse())?;
    // The budget for snapshots is there to let nobody do what is measured here.
    let serve = ["serve", "--listen", "127.0.0.1:0", "--max-snapshot-bytes", "1000000000000"];
    let mut process = Process::start(0, program, &serve)?;
    let address: SocketAddr = process.address()?.parse()?;
    let begun = Instant::now();
    Publisher::connect(address, &replace_all())?;
    let filled = begun.elapsed();

    let before = process.memory()?;
    // The first one has the snapshot built; then everyone comes at once.
    let (first, size) = herd(address, 1)?;
    let built = process.memory()? - before;
    let (cpu, alone) = (process.cpu()?, process.memory()?);
    let (all, received) = herd(address, count)?;
    let cpu = process.cpu()?.saturating_sub(cpu);
    let most = process.most_memory()?;
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    let (megabytes, per_subscriber) = (received as f64 / 1e6, (most - alone) / count as f64);
    let seconds = all.as_secs_f64();
    println!(
        "{ITEMS} items, replaced in one request of {:.1} MB: {filled:.0?}",
        mb(replace_all().len())
    );
    println!(
        "a snapshot of {:.1} MB, built and sent to the first: {first:.0?}, {:.1} MiB more",
        mb(size),
        built / 1024.0
    );
    println!(
        "the same to {count} at once: {seconds:.1} s, {:.0} MB/s, {:.1} s of CPU; at most {:.1} MiB more, {per_subscriber:.1} KiB a subscriber",
        megabytes / seconds,
        cpu.as_secs_f64(),
        (most - alone) / 1024.0
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

fn replace_all() -> String {
    // The rest of an item is what it takes on the wire to say which one it is.
    let text = "x".repeat(BYTES / ITEMS - 90);
    let mut items = String::from("{\"items\":[");
    for item in 0..ITEMS {
        let comma = if item == 0 { "" } else { "," };
        let _ = write!(
            items,
            "{comma}{{\"kind\":\"item\",\"key\":\"{item:06}\",\"object\":{{\"t\":\"{text}\"}}}}"
        );
    }
    items.push_str("]}");
    let length = items.len();
    format!(
        "PUT /v1/topics/bench HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{items}"
    )
}

/// The last of a snapshot at index 1.
const END: &[u8] = b"\"version\":1}\n\n";

/// Everyone reads to the end of the snapshot; the time that takes, and the bytes.
fn herd(address: SocketAddr, count: usize) -> Result<(Duration, usize)> {
    let request = "GET /v1/topics/bench/stream HTTP/1.1\r\nhost: bench\r\n\r\n";
    let mut poll = Poll::new()?;
    let begun = Instant::now();
    let mut sockets = Vec::with_capacity(count);
    for id in 0..count {
        // Blocking, so that a full backlog is waited for and not a failure.
        let mut socket = std::net::TcpStream::connect(address)?;
        socket.write_all(request.as_bytes())?;
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        poll.registry().register(&mut socket, Token(id), Interest::READABLE)?;
        sockets.push(socket);
    }
    let (mut whole, mut received, mut last) = (0, 0, Instant::now());
    let mut ends = vec![Vec::new(); count];
    let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 1 << 20]);
    while whole < count {
        poll.poll(&mut events, Some(Duration::from_secs(1)))?;
        for event in &events {
            loop {
                match sockets[event.token().0].read(&mut buffer) {
                    Ok(0) => return Err("a subscriber was hung up on".into()),
                    Ok(read) => {
                        (received, last) = (received + read, Instant::now());
                        let end: &mut Vec<u8> = &mut ends[event.token().0];
                        end.extend_from_slice(&buffer[read.saturating_sub(END.len())..read]);
                        end.drain(..end.len().saturating_sub(END.len()));
                        whole += usize::from(end == END);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if last.elapsed() > Duration::from_secs(30) {
            return Err(Failure::from(format!("only {whole} of {count} have it all")));
        }
    }
    Ok((begun.elapsed(), received))
}
