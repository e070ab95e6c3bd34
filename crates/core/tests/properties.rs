//! Fast paths against plain ones, and everything against bad input, on seeded random data.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::Random;
use highwater_core::{
    Error, Event, Instant, JsonSpec, Judge, Materializer, MaterializerOptions, Message,
    MessageReceiver, Protocol,
};

fn told(protocol: &mut Protocol, data: &str) -> Vec<String> {
    tell(protocol, "put-object", data).unwrap()
}

fn read(protocol: &mut Protocol, data: &str) -> Option<Vec<String>> {
    tell(protocol, "message", data).ok()
}

fn tell(protocol: &mut Protocol, kind: &str, data: &str) -> Result<Vec<String>, Error> {
    let mut told = Vec::new();
    let event = Event { kind, data: data.as_bytes(), id: "" };
    protocol.decode(&event, &mut |message| {
        told.push(match message {
            Message::Upsert { kind, key, version, value } => {
                format!("{kind}|{key}|{version}|{}", String::from_utf8_lossy(value))
            }
            other => format!("{other:?}"),
        });
        Ok(())
    })?;
    Ok(told)
}

/// Bytes that make something else of JSON.
const JSON_NEAR: &[u8] = b"{}[]\",:\\u0123e.-+ntf \n\x00\x1f\xff\xc3/";

/// Kind, key, version, value.
type Left = (String, String, i64, Vec<u8>);

/// What a stream leaves behind in which this put stands, its server's promise given or not; and
/// what it says is wrong.
fn left_by(promise: &str, data: &str) -> (Vec<Left>, bool) {
    let mut one = Materializer::new(Protocol::fdv2());
    let stream = format!(
        "event: server-intent\ndata: {{\"payloads\":[{{\"intentCode\":\"xfer-full\"}}]{promise}}}\n\n\
         event: put-object\ndata: {data}\n\n\
         event: payload-transferred\ndata: {{\"state\":\"s\",\"version\":1}}\n\n"
    );
    let wrong = one.push(Instant::default(), stream.as_bytes()).is_err();
    let items = one.state().iter().map(|(_, item)| {
        (item.kind.to_owned(), item.key.to_owned(), item.version, item.value.to_owned())
    });
    (items.collect(), wrong)
}

#[test]
fn what_is_told_at_a_glance_is_what_the_full_reader_tells() {
    let mut random = Random(2);
    let names = [
        "k",
        "",
        "a b",
        "é",
        "with/slash",
        "a long name of more than fourteen bytes",
        "esc\\\"aped",
        "\\u0041",
    ];
    for _ in 0..5_000 {
        let (kind, key) = (*random.pick(&names), *random.pick(&names));
        let version = *random.pick(&[
            "0",
            "1",
            "-1",
            "999999999999999999",
            "9223372036854775807",
            "01",
            "1.0",
            "x",
        ]);
        let value = random.json(2);
        let data = format!(
            "{{\"kind\":\"{kind}\",\"key\":\"{key}\",\"version\":{version},\"object\":{value}}}"
        );
        let glanced = left_by(",\"highwater\":{\"version\":1,\"heartbeat\":1}", &data);
        assert_eq!(glanced, left_by("", &data), "{data}");
    }
}

#[test]
fn the_prefix_reader_reads_what_the_full_one_reads() {
    let opened = |promise: &str| {
        let mut protocol = Protocol::fdv2();
        let data =
            format!("{{\"payloads\":[{{\"intentCode\":\"xfer-full\"}}]{promise}}}").into_bytes();
        let event = Event { kind: "server-intent", data: &data, id: "" };
        protocol.decode(&event, &mut |_| Ok(())).unwrap();
        protocol
    };
    let mut promised = opened(",\"highwater\":{\"version\":1,\"heartbeat\":1}");
    let mut plain = opened("");
    let mut random = Random(1);
    let names = ["k", "a b", "é", "with/slash", "esc\\\"aped", "\\u0041", "\\n", "}", ","];
    for _ in 0..20_000 {
        let (kind, key) = (*random.pick(&names), *random.pick(&names));
        let version = *random.pick(&[0, 1, -1, i64::MAX, i64::MIN, 9_007_199_254_740_993]);
        let value = random.json(3);
        let data = format!(
            "{{\"kind\":\"{kind}\",\"key\":\"{key}\",\"version\":{version},\"object\":{value}}}"
        );
        assert_eq!(told(&mut promised, &data), told(&mut plain, &data), "{data}");
        // Not as promised: both read it in full.
        let other = format!(
            "{{\"key\":\"{key}\", \"object\":{value},\"kind\":\"{kind}\",\"version\":{version}}}"
        );
        assert_eq!(told(&mut promised, &other), told(&mut plain, &other), "{other}");
    }
}

