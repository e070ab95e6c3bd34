//! The client over the platform's event source.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::world::{Fault, LIVE, Rig, STALE, World, command};

const INTENT: &str =
    r#"{"payloads":[{"id":"t","target":1,"intentCode":"xfer-full","reason":"test"}]}"#;
const PUT: &str = r#"{"kind":"flag","key":"a","version":1,"object":{"on":true}}"#;
const TRANSFERRED: &str = r#"{"state":"e1.1","version":1}"#;

fn native() -> World {
    let world = World::new();
    world.set_native(true);
    world
}

async fn live() -> Rig {
    let rig = Rig::start("fdv2", native());
    rig.asked("source").await;
    rig.world.open_source();
    rig.world.emit("server-intent", INTENT, "");
    rig.world.emit("put-object", PUT, "");
    rig.world.emit("payload-transferred", TRANSFERRED, "e1.1");
    rig.until("live", || rig.status().phase == LIVE).await;
    rig
}

#[wasm_bindgen_test]
async fn events_come_in_and_slots_go_out() {
    let rig = live().await;
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
    assert_eq!(rig.reader.cursor().as_deref(), Some("e1.1"));
    // Of a type that it does not listen to it would never hear.
    let types = rig.world.types();
    for kind in ["open", "error", "server-intent", "delete-object", "goodbye", "heart-beat"] {
        assert_eq!(types.split(' ').filter(|known| *known == kind).count(), 1, "{kind} in {types}");
    }
}

#[wasm_bindgen_test]
async fn after_an_error_it_is_closed_and_made_anew() {
    let rig = live().await;
    rig.world.fail_source();
    assert_eq!(rig.status().phase, STALE);
    assert_eq!(rig.fault().expect("one").code, "network");
    let asked = rig.asked("source").await;
    assert_eq!(asked, "close\nsource /stream?basis=e1.1");
    // What the old one still delivers is nobody's.
    rig.world.emit_on(0, "put-object", &PUT.replace("true", "false"), "");
    rig.world.emit_on(0, "payload-transferred", TRANSFERRED, "e1.2");
    assert_eq!(rig.value("flag", "a").as_deref(), Some("{\"on\":true}"));
    rig.world.open_source();
    rig.world.emit("server-intent", &INTENT.replace("xfer-full", "none"), "");
    rig.until("live", || rig.status().phase == LIVE).await;
    assert_eq!(rig.fault(), None);
}

#[wasm_bindgen_test]
async fn an_event_that_is_called_error_is_no_failure_of_the_source() {
    let rig = live().await;
    rig.world.emit("error", r#"{"payloadId":"t","reason":"the database"}"#, "");
    let Fault { code, words, .. } = rig.fault().expect("one");
    assert_eq!((&*code, &*words), ("server", "the database"));
    assert!(!rig.world.log().contains("close"), "the connection stays");
}

#[wasm_bindgen_test]
async fn a_source_that_cannot_be_made_is_a_fault_like_others() {
    let world = native();
    world.set_no_source(true);
    let rig = Rig::start("fdv2", world);
    rig.until("told", || rig.fault().is_some()).await;
    let Fault { code, words, .. } = rig.fault().expect("one");
    assert_eq!((&*code, &*words), ("network", "TypeError: no event source for you"));
    rig.world.set_no_source(false);
    rig.asked("source").await;
}

#[wasm_bindgen_test]
async fn stopping_closes_it() {
    let rig = live().await;
    rig.world.log();
    rig.command(command::STOP);
    assert_eq!(rig.world.log(), "close");
}
