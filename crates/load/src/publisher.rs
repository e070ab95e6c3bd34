//! The one who publishes: requests in order on one connection, a few of them ahead of their answers.

use crate::Result;
use core::net::SocketAddr;
use core::time::Duration;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Instant;

pub(crate) struct Publisher {
    socket: TcpStream,
    out: Vec<u8>,
    answers: Vec<u8>,
    /// Requests that were not answered yet.
    pub(crate) unanswered: usize,
}

impl Publisher {
    /// Connects, and publishes one message that nobody is to count.
    pub(crate) fn connect(address: SocketAddr, first: &str) -> Result<Self> {
        let mut socket = std::net::TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        socket.write_all(first.as_bytes())?;
        let (mut answers, begun) = (Vec::new(), Instant::now());
        while complete(&answers)?.is_none() {
            let mut bytes = [0; 4096];
            match socket.read(&mut bytes)? {
                0 => return Err("the server hung up on its publisher".into()),
                read => answers.extend_from_slice(&bytes[..read]),
            }
            if begun.elapsed() > Duration::from_secs(10) {
                return Err("no answer to a message".into());
            }
        }
        socket.set_nonblocking(true)?;
        let socket = TcpStream::from_std(socket);
        Ok(Self { socket, out: Vec::new(), answers: Vec::new(), unanswered: 0 })
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> Result {
        Ok(registry.register(&mut self.socket, token, Interest::READABLE | Interest::WRITABLE)?)
    }

    /// Whether another request may go out.
    pub(crate) fn is_free(&self) -> bool {
        self.unanswered < AHEAD && self.out.is_empty()
    }

    pub(crate) fn send(&mut self, request: &str) -> Result {
        self.out.extend_from_slice(request.as_bytes());
        self.unanswered += 1;
        self.write()
    }

    pub(crate) fn write(&mut self) -> Result {
        while !self.out.is_empty() {
            match self.socket.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub(crate) fn read(&mut self) -> Result {
        let mut bytes = [0; 16 << 10];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => return Err("the server hung up on its publisher".into()),
                Ok(read) => self.answers.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        while let Some(end) = complete(&self.answers)? {
            self.answers.drain(..end);
            self.unanswered -= 1;
        }
        Ok(())
    }
}

/// Where the first answer ends, if it is there; a refusal is a failure of the benchmark.
fn complete(answers: &[u8]) -> Result<Option<usize>> {
    let Some(end) = answers.windows(4).position(|at| at == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&answers[..end]).to_ascii_lowercase();
    if !head.starts_with("http/1.1 2") {
        return Err(format!("a message was refused: {head}").into());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.unwrap_or("0").trim().parse()?;
    let end = end + 4 + length;
    Ok((answers.len() >= end).then_some(end))
}

/// Enough that no server waits for us.
const AHEAD: usize = 4;
