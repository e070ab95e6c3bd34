//! The dialect of FireFly's core, which its SDK speaks: subscriptions by name, an event a message,
//! acknowledged by its id.

use super::command::{BadCommand, member, text};
use super::round_trips::{Command, Verb};
use core::fmt;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};

/// A connection that speaks it: puts what the client says into our words, and ours into its. No I/O.
///
/// A subscription is the stream of its name, or of `namespace.name` in a namespace that is not the
/// default one. A batch has been taken when all of its events are acknowledged.
#[derive(Debug, Default)]
pub(super) struct CoreDialect {
    /// Whether a message carries a batch, and not an event.
    batches: bool,
    subscriptions: Vec<Subscription>,
    /// How many batches there were.
    batch: u64,
}

#[derive(Debug)]
struct Subscription {
    namespace: String,
    name: String,
    stream: Box<str>,
    /// Whether what was sent counts as acknowledged.
    autoack: bool,
    flight: Option<Flight>,
}

/// A batch that the client has.
#[derive(Debug)]
struct Flight {
    /// Nobody waits for the acknowledgement of a broadcast.
    number: Option<i64>,
    /// Which of the connection's batches it is.
    batch: u64,
    /// The ids that are not acknowledged yet, with the places of their events in the batch.
    waiting: VecDeque<(String, usize)>,
}

/// A message as it is in our own words.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'t> {
    batch_number: Option<i64>,
    #[serde(borrow)]
    events: Vec<&'t RawValue>,
}

impl CoreDialect {
    /// Whether this is how a client of that dialect begins.
    pub(super) fn begins_with(message: &[u8]) -> bool {
        let Ok(Value::Object(members)) = serde_json::from_slice(message) else { return false };
        let is = |name| matches!(text(&members, name), Ok(Some(text)) if !text.is_empty());
        is("name") && !is("stream") && matches!(kind(&members).as_deref(), Ok("start"))
    }

