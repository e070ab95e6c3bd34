//! Those who are sent the messages.

use crate::Result;
use crate::mark::{Finder, Mark};
use core::net::SocketAddr;
use core::time::Duration;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Instant;

pub(crate) struct Subscriber {
    socket: TcpStream,
    finder: Finder,
    /// The number of the newest message that came.
    pub(crate) last: u64,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Asked,
    Open,
    /// Reads nothing.
    Stalled,
}

impl Subscriber {
    /// Everything that there is to be read, in one go.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        mut found: impl FnMut(Mark, &mut u64),
    ) -> Result {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Err("a subscriber was hung up on".into()),
                Ok(read) => {
                    self.finder.feed(&buffer[..read], |mark| found(mark, &mut self.last));
                    // What comes later is an event of its own.
                    if read < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Connects so many, a few at a time, and waits until all are answered. Of them `stalled` never
/// read again.
pub(crate) fn connect(
    poll: &mut Poll,
    address: SocketAddr,
    request: &str,
    count: usize,
    stalled: usize,
) -> Result<Vec<Subscriber>> {
    let mut subscribers: Vec<Subscriber> = Vec::with_capacity(count);
    let (mut events, mut open, begun) = (Events::with_capacity(1024), 0, Instant::now());
    let mut buffer = vec![0; 64 << 10];
    while open < count {
        while subscribers.len() < count && subscribers.len() - open < AT_ONCE {
            let mut socket = TcpStream::connect(address)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut socket, Token(subscribers.len()), interest)?;
            let state = State::Connecting;
            subscribers.push(Subscriber { socket, finder: Finder::default(), last: 0, state });
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("only {open} of {count} subscribers were answered").into());
        }
        poll.poll(&mut events, Some(Duration::from_secs(1)))?;
        for event in &events {
            let Some(subscriber) = subscribers.get_mut(event.token().0) else { continue };
            if event.is_writable() && subscriber.state == State::Connecting {
                if let Some(error) = subscriber.socket.take_error()? {
                    return Err(error.into());
                }
                if subscriber.socket.write(request.as_bytes())? < request.len() {
                    return Err("a request did not fit into an empty socket".into());
                }
                subscriber.state = State::Asked;
            }
            if event.is_readable() && subscriber.state == State::Asked {
                let read = match subscriber.socket.read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                    read => read?,
                };
                let answer = String::from_utf8_lossy(&buffer[..read.min(200)]);
                if !answer.starts_with("HTTP/1.1 200") {
                    return Err(format!("a subscriber was refused: {answer}").into());
                }
                subscriber.state = State::Open;
                open += 1;
            }
        }
    }
    for subscriber in subscribers.iter_mut().take(stalled) {
        poll.registry().deregister(&mut subscriber.socket)?;
        subscriber.state = State::Stalled;
    }
    // The beginnings of streams, and what else is under way.
    let quiet = Instant::now();
    while quiet.elapsed() < Duration::from_millis(500) {
        poll.poll(&mut events, Some(Duration::from_millis(100)))?;
        for event in &events {
            if let Some(subscriber) = subscribers.get_mut(event.token().0) {
                subscriber.read(&mut buffer, |_, _| {})?;
            }
        }
    }
    Ok(subscribers)
}

const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_mins(2);
