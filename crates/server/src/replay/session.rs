//! Sessions that the devtools recorded: several connections in one file, and what the state was where
//! it begins. Marks stand among the events of the stream, in events that no protocol knows.

use crate::serve::Failure;
use core::time::Duration;
use highwater_core::{Event, Standing};
use serde::Deserialize;
use serde_json::Value;
use std::io::{BufRead, Read as _};

/// What the first event of a session says.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    version: u64,
    pub(super) protocol: Value,
}

impl Head {
    /// Reads the beginning of a file, as far as it has to be read to know what it is: `None` for what
    /// is no session. The bytes are still to be read by whoever reads the file.
    pub(super) fn read(input: &mut dyn BufRead) -> std::io::Result<(Vec<u8>, Option<Self>)> {
        let mut bytes = Vec::new();
        input.take(LONGEST).read_until(b'\n', &mut bytes)?;
        if bytes.trim_ascii_end() != BEGINNING {
            return Ok((bytes, None));
        }
        let first = bytes.len();
        input.take(LONGEST).read_until(b'\n', &mut bytes)?;
        let data = bytes.get(first..).and_then(|line| line.strip_prefix(b"data: "));
        let head = data.and_then(|data| serde_json::from_slice::<Self>(data).ok());
        match head {
            Some(head) if head.version == VERSION => Ok((bytes, Some(head))),
            Some(head) => {
                let version = head.version;
                Err(std::io::Error::other(format!(
                    "it is a session of version {version}, not {VERSION}"
                )))
            }
            None => {
                Err(std::io::Error::other("its first event is that of a session, but says nothing"))
            }
        }
    }
}

/// What stands between the events of the wire.
#[derive(Debug)]
pub(super) enum Mark {
    /// A connection begins; at that time, this was there.
    Connection(Option<Base>),
    /// It says how the store stood: nothing to do.
    Note,
}

/// The state that a connection began with, or had come to.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) checkpoint: Vec<u8>,
    /// Of a connection whose beginning is not in the file.
    pub(super) standing: Option<Standing>,
}

impl Mark {
    /// Reads a mark; `None` for an event of the wire.
    pub(super) fn read(event: &Event<'_>) -> Option<Result<Self, Failure>> {
        match event.kind {
            "highwater-connection" => Some(connection(event.data).map(Self::Connection)),
            "highwater-session" | "highwater-status" => Some(Ok(Self::Note)),
            _ => None,
        }
    }
}

fn connection(data: &[u8]) -> Result<Option<Base>, Failure> {
    let failed = |what: &dyn core::fmt::Display| {
        Failure::from(format!("the data of 'highwater-connection' cannot be read: {what}"))
    };
    let written: Written = serde_json::from_slice(data).map_err(|error| failed(&error))?;
    let Some(state) = written.state else {
        return Ok(None);
    };
    let checkpoint = decode(&state).ok_or_else(|| failed(&"the state is not base64"))?;
    // Twice the silence that is a fault, in milliseconds, plus one for a promise.
    let standing = written.standing.map(|standing| {
        let silence = Duration::from_millis(standing / 2);
        Standing { promised: standing % 2 == 1, silence: (!silence.is_zero()).then_some(silence) }
    });
    Ok(Some(Base { checkpoint, standing }))
}

#[derive(Deserialize)]
struct Written {
    state: Option<String>,
    standing: Option<u64>,
}

/// Base64 with padding, as `btoa` writes it.
fn decode(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for (at, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|&&byte| byte == b'=').count();
        let is_last = at + 1 == groups.len();
        let digits = group.get(..4 - padding)?;
        let mut value = 0_u32;
        for &digit in digits {
            value = value << 6 | digit_of(digit)?;
        }
        let value = value << (6 * padding as u32);
        let kept =
            if padding == 0 || (is_last && padding <= 2) { 3 - padding } else { return None };
        bytes.extend_from_slice(value.to_be_bytes().get(1..=kept)?);
    }
    rest.is_empty().then_some(bytes)
}

fn digit_of(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

const BEGINNING: &[u8] = b"event: highwater-session";
const VERSION: u64 = 1;
/// No head is longer.
const LONGEST: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn base64_is_read_and_nothing_else() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg==", b"foob"),
            ("+/+/", b"\xfb\xff\xbf"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(bytes), "{text}");
        }
        for bad in ["Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9v\n", "Zm-_"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
