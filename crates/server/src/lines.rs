//! A body, line by line, as it comes.

use crate::error::ApiError;
use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use bytes::{Buf as _, BytesMut};
use futures_util::StreamExt as _;

/// Keeps no more than the line that is being read, and what came with it.
pub(crate) struct Lines {
    body: BodyDataStream,
    longest: usize,
    number: u64,
    buffer: BytesMut,
    /// How much of the buffer has no end of a line.
    searched: usize,
    ended: bool,
}

impl Lines {
    pub(crate) fn new(body: Body, longest: usize) -> Self {
        let body = body.into_data_stream();
        Self { body, longest, number: 0, buffer: BytesMut::new(), searched: 0, ended: false }
    }

    /// The number of the line that was read last, or could not be read; the first one is 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not blank, without its end; the last one need not have one.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, ApiError> {
        while let Some(line) = self.raw().await? {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return match String::from_utf8(line.into()) {
                Ok(text) => Ok(Some(text)),
                Err(error) => {
                    let place = format!("line 1 column {}", error.utf8_error().valid_up_to() + 1);
                    Err(ApiError::bad_request("bad-utf8", "the line is not UTF-8").at(place))
                }
            };
        }
        Ok(None)
    }

    async fn raw(&mut self) -> Result<Option<BytesMut>, ApiError> {
        loop {
            let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
            let end = found.map(|at| self.searched + at);
            if end.unwrap_or(self.buffer.len()) > self.longest {
                self.number += 1;
                let message = format!("the line has more than {} bytes", self.longest);
                return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message));
            }
            if let Some(end) = end {
                let line = self.buffer.split_to(end);
                self.buffer.advance(1);
                (self.searched, self.number) = (0, self.number + 1);
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.ended {
                let rest = core::mem::take(&mut self.buffer);
                self.searched = 0;
                self.number += u64::from(!rest.is_empty());
                return Ok((!rest.is_empty()).then_some(rest));
            }
            match self.body.next().await {
                Some(Ok(more)) => self.buffer.extend_from_slice(&more),
                Some(Err(error)) => {
                    self.number += 1;
                    return Err(ApiError::bad_request("bad-body", error.to_string()));
                }
                None => self.ended = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;

    /// The lines of a text that comes in pieces of this size, with their numbers.
    async fn lines(text: &[u8], size: usize) -> Vec<(u64, Result<String, ()>)> {
        let pieces: Vec<_> =
            text.chunks(size).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
        let mut lines = Lines::new(Body::from_stream(futures_util::stream::iter(pieces)), 6);
        let mut out = Vec::new();
        loop {
            match lines.next().await {
                Ok(None) => return out,
                Ok(Some(line)) => out.push((lines.number(), Ok(line))),
                Err(_) => {
                    out.push((lines.number(), Err(())));
                    return out;
                }
            }
        }
    }

    #[tokio::test]
    async fn lines_are_the_same_however_they_come() {
        for (text, expect) in [
            (&b""[..], vec![]),
            (b"\n\n", vec![]),
            (b"a\nb", vec![(1, Ok("a")), (2, Ok("b"))]),
            (b"\n \r\nabcdef\r\n", vec![(3, Err(()))]),
            (b"a\n\xffb\nc", vec![(1, Ok("a")), (2, Err(()))]),
            (b"abcdef\n\xc3\xa4", vec![(1, Ok("abcdef")), (2, Ok("\u{e4}"))]),
            (b"a\nabcdefg", vec![(1, Ok("a")), (2, Err(()))]),
        ] {
            let expect: Vec<_> =
                expect.into_iter().map(|(n, line)| (n, line.map(str::to_owned))).collect();
            for size in 1..10 {
                assert_eq!(lines(text, size).await, expect, "{text:?} by {size}");
            }
        }
    }
}
