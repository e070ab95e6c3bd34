//! What clients say.

use super::round_trips::{Command, Verb};
use crate::duration::Period;
use core::fmt;
use serde_json::{Map, Value};

/// Reads a message. None if it is no command of any kind that is known, which is passed over.
///
/// Names of members are matched without regard to case, and what comes after the first value is not
/// looked at, as it always was.
pub(super) fn read(message: &[u8]) -> Result<Option<Command>, BadCommand> {
    let mut values = serde_json::Deserializer::from_slice(message).into_iter::<Value>();
    let members = match values.next() {
        Some(Ok(Value::Object(members))) => members,
        Some(Ok(Value::Null)) => return Ok(None),
        Some(Err(error)) => return Err(BadCommand::Json(error.to_string().into())),
        _ => return Err(BadCommand::NoObject),
    };
    let kind = text(&members, "type")?.unwrap_or_default().to_ascii_lowercase();
    let stream = text(&members, "stream")?.unwrap_or_default();
    let message = text(&members, "message")?.unwrap_or_default();
    let number = number(&members, "batchNumber")?.filter(|number| *number != 0);
    let verb = match &*kind {
        "start" => Verb::Start,
        "stop" => Verb::Stop,
        "ack" => Verb::Ack(number),
        "progress" => Verb::Progress(number),
        "nack" | "error" => {
            let delay = member(&members, "delay").map(Period::deserialize);
            let delay = delay.transpose().map_err(|_| BadCommand::Member("delay"))?;
            let event = self::number(&members, "event")?;
            let event = event.map(usize::try_from).transpose();
            Verb::Nack {
                number,
                message: message.into(),
                delay: delay.map(Period::wait),
                event: event.map_err(|_| BadCommand::Member("event"))?,
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(Command { stream: stream.into(), verb }))
}

/// The last member of a name that is not null.
pub(super) fn member<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    let named = members.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value).rfind(|value| !value.is_null())
}

pub(super) fn text<'m>(
    members: &'m Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'m str>, BadCommand> {
    let text = member(members, name).map(|value| value.as_str().ok_or(BadCommand::Member(name)));
    text.transpose()
}

fn number(members: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, BadCommand> {
    let number = member(members, name).map(|value| value.as_i64().ok_or(BadCommand::Member(name)));
    number.transpose()
}

/// Why a message is none, and its connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadCommand {
    Json(Box<str>),
    NoObject,
    Member(&'static str),
}

impl fmt::Display for BadCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "a message that is not JSON: {error}"),
            Self::NoObject => f.write_str("a message that is no JSON object"),
            Self::Member(name) => write!(f, "a message whose '{name}' is of the wrong type"),
        }
    }
}

use serde::Deserialize as _;

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn verb(text: &str) -> Option<Verb> {
        read(text.as_bytes()).unwrap().map(|command| command.verb)
    }

    #[test]
    fn case_and_what_follows_do_not_matter() {
        assert_eq!(verb(r#"{"TYPE":"Start","Stream":"s"} trailing"#), Some(Verb::Start));
        assert_eq!(verb(r#"{"type":"ack","BATCHNUMBER":7,"x":[]}"#), Some(Verb::Ack(Some(7))));
        assert_eq!(verb(r#"{"type":"ack","batchNumber":0}"#), Some(Verb::Ack(None)));
        assert_eq!(verb(r#"{"type":"ack","batchNumber":null}"#), Some(Verb::Ack(None)));
    }

    #[test]
    fn a_refusal_says_why_which_and_for_how_long() {
        let nack = r#"{"type":"nack","batchNumber":2,"message":"no","delay":"1s","event":3}"#;
        let (number, message) = (Some(2), "no".into());
        let delay = Some(Duration::from_secs(1));
        assert_eq!(verb(nack), Some(Verb::Nack { number, message, delay, event: Some(3) }));
    }

    #[test]
    fn what_is_unknown_is_passed_over() {
        for text in ["null", "{}", r#"{"type":"subscribe"}"#, r#"{"stream":"s"}"#] {
            assert_eq!(verb(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_command_at_all_is_an_error() {
        for text in [
            "",
            " ",
            "x",
            "[]",
            "1",
            r#""start""#,
            "{",
            r#"{"type":1}"#,
            r#"{"type":"ack","batchNumber":"1"}"#,
            r#"{"type":"ack","batchNumber":1.5}"#,
            r#"{"type":"nack","event":-1}"#,
            r#"{"type":"nack","delay":"soon"}"#,
            "\u{1}",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read(&[0xff, 0xfe]).is_err());
    }
}