    /// What the query of a URL asks for: the command that it stands for, if it does for one. None if
    /// it says nothing of this dialect.
    pub(super) fn of_query(query: &str) -> Option<(Self, Result<Option<Command>, ProtocolError>)> {
        let (mut dialect, mut start) = (Self::default(), Map::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "batch" => dialect.batches = value == "true",
                "autoack" | "ephemeral" => {
                    start.insert(name.into_owned(), json!(value == "true"));
                }
                "namespace" | "name" => {
                    start.insert(name.into_owned(), json!(value));
                }
                _ => {}
            }
        }
        let starts = start.contains_key("name") || start.contains_key("ephemeral");
        if !starts && !dialect.batches {
            return None;
        }
        let started = if starts { dialect.start(&start) } else { Ok(None) };
        Some((dialect, started))
    }

    /// What a message comes to.
    pub(super) fn heard(&mut self, message: &[u8]) -> Result<Option<Command>, ProtocolError> {
        let members = match serde_json::from_slice(message) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(BadCommand::NoObject.into()),
            Err(error) => return Err(BadCommand::Json(error.to_string().into()).into()),
        };
        match &*kind(&members)? {
            "start" => self.start(&members),
            "ack" => self.ack(&members),
            other => Err(ProtocolError(format!("there is no command of type '{other}'"))),
        }
    }

    /// The messages that tell what a stream has, and what is to be said to it when they are sent.
    pub(super) fn told(&mut self, stream: &str, text: &str) -> (Vec<String>, Option<Command>) {
        let subscription = self.subscriptions.iter_mut().find(|s| *s.stream == *stream);
        let (Some(subscription), Ok(told)) = (subscription, serde_json::from_str::<Told<'_>>(text))
        else {
            return (Vec::new(), None); // it is of a stream that was never started
        };
        self.batch += 1;
        let number = told.batch_number;
        let events = told.events.iter().enumerate();
        let events: Vec<_> =
            events.map(|(at, event)| subscription.event(event, self.batch, at)).collect();
        let (ids, texts): (Vec<_>, Vec<_>) = events.into_iter().unzip();
        let (ids, texts) = if self.batches {
            let id = format!("{stream}/{}", self.batch);
            let text = format!(
                "{{\"type\":\"event_batch\",\"id\":{},\"subscription\":{},\"events\":[{}]}}",
                json!(id),
                subscription.shown(),
                texts.join(",")
            );
            (vec![id], vec![text])
        } else {
            (ids, texts)
        };
        let ack = number.filter(|_| subscription.autoack).map(|number| subscription.taken(number));
        let waiting = ids.into_iter().zip(0..).filter(|_| !subscription.autoack).collect();
        subscription.flight = Some(Flight { number, batch: self.batch, waiting });
        (texts, ack)
    }

    /// What is to be said when the connection is gone: events that were acknowledged need not come
    /// again, though others of their batch do.
    pub(super) fn closing(self) -> impl Iterator<Item = Command> {
        self.subscriptions.into_iter().filter_map(|subscription| {
            let Flight { number, waiting, .. } = subscription.flight?;
            let (_, first) = waiting.front().filter(|(_, first)| *first > 0)?;
            let verb = Verb::Nack {
                number: Some(number?),
                message: "the connection was closed".into(),
                delay: None,
                event: Some(*first),
            };
            Some(Command { stream: subscription.stream, verb })
        })
    }

    fn start(&mut self, members: &Map<String, Value>) -> Result<Option<Command>, ProtocolError> {
        if flag(members, "ephemeral")? {
            let text = "there are no ephemeral subscriptions here: start one by its name";
            return Err(ProtocolError(text.into()));
        }
        let namespace = text(members, "namespace")?.filter(|text| !text.is_empty());
        let namespace = namespace.unwrap_or("default");
        let name = text(members, "name")?.filter(|text| !text.is_empty());
        let name = name.ok_or_else(|| ProtocolError("a start without a name".into()))?;
        let autoack = flag(members, "autoack")?;
        let stream: Box<str> = match namespace {
            "default" => name.into(),
            _ => format!("{namespace}.{name}").into(),
        };
        if let Some(known) = self.subscriptions.iter().find(|known| known.stream == stream) {
            if known.autoack != autoack {
                return Err(ProtocolError(format!("autoack of '{name}' cannot be changed")));
            }
            return Ok(None);
        }
        self.subscriptions.push(Subscription {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            stream: stream.clone(),
            autoack,
            flight: None,
        });
        Ok(Some(Command { stream, verb: Verb::Start }))
    }

    fn ack(&mut self, members: &Map<String, Value>) -> Result<Option<Command>, ProtocolError> {
        let id = text(members, "id")?.filter(|id| !id.is_empty());
        let named = match member(members, "subscription") {
            None => Map::new(),
            Some(Value::Object(named)) => named.clone(),
            Some(_) => return Err(BadCommand::Member("subscription").into()),
        };
        let (namespace, name) = (text(&named, "namespace")?, text(&named, "name")?);
        let mut meant: Vec<_> = self.subscriptions.iter_mut().collect();
        meant.retain(|s| namespace.is_none_or(|text| text == s.namespace));
        meant.retain(|s| name.is_none_or(|text| text == s.name));
        meant.sort_by_key(|s| s.flight.as_ref().map(|flight| flight.batch)); // the oldest first
        let is_automatic = meant.iter().any(|s| s.autoack);
        for subscription in &mut meant {
            let Some(flight) = &mut subscription.flight else { continue };
            let place = match id {
                None => (!flight.waiting.is_empty()).then_some(0),
                Some(id) => flight.waiting.iter().position(|(waiting, _)| waiting == id),
            };
            if place.and_then(|place| flight.waiting.remove(place)).is_none() {
                continue;
            }
            let number = flight.number.filter(|_| flight.waiting.is_empty());
            return Ok(number.map(|number| subscription.taken(number)));
        }
        let is_broadcast =
            |s: &&mut Subscription| s.flight.as_ref().is_some_and(|f| f.number.is_none());
        if is_automatic {
            return Err(ProtocolError("an ack where they are automatic".into()));
        }
        if meant.iter().any(is_broadcast) {
            return Ok(None); // of a batch before: nobody waits for it
        }
        Err(ProtocolError(match id {
            Some(id) => format!("there is no event '{id}' to acknowledge"),
            None => "there is no event to acknowledge".into(),
        }))
    }
}

