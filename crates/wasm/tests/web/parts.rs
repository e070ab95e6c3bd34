//! The parts by themselves: receiver, decoder, protocol, back-off, materializer, view, session.

use core::cell::RefCell;
use std::rc::Rc;

use highwater_wasm::{Backoff, Materializer, MessageReceiver, Protocol, Session, SseDecoder};
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::world::wire::{gone, put, snapshot, transferred};
use crate::world::{Fault, value};

fn fdv2() -> Protocol {
    Protocol::named("fdv2").expect("it is known")
}

fn text(list: &Array, at: u32) -> String {
    list.get(at).as_string().unwrap_or_else(|| format!("{:?}", list.get(at)))
}

#[wasm_bindgen_test]
fn a_late_message_does_not_bring_an_item_back() {
    let mut receiver = MessageReceiver::new();
    assert_eq!(receiver.delete("a", 2), "noop");
    assert_eq!(receiver.upsert("a", JsValue::from_str("late"), 1), "noop");
    assert_eq!(receiver.upsert("a", JsValue::from_str("new"), 3), "insert");
    assert_eq!(receiver.get("a").as_string().as_deref(), Some("new"));
}

#[wasm_bindgen_test]
fn a_receiver_keeps_versions_exactly_and_forgets_what_it_is_told() {
    let mut receiver = MessageReceiver::new();
    let big = (1 << 53) + 1;
    assert_eq!(receiver.upsert("a", JsValue::from(1), big), "insert");
    assert_eq!(receiver.upsert("a", JsValue::from(2), big - 1), "noop");
    receiver.delete("b", i64::MIN);
    let entries = receiver.entries();
    assert_eq!(entries.length(), 8);
    let at = entries.index_of(&"a".into(), 0) as u32;
    assert_eq!(i64::try_from(entries.get(at + 1)), Ok(big));
    assert_eq!(entries.get(at + 2).as_bool(), Some(false));
    let at = entries.index_of(&"b".into(), 0) as u32;
    assert_eq!(i64::try_from(entries.get(at + 1)), Ok(i64::MIN));
    assert_eq!(entries.get(at + 2).as_bool(), Some(true), "a tombstone");

    let gone = receiver.purge(&Array::of3(&"b".into(), &"a".into(), &JsValue::NULL));
    assert_eq!(gone.join(" "), "a", "b was no item");
    assert_eq!(receiver.upsert("a", JsValue::from(3), 1), "insert");
    assert_eq!(receiver.forget("a"), "delete");
    assert!(receiver.get("a").is_undefined());
}

#[wasm_bindgen_test]
fn a_decoder_says_how_to_cut_its_text_whatever_the_chunks() {
    let stream = "retry: 7\nid: é\nevent: grüße\ndata: 😀x\n\n: nothing\n\ndata: b\n\n";
    for cut in 0..=stream.len() {
        let mut decoder = SseDecoder::new(None);
        let (mut all, mut read) = (Vec::new(), String::new());
        for chunk in [&stream.as_bytes()[..cut], &stream.as_bytes()[cut..]] {
            all.extend(decoder.push(chunk));
            read.push_str(&decoder.text());
        }
        let rows: Vec<&[f64]> = all.chunks(4).filter(|row| row[0] < 2.0).collect();
        // Lengths are in UTF-16, in which the emoji has two units.
        let expected: [&[f64]; 3] =
            [&[1.0, 7.0, 0.0, 0.0], &[0.0, 5.0, 3.0, 1.0], &[0.0, 7.0, 1.0, 1.0]];
        assert_eq!(rows, expected, "cut at {cut}");
        assert_eq!(read, "grüße😀xémessagebé", "cut at {cut}");
        assert_eq!(decoder.last_event_id(), "é");
    }
}

