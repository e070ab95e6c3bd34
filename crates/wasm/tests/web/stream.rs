//! The client over `fetch`: what it asks for, what it does with what comes, and when it lets go.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::world::wire::{gone, intent, put, snapshot, transferred};
use crate::world::{Fault, LIVE, PAUSED, Rig, STALE, STOPPED, World, command};

#[wasm_bindgen_test]
async fn bytes_come_in_and_slots_go_out() {
    let rig = Rig::start("fdv2", World::new());
    assert_eq!(rig.asked("fetch").await, "headers 1\nfetch /stream");
    assert_eq!(
        rig.world.accepts(),
        "text/event-stream, application/x-ndjson;q=0.9; cache: no-store"
    );
    rig.world.answer();
    rig.world.send(&snapshot());
    rig.until("live", || rig.status().phase == LIVE).await;
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
    assert_eq!(rig.value("flag", "b"), None);
    assert_eq!(rig.reader.cursor().as_deref(), Some("e1.1"));
    // One transaction, a snapshot, of one insertion into slot 0.
    assert_eq!(rig.reader.changes(), [1 << 1 | 1, 0]);
    assert_eq!(rig.status().resumed, Some(false));
}

#[wasm_bindgen_test]
async fn however_the_bytes_are_cut_a_transaction_shows_as_a_whole() {
    let rig = Rig::live(&snapshot()).await;
    let text =
        intent("xfer-changes") + &put("a", 2, "\"ü😀\"") + &put("b", 2, "[1]") + &transferred(2);
    for byte in text.as_bytes() {
        assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
        assert_eq!(rig.value("flag", "b"), None);
        rig.world.send_bytes(&[*byte]);
    }
    rig.until("moved", || rig.reader.cursor().as_deref() == Some("e1.2")).await;
    assert_eq!(rig.value("flag", "a").as_deref(), Some("\"ü😀\""));
    assert_eq!(rig.value("flag", "b").as_deref(), Some("[1]"));
}

#[wasm_bindgen_test]
async fn after_an_end_it_resumes_from_its_cursor() {
    let rig = Rig::live(&snapshot()).await;
    rig.world.end();
    let asked = rig.asked("fetch").await;
    assert_eq!(asked, "headers 1\nfetch /stream?basis=e1.1");
    assert_eq!(rig.status().phase, STALE);
    assert_eq!(rig.fault().expect("one").code, "closed");
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"), "it stays readable");
    let revision = rig.reader.revision();

    rig.world.answer();
    rig.world.send(&(intent("xfer-changes") + &gone("a", 2) + &transferred(2)));
    rig.until("live", || rig.status().phase == LIVE).await;
    assert_eq!(rig.status().resumed, Some(true));
    assert_eq!(rig.fault(), None);
    assert_eq!(rig.value("flag", "a"), None);
    assert!(rig.reader.revision() > revision);
    // One deletion, in slot 0, which can still be named.
    assert_eq!(rig.reader.changes(), [1 << 1, 2]);
    assert_eq!((rig.reader.kind(0), rig.reader.key(0)), ("flag".to_owned(), "a".to_owned()));
}

#[wasm_bindgen_test]
async fn a_break_is_told_in_the_words_of_the_platform() {
    let rig = Rig::live(&snapshot()).await;
    rig.world.break_off("the cable");
    rig.asked("fetch /stream?basis=e1.1").await;
    let Fault { code, words, .. } = rig.fault().expect("one");
    assert_eq!((&*code, &*words), ("network", "TypeError: the cable"));
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
}

#[wasm_bindgen_test]
async fn whatever_fails_before_the_answer_is_tried_again() {
    let world = World::new();
    world.set_no_headers(true);
    let rig = Rig::start("fdv2", world);
    assert_eq!(rig.asked("headers 2").await, "headers 1\nheaders 2");
    assert_eq!(rig.fault().expect("one").words, "Error: no token");

    rig.world.set_throws(true);
    rig.world.set_no_headers(false);
    rig.until("told of the throw", || {
        rig.fault().is_some_and(|fault| fault.words == "TypeError: fetch threw")
    })
    .await;

    rig.world.set_throws(false);
    rig.asked("fetch").await;
    rig.world.refuse("no route");
    rig.asked("fetch").await;
    assert_eq!(rig.fault().expect("one").words, "TypeError: no route");

    rig.world.answer();
    rig.world.send(&snapshot());
    rig.until("live", || rig.status().phase == LIVE).await;
    assert_eq!(rig.fault(), None);
}

#[wasm_bindgen_test]
async fn stopping_aborts_the_stream_and_nothing_follows() {
    let rig = Rig::live(&snapshot()).await;
    rig.command(command::STOP);
    assert_eq!(rig.world.log(), "abort 0");
    assert_eq!(rig.status().phase, STOPPED);
    let revision = rig.reader.revision();
    rig.world.send_late(0, &(intent("xfer-changes") + &put("a", 9, "9") + &transferred(2)));
    rig.client.close();
    rig.client.settle();
    assert_eq!(rig.reader.revision(), revision);
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
    assert_eq!(rig.world.log(), "");
}