impl Subscription {
    /// An event as it is sent, and its id.
    fn event(&self, event: &RawValue, batch: u64, at: usize) -> (String, String) {
        let members = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(event.get());
        let mut members = members.unwrap_or_default(); // ours are objects
        let place = members.get("sequenceId").and_then(|id| serde_json::from_str(id.get()).ok());
        let id: String = place.unwrap_or_else(|| format!("{batch}/{at}"));
        for (name, value) in [
            ("id", json!(id)),
            ("namespace", json!(self.namespace)),
            ("subscription", self.shown()),
        ] {
            members.extend(to_raw_value(&value).ok().map(|value| (name.to_owned(), value)));
        }
        (id, serde_json::to_string(&members).unwrap_or_default())
    }

    fn shown(&self) -> Value {
        json!({ "namespace": self.namespace, "name": self.name })
    }

    fn taken(&self, number: i64) -> Command {
        Command { stream: self.stream.clone(), verb: Verb::Ack(Some(number)) }
    }
}

fn kind(members: &Map<String, Value>) -> Result<String, BadCommand> {
    Ok(text(members, "type")?.unwrap_or_default().to_ascii_lowercase())
}

fn flag(members: &Map<String, Value>, name: &'static str) -> Result<bool, BadCommand> {
    let flag = member(members, name).map(|value| value.as_bool().ok_or(BadCommand::Member(name)));
    Ok(flag.transpose()?.unwrap_or_default())
}

/// What a client has done wrong: it is told, and its connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProtocolError(String);

impl ProtocolError {
    /// The message that tells it.
    pub(super) fn message(&self) -> String {
        json!({ "type": "protocol_error", "error": self.0 }).to_string()
    }
}

