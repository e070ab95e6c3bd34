//! The client of a stream that only says when to ask.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::world::{Fault, LIVE, Rig, STOPPED, World, command};

const STATE: &str = r#"{"a":{"version":1,"value":true}}"#;

async fn pinged() -> Rig {
    let rig = Rig::start("ping", World::new());
    rig.asked("fetch").await;
    rig.world.answer();
    rig.world.send("event: ping\ndata:\n\n");
    rig.asked("poll").await;
    rig
}

#[wasm_bindgen_test]
async fn a_ping_fetches_the_state() {
    let rig = pinged().await;
    rig.world.polled(200, STATE);
    rig.until("live", || rig.status().phase == LIVE).await;
    assert_eq!(rig.value("flags", "a").as_deref(), Some(r#"{"version":1,"value":true}"#));
}

#[wasm_bindgen_test]
async fn pings_while_it_is_fetched_fetch_it_once_more() {
    let rig = pinged().await;
    rig.session.set_tracing(true).expect("it is not busy");
    rig.world.send("event: ping\ndata:\n\nevent: ping\ndata:\n\n");
    rig.until("read", || rig.session.take_trace().expect("it is not busy").length() > 0).await;
    rig.world.polled(200, STATE);
    assert_eq!(rig.asked("poll").await, "poll");
    rig.world.polled(200, &STATE.replace("\"version\":1", "\"version\":2"));
    rig.until("newer", || {
        rig.reader.find("flags", "a").and_then(|slot| rig.reader.version(slot)) == Some(2)
    })
    .await;
    assert_eq!(rig.world.log(), "");
}

#[wasm_bindgen_test]
async fn a_poll_that_is_refused_or_fails_is_told() {
    let rig = pinged().await;
    rig.world.polled(500, "");
    rig.until("told", || rig.fault().is_some()).await;
    let Fault { code, number, .. } = rig.fault().expect("one");
    assert_eq!((&*code, number), ("status", Some(500.0)));

    let rig = pinged().await;
    rig.world.poll_fails();
    rig.until("told", || rig.fault().is_some()).await;
    assert_eq!(rig.fault().expect("one").number, Some(0.0), "there was no answer");
}

#[wasm_bindgen_test]
async fn stopping_aborts_the_poll_too() {
    let rig = pinged().await;
    rig.command(command::STOP);
    assert_eq!(rig.world.log(), "abort 0\nabort poll");
    rig.world.poll_fails();
    assert_eq!(rig.status().phase, STOPPED);
    assert_eq!(rig.fault(), None);
}