#[test]
fn what_is_whole_in_a_chunk_is_read_as_what_is_cut() {
    let put = |name: &str, key: &str, value: &str| {
        format!(
            "event: {name}\ndata: {{\"kind\":\"k\",\"key\":\"{key}\",\"version\":1,\"object\":{value}}}\n\n"
        )
    };
    let mut options = MaterializerOptions::default();
    options.max_event_bytes = 220;
    let mut random = Random(12);
    for _ in 0..400 {
        let mut stream = INTENT.to_vec();
        for number in 1..40 {
            let key = *random.pick(&["a", "b", "a-key-that-is-long", "é", "esc\\n"]);
            let value = *random.pick(&["1", "{\"x\":\"}\"}", "\"é\"", "[1, 2]"]);
            let usual = put("put-object", key, value);
            let piece = match random.below(40) {
                0..24 => usual,
                24 => usual.replace('\n', "\r\n"),
                25 => usual.replace('\n', "\r"),
                26 => usual.replace(": ", ":"),
                27 => usual.replace("\n\n", "\nid: 7\n\n"),
                28 => usual.replace("}\n", "} \n"),
                29 => put("heart-beat", key, value),
                30 => ": a comment\n\n".into(),
                31 => ": a comment\n".into(),
                32 => "\n".into(),
                33 => "\r".into(),
                // As large as may be, or larger by one.
                34 if random.below(6) == 0 => {
                    let around = put("", "", "").len() - "event: \ndata: \n\n".len();
                    let room = 220 - "put-object".len() - around + random.below(2);
                    put("put-object", "", &"1".repeat(room))
                }
                35 if random.below(6) == 0 => put("put-object", key, ""),
                _ => format!(
                    "event: payload-transferred\nid: e.{number}\ndata: {{\"state\":\"e.{number}\",\"version\":{number}}}\n\n"
                ),
            };
            stream.extend_from_slice(piece.as_bytes());
            if random.below(200) == 0 {
                *stream.last_mut().unwrap() = 0xff;
            }
        }
        // Byte by byte, nothing is whole.
        let bytes = taken_in(&stream, 1, options);
        for size in [3, 50, 200, 1000, stream.len()] {
            assert_eq!(taken_in(&stream, size, options), bytes, "in chunks of {size}");
        }
    }
}

const INTENT: &[u8] = br#"event: server-intent
data: {"payloads":[{"id":"t","target":1,"intentCode":"xfer-full","reason":"x"}],"highwater":{"version":1,"resumed":false,"heartbeat":9}}

"#;

/// What is left of a stream that comes in chunks of this size: items, cursor, last event id, and
/// what was wrong.
fn taken_in(
    stream: &[u8],
    size: usize,
    options: MaterializerOptions,
) -> (Vec<Left>, Option<String>, String, Result<(), Error>) {
    let mut store = Materializer::with_view(Protocol::fdv2(), (), options);
    let mut chunks = stream.chunks(size);
    let taken = chunks.try_for_each(|chunk| store.push(Instant::default(), chunk).map(drop));
    let items = store.state().iter();
    let items = items.map(|(_, i)| (i.kind.into(), i.key.into(), i.version, i.value.into()));
    let (cursor, id) = (store.cursor().map(Into::into), store.last_event_id().into());
    (items.collect(), cursor, id, taken)
}