impl From<BadCommand> for ProtocolError {
    fn from(error: BadCommand) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Batch, Event};

    fn batch(stream: &str, number: Option<u64>, ids: core::ops::Range<u32>) -> String {
        let event = |n| Event::new("t", &format!("{n}"), &format!("{{\"n\":{n},\"id\":7}}"));
        Batch::new(ids.map(|n| event(n).unwrap()).collect::<Vec<_>>()).message(stream, number)
    }

    fn say(dialect: &mut CoreDialect, command: &Value) -> Result<Option<Command>, ProtocolError> {
        dialect.heard(command.to_string().as_bytes())
    }

    fn start(autoack: bool) -> CoreDialect {
        let mut dialect = CoreDialect::default();
        let command =
            json!({ "type": "start", "autoack": autoack, "namespace": "default", "name": "s" });
        assert!(CoreDialect::begins_with(command.to_string().as_bytes()));
        let started = say(&mut dialect, &command).unwrap().unwrap();
        assert_eq!(started, Command { stream: "s".into(), verb: Verb::Start });
        dialect
    }

    fn acked(number: i64) -> Command {
        Command { stream: "s".into(), verb: Verb::Ack(Some(number)) }
    }

    #[test]
    fn a_batch_is_taken_when_each_of_its_events_is() {
        let mut dialect = start(false);
        let (texts, ack) = dialect.told("s", &batch("s", Some(4), 1..4));
        assert_eq!(ack, None);
        assert_eq!(
            texts[0],
            r#"{"id":"1","n":1,"namespace":"default","sequenceId":"1","subscription":{"name":"s","namespace":"default"},"topic":"t"}"#
        );
        assert_eq!(texts.len(), 3);
        let subscription = json!({ "name": "s", "namespace": "default" });
        let ack = json!({ "type": "ack", "id": "2", "subscription": subscription });
        assert_eq!(say(&mut dialect, &ack), Ok(None));
        assert!(say(&mut dialect, &ack).is_err()); // twice
        let oldest = json!({ "type": "ack" });
        assert_eq!(say(&mut dialect, &oldest), Ok(None));
        assert_eq!(say(&mut dialect, &json!({ "type": "ack", "id": "3" })), Ok(Some(acked(4))));
        assert!(say(&mut dialect, &oldest).is_err());
    }

    #[test]
    fn what_was_acknowledged_before_the_end_need_not_come_again() {
        let mut dialect = start(false);
        dialect.told("s", &batch("s", Some(1), 1..4));
        say(&mut dialect, &json!({ "type": "ack", "id": "1" })).unwrap();
        say(&mut dialect, &json!({ "type": "ack", "id": "3" })).unwrap();
        let told: Vec<_> = dialect.closing().collect();
        assert!(matches!(
            &told[..],
            [Command { verb: Verb::Nack { number: Some(1), event: Some(1), .. }, .. }]
        ));
        let mut dialect = start(false);
        dialect.told("s", &batch("s", Some(1), 1..4));
        assert_eq!(dialect.closing().count(), 0);
    }

    #[test]
    fn automatic_acks_are_ours_and_a_broadcast_needs_none() {
        let mut dialect = start(true);
        let (texts, ack) = dialect.told("s", &batch("s", Some(9), 1..3));
        assert_eq!((texts.len(), ack), (2, Some(acked(9))));
        assert!(say(&mut dialect, &json!({ "type": "ack", "id": "1" })).is_err());

        let mut dialect = start(false);
        let (texts, ack) = dialect.told("s", &batch("", None, 1..3));
        assert_eq!((texts.len(), ack), (2, None));
        dialect.told("s", &batch("", None, 3..4));
        for id in ["1", "2", "3"] {
            assert_eq!(say(&mut dialect, &json!({ "type": "ack", "id": id })), Ok(None));
        }
        assert_eq!(dialect.closing().count(), 0);
    }

    #[test]
    fn a_url_can_start_and_ask_for_batches() {
        let (mut dialect, started) =
            CoreDialect::of_query("batch=true&namespace=n&name=s&x=1").unwrap();
        assert_eq!(started.unwrap().unwrap().stream, "n.s".into());
        let (texts, _) = dialect.told("n.s", &batch("n.s", Some(2), 1..3));
        let told: Value = serde_json::from_str(&texts[0]).unwrap();
        assert_eq!((&told["type"], &told["events"][1]["n"]), (&json!("event_batch"), &json!(2)));
        let ack = json!({ "type": "ack", "id": told["id"], "subscription": told["subscription"] });
        let taken = say(&mut dialect, &ack).unwrap().unwrap();
        assert_eq!(taken, Command { stream: "n.s".into(), verb: Verb::Ack(Some(2)) });
        assert!(CoreDialect::of_query("").is_none());
        assert!(CoreDialect::of_query("autoack=true").is_none());
        let (_, ephemeral) = CoreDialect::of_query("ephemeral=true&namespace=default").unwrap();
        assert!(ephemeral.unwrap_err().message().contains("protocol_error"));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for text in [
            "",
            "x",
            "[]",
            "null",
            "{}",
            r#"{"type":"nack"}"#,
            r#"{"type":"start"}"#,
            r#"{"type":"start","name":7}"#,
            r#"{"type":"start","name":"s","autoack":true}"#,
            r#"{"type":"start","name":"s","ephemeral":true}"#,
            r#"{"type":"ack","id":"none"}"#,
            r#"{"type":"ack"}"#,
            r#"{"type":"ack","subscription":"s"}"#,
        ] {
            assert!(start(false).heard(text.as_bytes()).is_err(), "{text}");
        }
        for text in ["{", r#"{"type":"start","stream":"s","name":"x"}"#, r#"{"type":"start"}"#] {
            assert!(!CoreDialect::begins_with(text.as_bytes()), "{text}");
        }
    }
}
