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
    let ask = Ask { path: "/v1/topics/bench/stream", key: "bench", end: END };
    let Herd { took: first, received: size, .. } = Herd::gather(address, &ask, 1)?;
    let built = process.memory()? - before;
    let (cpu, alone) = (process.cpu()?, process.memory()?);
    let Herd { took: all, received, .. } = Herd::gather(address, &ask, count)?;
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
pub(crate) fn mb(bytes: usize) -> f64 {
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

/// The last of a snapshot at index 1, and of the chunk that it ends.
const END: &[u8] = b"\"version\":1}\n\n\r\n";

/// What everyone asks for.
pub(crate) struct Ask<'a> {
    pub(crate) path: &'a str,
    /// Shown in the header.
    pub(crate) key: &'a str,
    /// Who has read this has it all.
    pub(crate) end: &'a [u8],
}

/// Subscribers that came at once, and stay.
pub(crate) struct Herd {
    poll: Poll,
    sockets: Vec<TcpStream>,
    /// Until the last one had it all.
    pub(crate) took: Duration,
    /// How many bytes that was.
    pub(crate) received: usize,
}

impl Herd {
    /// Everyone comes, and reads to the end.
    pub(crate) fn gather(address: SocketAddr, ask: &Ask<'_>, count: usize) -> Result<Self> {
        let Ask { path, key, end } = ask;
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: {key}\r\n\r\n");
        let poll = Poll::new()?;
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
        let mut herd = Self { poll, sockets, took: Duration::ZERO, received: 0 };
        herd.received = herd.read_to(end, || {})?;
        herd.took = begun.elapsed();
        Ok(herd)
    }

    /// Everyone reads until this was the last that came; `first` is called when something comes.
    /// Returns how many bytes it was.
    pub(crate) fn read_to(&mut self, end: &[u8], first: impl FnOnce()) -> Result<usize> {
        let count = self.sockets.len();
        let (mut whole, mut received, mut last) = (0, 0, Instant::now());
        let mut first = Some(first);
        let mut ends = vec![Vec::new(); count];
        let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 1 << 20]);
        while whole < count {
            self.poll.poll(&mut events, Some(Duration::from_secs(1)))?;
            for event in &events {
                loop {
                    match self.sockets[event.token().0].read(&mut buffer) {
                        Ok(0) => return Err("a subscriber was hung up on".into()),
                        Ok(read) => {
                            if let Some(first) = first.take() {
                                first();
                            }
                            (received, last) = (received + read, Instant::now());
                            let tail: &mut Vec<u8> = &mut ends[event.token().0];
                            tail.extend_from_slice(&buffer[read.saturating_sub(end.len())..read]);
                            tail.drain(..tail.len().saturating_sub(end.len()));
                            whole += usize::from(tail == end);
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
        Ok(received)
    }
}