#[test]
fn json_with_values_last_is_read_as_any_other() {
    let spec = |value_last, kind: Option<&str>, version: Option<&str>| JsonSpec {
        key: "/id".into(),
        kind: kind.map(Into::into),
        version: version.map(Into::into),
        value: "/data".into(),
        value_last,
        ..JsonSpec::default()
    };
    let mut random = Random(5);
    for _ in 0..20_000 {
        let (has_kind, has_version) = (random.below(2) == 0, random.below(2) == 0);
        let of =
            |value_last| spec(value_last, has_kind.then_some("/of"), has_version.then_some("/v"));
        let mut promised = Protocol::json(of(true));
        let mut plain = Protocol::json(of(false));
        let key = *random.pick(&["a", "é", "esc\\\"aped", "\\n", "}", "\\u0041"]);
        let version = *random.pick(&["0", "-7", "9007199254740993", "01", "1e3", "\"1\""]);
        let value = random.json(3);
        let kind = if has_kind { "\"of\":\"k\"," } else { "" };
        let version = if has_version { format!("\"v\":{version},") } else { String::new() };
        let data = format!("{{{kind}\"id\":\"{key}\",{version}\"data\":{value}}}");
        assert_eq!(read(&mut promised, &data), read(&mut plain, &data), "{data}");
        // Not as promised, but begun otherwise: both read it in full.
        let other = format!("{{\"data\":{value},\"id\":\"{key}\",{version}{kind}\"x\":[]}}");
        assert_eq!(read(&mut promised, &other), read(&mut plain, &other), "{other}");
    }
}

#[test]
fn what_passes_for_json_is_json() {
    let mut options = MaterializerOptions::default();
    options.judge = Judge::OnArrival;
    let mut random = Random(2);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let value = random.json(3);
        let value = if random.below(2) == 0 {
            random.spoil(value.as_bytes(), JSON_NEAR)
        } else {
            value.into()
        };
        let mut store = Materializer::with_view(Protocol::fdv2(), (), options);
        let mut stream = Vec::new();
        // Promised, so that the value comes through unseen and is judged by the check alone.
        for (event, data) in [
            (
                "server-intent",
                &b"{\"payloads\":[{\"intentCode\":\"xfer-full\"}],\"highwater\":{}}"[..],
            ),
            (
                "put-object",
                &[b"{\"kind\":\"k\",\"key\":\"a\",\"version\":1,\"object\":", &*value, b"}"]
                    .concat(),
            ),
            ("payload-transferred", b"{\"state\":\"e.1\",\"version\":1}"),
        ] {
            stream.extend(format!("event: {event}\n").bytes());
            for line in data.split(|&byte| byte == b'\n') {
                stream.extend([b"data: ", line, b"\n"].concat());
            }
            stream.push(b'\n');
        }
        let taken = store.push(Instant::default(), &stream).is_ok() && store.state().len() == 1;
        let json = core::str::from_utf8(&value)
            .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
        assert_eq!(taken, json, "{:?}", value.escape_ascii().to_string());
        *if json { &mut good } else { &mut bad } += 1;
    }
    assert!(good > 5000 && bad > 5000, "{good} good, {bad} bad");
}