#[wasm_bindgen_test]
fn a_decoder_drops_what_is_too_large_and_reads_on() {
    let mut decoder = SseDecoder::new(Some(16));
    let table = decoder.push(b"data: 0123456789abcdefghij\n\ndata: b\n\n");
    assert_eq!(table[..2], [3.0, 16.0]);
    assert_eq!(table[4..], [0.0, 7.0, 1.0, 0.0]);
    assert_eq!(decoder.text(), "messageb");
}

#[wasm_bindgen_test]
fn a_protocol_decodes_an_event_to_messages_or_says_what_is_wrong() {
    let mut protocol = Protocol::named("relay").expect("it is known");
    let decoded = protocol.decode("patch", r#"{"path":"/flags/a","data":{"version":3}}"#, "");
    assert!(decoded.get(0).is_undefined());
    let messages: Array = decoded.get(1).into();
    let kinds: Vec<String> = messages.iter().map(|message| text(&message.into(), 0)).collect();
    assert!(kinds.contains(&"upsert".to_owned()), "{kinds:?}");

    let decoded = protocol.decode("patch", r#"{"path":"/flags/a","data":"#, "");
    let Fault { code, place, number, .. } = Fault::of(&decoded.get(0).into());
    assert_eq!((&*code, &*place), ("bad-data", "patch"));
    assert!(number.is_some(), "at a byte");
    assert!(Protocol::named("gopher").is_none());
}

#[wasm_bindgen_test]
fn a_backoff_doubles_up_to_its_bound() {
    let mut backoff = Backoff::new(&[0.0, 100.0, 0.0, 500.0, 0.0]);
    let waits: Vec<f64> = (0..5).map(|_| backoff.fail(1.0)).collect();
    assert_eq!(waits, [100.0, 200.0, 400.0, 500.0, 500.0]);
    assert_eq!(backoff.failures(), 5);
}

#[wasm_bindgen_test]
fn a_materializer_takes_bytes_and_gives_slots() {
    let materializer = Materializer::new(fdv2(), &[], None);
    let reader = materializer.reader();
    let result = materializer.push(0.0, snapshot().as_bytes()).expect("it is not busy");
    assert!(result.get(0).is_undefined());
    assert_eq!(result.get(1).as_bool(), Some(true), "committed");
    assert_eq!(reader.changes(), [1 << 1 | 1, 0]);
    assert_eq!(value(&reader, "flag", "a").as_deref(), Some("{\"on\":true}"));

    let more =
        put("b", 2, "2") + &put("a", 2, "2") + &transferred(2) + &gone("a", 3) + &transferred(3);
    materializer.push(1.0, more.as_bytes()).expect("it is not busy");
    let (a, b) = (0, reader.find("flag", "b").expect("it is there"));
    // Two transactions: b inserted and a updated, in the order in which they came; a deleted.
    assert_eq!(reader.changes(), [2 << 1, b << 2, a << 2 | 1, 1 << 1, a << 2 | 2]);
    assert_eq!(reader.find("flag", "a"), None);
    assert_eq!(reader.value_ptr(a), 0, "there is nothing to be read");
    assert_eq!(reader.slots(Some("flag".into())), [b]);
    assert_eq!(reader.slots(Some("other".into())), [0_u32; 0]);
    assert_eq!(reader.len(), 1);
}

#[wasm_bindgen_test]
fn a_spoilt_event_changes_nothing() {
    let materializer = Materializer::new(fdv2(), &[], None);
    let reader = materializer.reader();
    materializer.push(0.0, snapshot().as_bytes()).expect("it is not busy");
    let revision = reader.revision();
    let result = materializer
        .push_event(1.0, "put-object", r#"{"kind":"flag","key":"#, "")
        .expect("it is not busy");
    let Fault { code, place, number, .. } = Fault::of(&result.get(0).into());
    assert_eq!((&*code, &*place), ("bad-data", "put-object"));
    assert!(number.is_some(), "at a byte");
    assert_eq!(reader.revision(), revision);
    assert_eq!(reader.changes(), [0_u32; 0]);
    assert_eq!(value(&reader, "flag", "a").as_deref(), Some("{\"on\":true}"));
}

#[wasm_bindgen_test]
fn a_view_in_javascript_is_told_whole_transactions_and_may_refuse() {
    let told = Array::new();
    let hook = {
        let told = told.clone();
        Closure::<dyn Fn(JsValue, JsValue) -> JsValue>::new(
            move |changes: JsValue, cursor: JsValue| {
                let Ok(changes) = changes.dyn_into::<Array>() else {
                    told.push(&"reset".into());
                    return JsValue::UNDEFINED;
                };
                told.push(
                    &format!("{} at {}", changes.join(","), cursor.as_string().unwrap_or_default())
                        .into(),
                );
                if changes.includes(&"b".into(), 0) {
                    "no b here".into()
                } else {
                    JsValue::UNDEFINED
                }
            },
        )
    };
    let hook: Function = hook.into_js_value().unchecked_into();
    let materializer = Materializer::new(fdv2(), &[], Some(hook));
    materializer.push(0.0, snapshot().as_bytes()).expect("it is not busy");
    assert_eq!(text(&told, told.length() - 1), "insert,flag,a,1,{\"on\":true} at e1.1");
    let refused = put("b", 2, "2") + &transferred(2);
    let result = materializer.push(0.0, refused.as_bytes()).expect("it is not busy");
    let Fault { code, words, .. } = Fault::of(&result.get(0).into());
    assert_eq!((&*code, &*words), ("view", "no b here"));
}

#[wasm_bindgen_test]
fn a_view_that_calls_back_is_told_that_it_is_busy() {
    let called = Array::new();
    let slot: Rc<RefCell<Option<Materializer>>> = Rc::default();
    let hook = {
        let (called, slot) = (called.clone(), Rc::clone(&slot));
        Closure::<dyn Fn(JsValue, JsValue)>::new(move |_, _| {
            if let Some(materializer) = &*slot.borrow() {
                called.push(&materializer.push(0.0, b"").expect_err("it is busy"));
                called.push(&materializer.reader().len().into());
            }
        })
    };
    let materializer = Materializer::new(fdv2(), &[], Some(hook.into_js_value().unchecked_into()));
    slot.replace(Some(materializer));
    let result = slot.borrow().as_ref().map(|m| m.push(0.0, snapshot().as_bytes()));
    let result = result.expect("it is there").expect("it is not busy");
    assert!(result.get(0).is_undefined());
    assert!(called.includes(&"busy".into(), 0));
    assert_eq!(called.get(called.length() - 1).as_f64(), Some(0.0), "nothing to read meanwhile");
}

#[wasm_bindgen_test]
fn a_session_by_itself_asks_for_what_is_to_be_done() {
    let session = Session::new(fdv2(), &[], None);
    let poll = || session.poll().expect("it is not busy").dyn_into::<Array>().ok();
    session.command(0.0, 0).expect("it is not busy");
    let connect = poll().expect("an effect");
    assert_eq!(text(&connect, 0), "connect");
    let connection = connect.get(1).as_f64().expect("an id") as u32;
    session
        .opened(1.0, connection, 200, Some("text/event-stream".into()), f64::NAN)
        .expect("it is not busy");
    session.bytes(2.0, connection, snapshot().as_bytes()).expect("it is not busy");
    assert_eq!(value(&session.reader(), "flag", "a").as_deref(), Some("{\"on\":true}"));
    session.ended(3.0, connection).expect("it is not busy");
    let mut effects = Vec::new();
    while let Some(effect) = poll() {
        effects.push(text(&effect, 0));
    }
    assert!(effects.contains(&"wake".to_owned()), "{effects:?}");
    // Another resumes from the cursor.
    session.command(60_000.0, 2).expect("it is not busy");
    let connect = core::iter::from_fn(poll).find(|effect| text(effect, 0) == "connect");
    let connect = connect.expect("another connection");
    assert_eq!((text(&connect, 4), text(&connect, 5)), ("basis".into(), "e1.1".into()));
}