#[wasm_bindgen_test]
async fn what_settles_after_the_stop_asks_for_nothing() {
    let rig = Rig::start("fdv2", World::new());
    // The headers are on their way: their promise has not settled yet.
    assert_eq!(rig.world.log(), "headers 1");
    rig.command(command::STOP);
    for _ in 0..10 {
        drop(js_sys::Promise::resolve(&wasm_bindgen::JsValue::NULL).await);
    }
    assert_eq!(rig.world.log(), "");
}

#[wasm_bindgen_test]
async fn a_new_connection_takes_the_place_of_the_old_one() {
    let rig = Rig::live(&snapshot()).await;
    rig.command(command::RECONNECT);
    assert_eq!(rig.asked("fetch").await, "abort 0\nheaders 1\nfetch /stream?basis=e1.1");
    rig.world.answer();
    // What the old one still delivers is nobody's.
    rig.world.send_late(0, &(intent("xfer-changes") + &put("a", 9, "9") + &transferred(2)));
    rig.world.send(&intent("none"));
    rig.until("live", || rig.status().phase == LIVE).await;
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
    assert_eq!(rig.status().resumed, Some(true));
}

#[wasm_bindgen_test]
async fn a_pause_lets_go_of_the_connection_and_keeps_the_place() {
    let rig = Rig::live(&snapshot()).await;
    rig.pause(true);
    assert_eq!(rig.world.log(), "abort 0");
    assert_eq!(rig.status().phase, PAUSED);
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
    rig.pause(false);
    assert_eq!(rig.asked("fetch").await, "headers 1\nfetch /stream?basis=e1.1");
}

#[wasm_bindgen_test]
async fn a_401_asks_for_new_headers_once() {
    let world = World::new();
    world.set_renews(true);
    let rig = Rig::start("fdv2", world);
    rig.asked("fetch").await;
    rig.world.answer_status(401, "{}");
    let asked = rig.asked("fetch").await;
    assert_eq!(asked, "abort 0\nheaders 1 expired\nfetch /stream, x-token: new");
    rig.world.answer_status(401, "{}");
    rig.until("stopped", || rig.status().phase == STOPPED).await;
    let Fault { code, number, terminal, .. } = rig.fault().expect("one");
    assert_eq!((&*code, number, terminal), ("status", Some(401.0), true));
}

#[wasm_bindgen_test]
async fn a_retry_after_is_the_least_wait() {
    let rig = Rig::start("fdv2", World::new());
    rig.asked("fetch").await;
    let before = rig.world.time();
    rig.world.answer_status(503, r#"{ "retry-after": "60" }"#);
    rig.until("told", || rig.fault().is_some()).await;
    assert_eq!(rig.fault().expect("one").code, "status");
    assert!(rig.status().retry_at >= before.floor() + 60_000.0, "{}", rig.status().retry_at);
    // Who asks for a connection gets one all the same.
    rig.command(command::RECONNECT);
    rig.asked("fetch").await;
}

#[wasm_bindgen_test]
async fn an_answer_that_is_no_stream_is_told_and_let_go() {
    let rig = Rig::start("fdv2", World::new());
    rig.asked("fetch").await;
    rig.world.answer_status(200, r#"{ "content-type": "text/html" }"#);
    let asked = rig.asked("fetch").await;
    assert_eq!(asked, "abort 0\nheaders 2\nfetch /stream");
    let Fault { code, words, .. } = rig.fault().expect("one");
    assert_eq!((&*code, &*words), ("content-type", "text/html"));
}

#[wasm_bindgen_test]
async fn spoilt_data_is_told_with_its_place_and_the_state_stays() {
    let rig = Rig::live(&snapshot()).await;
    rig.world.send("event: put-object\ndata: {\"kind\":oops\n\n");
    let asked = rig.asked("fetch").await;
    assert_eq!(asked, "abort 0\nheaders 1\nfetch /stream?basis=e1.1");
    let Fault { code, place, number, terminal, .. } = rig.fault().expect("one");
    assert_eq!((&*code, &*place, number, terminal), ("bad-data", "put-object", Some(8.0), false));
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
}

#[wasm_bindgen_test]
async fn where_the_address_cannot_say_the_place_a_header_does() {
    let rig = Rig::start("json", World::new());
    rig.asked("fetch").await;
    rig.world.answer();
    rig.world.send("id: größe\ndata: {\"key\":\"a\",\"value\":1}\n\n");
    rig.until("an item", || !rig.reader.is_empty()).await;
    rig.world.end();
    let asked = rig.asked("fetch").await;
    // Its UTF-8, each byte as a character.
    assert!(asked.ends_with("fetch /stream, last-event-id: grÃ¶Ã\u{9f}e"), "{asked}");
}