/// A protocol, and events of it.
type Stream = (fn() -> Protocol, &'static [(&'static str, &'static str)]);

#[test]
fn no_input_is_fatal_and_bad_input_leaves_the_state_alone() {
    let streams: [Stream; 6] = [
        (
            Protocol::fdv2,
            &[
                (
                    "server-intent",
                    r#"{"payloads":[{"id":"p","target":3,"intentCode":"xfer-full"}],"highwater":{"version":1,"heartbeat":5}}"#,
                ),
                ("put-object", r#"{"kind":"k","key":"a","version":1,"object":{"x":[1,2]}}"#),
                ("delete-object", r#"{"kind":"k","key":"b","version":1}"#),
                ("error", r#"{"payload_id":"p","reason":"r"}"#),
                ("payload-transferred", r#"{"state":"e.3","version":3}"#),
                ("goodbye", r#"{"reason":"r","silent":false}"#),
            ],
        ),
        (
            Protocol::relay,
            &[
                (
                    "put",
                    r#"{"path":"/","data":{"flags":{"a":{"version":1},"b":null},"segments":{}}}"#,
                ),
                ("patch", r#"{"path":"/flags/a","data":{"version":2,"deleted":true}}"#),
                ("delete", r#"{"path":"/segments/a","version":3}"#),
            ],
        ),
        (
            Protocol::autoconfig,
            &[
                (
                    "put",
                    r#"{"path":"/","data":{"environments":{"e":{"envID":"e","version":1,"sdkKey":{"value":"s","expiring":{"value":"","timestamp":0}}}},"filters":{"f":{"version":1}}}}"#,
                ),
                (
                    "patch",
                    r#"{"path":"/environments/e","data":{"envID":"e","version":2,"secureMode":true}}"#,
                ),
                ("delete", r#"{"path":"/filters/f","version":3}"#),
            ],
        ),
        (
            Protocol::consul,
            &[
                (
                    "message",
                    r#"{"Index":"5","ServiceHealth":{"Op":"Register","CheckServiceNode":{"Node":{"Node":"n"},"Service":{"ID":"s","EnterpriseMeta":{"Namespace":"x"}}}}}"#,
                ),
                ("message", r#"{"Index":5,"EndOfSnapshot":true}"#),
                (
                    "message",
                    r#"{"Index":6,"EventBatch":{"Events":[{"Index":6,"Service":{"Op":1,"Name":"w"}}]}}"#,
                ),
                ("message", r#"{"NewSnapshotToFollow":true}"#),
            ],
        ),
        (
            Protocol::eventstream,
            &[
                (
                    "message",
                    r#"{"batchNumber":1,"stream":"s","type":"event_batch","events":[{"key":"a","kind":"k","object":{"x":1},"sequenceId":"01","topic":"k/a","version":1},{"deleted":true,"key":"b","kind":"k","sequenceId":"02","topic":"k/b","version":2}]}"#,
                ),
                ("message", r#"{"type":"event_batch","events":[{"sequenceId":"3","topic":"t"}]}"#),
                ("message", r#"{"type":"other"}"#),
            ],
        ),
        (
            || Protocol::named("json").unwrap(),
            &[("message", r#"{"key":"a","value":1}"#), ("message", r#"{"key":7}"#)],
        ),
    ];
    let mut random = Random(3);
    for (protocol, events) in streams {
        for _ in 0..3_000 {
            let mut store = Materializer::new(protocol());
            for _ in 0..6 {
                let (kind, data) = random.pick(events);
                let spoilt = random.below(2) == 0;
                let data = if spoilt {
                    random.spoil(data.as_bytes(), JSON_NEAR)
                } else {
                    data.as_bytes().to_vec()
                };
                store.begin();
                let event = Event { kind, data: &data, id: "" };
                let before = store.state().revision();
                if store.event(Instant::default(), &event).is_err() {
                    assert_eq!(store.state().revision(), before);
                    assert_eq!(store.staged(), 0);
                    store.connected();
                }
            }
        }
    }
}

#[test]
fn retain_is_purge_of_the_rest() {
    let mut random = Random(4);
    for _ in 0..2_000 {
        let ids = ["a", "b", "c", "d", "e"];
        let (mut one, mut other) = (MessageReceiver::new(), MessageReceiver::new());
        for _ in 0..random.below(20) {
            let (id, version) = (*random.pick(&ids), *random.pick(&[0, 1, 2, 3, 4]));
            if random.below(3) == 0 {
                assert_eq!(one.delete(id, version), other.delete(id, version));
            } else {
                assert_eq!(one.upsert(id, (), version), other.upsert(id, (), version));
            }
        }
        let listed = random.next();
        let is_listed = |id: &str| listed & (1 << (id.as_bytes()[0] % 64)) != 0;
        assert_eq!(one.purge(is_listed), other.retain(|id| !is_listed(id)));
        for id in ids {
            assert_eq!(one.known(id), other.known(id));
        }
    }
}
