//! The feature `typed`: a store of a Rust type, options by name, and what is inspected.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::Rc;

use highwater_wasm::{
    Action, Error, Materializer, Phase, Protocol, Session, Store, StoreOptions, Transaction,
};
use js_sys::{JSON, Object, Reflect};
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::world::wire::{gone, intent, put, snapshot, transferred};
use crate::world::{World, until};

#[derive(Debug, Deserialize, PartialEq)]
struct Flag {
    on: bool,
}

/// A store whose requests a world answers; and what it says of values that do not fit.
struct Rig {
    world: World,
    store: Store<Flag>,
    errors: Rc<RefCell<Vec<Error>>>,
}

impl Rig {
    fn start() -> Self {
        Self::with(StoreOptions::new())
    }

    fn with(options: StoreOptions) -> Self {
        let world = World::new();
        let errors: Rc<RefCell<Vec<Error>>> = Rc::default();
        let options = options
            .fetch(world.fetch())
            .configure(|session| {
                session.profile.factor = Duration::from_millis(5);
                session.profile.max = Duration::from_millis(20);
            })
            .on_error({
                let errors = Rc::clone(&errors);
                move |error| errors.borrow_mut().push(error.clone())
            });
        let store = Store::connect("http://world.test/stream", options).expect("a good address");
        Self { world, store, errors }
    }

    async fn live(text: &str) -> Self {
        let rig = Self::start();
        rig.asked().await;
        rig.answer(text);
        rig.store.ready().await.expect("it is up");
        rig
    }

    async fn asked(&self) -> String {
        let log = RefCell::new(String::new());
        until(&self.world, "asked to fetch", || {
            log.borrow_mut().push_str(&self.world.log());
            log.borrow().contains("fetch")
        })
        .await;
        log.into_inner()
    }

    fn answer(&self, text: &str) {
        self.world.answer();
        self.world.send(text);
    }

    async fn version(&self, version: u64) {
        moved(&self.store, move |store| store.status().version >= version).await;
    }

    fn flag(&self, key: &str) -> Option<Rc<Flag>> {
        self.store.get("flag", key)
    }
}

/// Waits until something holds of a store: asked whenever its status has moved.
async fn moved(store: &Store<Flag>, holds: impl Fn(&Store<Flag>) -> bool) {
    while !holds(store) {
        let settled = RefCell::new(None);
        let next = js_sys::Promise::new(&mut |resolve, _| drop(settled.replace(Some(resolve))));
        let resolve = settled.take().expect("it was called");
        let subscription = store.on_status(move |_| drop(resolve.call0(&JsValue::UNDEFINED)));
        next.await.expect("it is not rejected");
        drop(subscription);
    }
}

#[wasm_bindgen_test]
async fn values_are_of_the_type_and_the_same_until_they_move() {
    let rig = Rig::live(
        &(intent("xfer-full")
            + &put("a", 1, "{\"on\":true}")
            + &put("b", 1, "{\"on\":false}")
            + &transferred(1)),
    )
    .await;
    let (a, b) = (rig.flag("a").expect("there"), rig.flag("b").expect("there"));
    assert_eq!((&*a, &*b), (&Flag { on: true }, &Flag { on: false }));
    assert!(Rc::ptr_eq(&a, &rig.flag("a").expect("there")));
    let mut keys = rig.store.keys("flag");
    keys.sort();
    assert_eq!((keys.join(" "), rig.store.len()), ("a b".into(), 2));
    assert_eq!(rig.store.version_of("flag", "a"), Some(1));
    assert_eq!((rig.store.keys("other").len(), rig.store.version_of("flag", "z")), (0, None));

    rig.world.send(&(intent("xfer-changes") + &put("a", 2, "{\"on\":true}") + &transferred(2)));
    moved(&rig.store, |store| store.version_of("flag", "a") == Some(2)).await;
    let entries = rig.store.entries("flag");
    let of = |key: &str| entries.iter().find(|(known, _)| known == key).map(|(_, flag)| flag);
    assert!(Rc::ptr_eq(&b, of("b").expect("there")), "it did not move");
    assert!(Rc::ptr_eq(&rig.flag("a").expect("there"), of("a").expect("there")));
}

#[wasm_bindgen_test]
async fn what_moves_is_another_value_and_what_is_held_stays_as_it_is() {
    let rig = Rig::live(&snapshot()).await;
    let before = rig.flag("a").expect("there");
    assert_eq!(Rc::strong_count(&before), 2, "ours and the store's");
    rig.world.send(&(intent("xfer-changes") + &put("a", 2, "{\"on\":false}") + &transferred(2)));
    rig.version(2).await;
    assert_eq!(Rc::strong_count(&before), 1, "the store has let go of it");
    assert_eq!((before.on, rig.flag("a").expect("there").on), (true, false));
    rig.world.send(&(gone("a", 3) + &transferred(3)));
    rig.version(3).await;
    assert_eq!((rig.flag("a"), rig.store.is_empty()), (None, true));
}

#[wasm_bindgen_test]
async fn a_value_that_does_not_fit_reads_as_none_and_is_told_once() {
    let rig = Rig::live(
        &(intent("xfer-full")
            + &put("a", 7, "{\"on\":3}")
            + &put("b", 1, "{\"on\":true}")
            + &transferred(1)),
    )
    .await;
    assert_eq!((rig.flag("a"), rig.flag("a")), (None, None));
    assert_eq!(rig.store.entries("flag").len(), 1);
    assert_eq!(rig.store.len(), 2, "it is there all the same");
    let error = {
        let errors = rig.errors.borrow();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].clone()
    };
    assert_eq!(
        error.to_string(),
        "the value of flag/a at version 7: invalid type: integer `3`, expected a boolean at line 1 column 7"
    );
    let Error::Value { kind, key, version, line, column, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!((&*kind, &*key, version, line, column), ("flag", "a", 7, 1, 7));

    rig.world.send(&(intent("xfer-changes") + &put("a", 8, "{}") + &transferred(2)));
    rig.version(2).await;
    assert_eq!(rig.flag("a"), None);
    assert_eq!(rig.errors.borrow().len(), 2, "another value, another mistake");
    rig.world.send(&(put("a", 9, "{\"on\":true}") + &transferred(3)));
    rig.version(3).await;
    assert_eq!(rig.flag("a").as_deref(), Some(&Flag { on: true }));
    assert_eq!(rig.errors.borrow().len(), 2);
}

#[wasm_bindgen_test]
async fn listeners_hear_each_transaction_once_until_they_are_dropped() {
    let rig = Rig::start();
    let told: Rc<RefCell<Vec<Transaction>>> = Rc::default();
    let read = Rc::new(Cell::new(None));
    let first = rig.store.subscribe({
        let (told, read, store) = (Rc::clone(&told), Rc::clone(&read), rig.store.clone());
        move |transaction| {
            told.borrow_mut().push(transaction.clone());
            read.set(store.get("flag", "a").map(|flag| flag.on));
        }
    });
    let count = Rc::new(Cell::new(0));
    let second = rig.store.subscribe({
        let count = Rc::clone(&count);
        move |_| count.set(count.get() + 1)
    });
    rig.asked().await;
    rig.answer(&snapshot());
    rig.store.ready().await.expect("it is up");
    assert_eq!(read.get(), Some(true), "the state has moved when it is told");
    // Two transactions in one chunk.
    rig.world.send(
        &(intent("xfer-changes")
            + &put("a", 2, "{\"on\":false}")
            + &put("b", 1, "{\"on\":true}")
            + &transferred(2)
            + &gone("b", 2)
            + &transferred(3)),
    );
    moved(&rig.store, |store| store.status().cursor.as_deref() == Some("e1.3")).await;
    let summary = |transaction: &Transaction| {
        let changes = transaction.changes.iter();
        let list: Vec<String> =
            changes.map(|change| format!("{} {}", change.action, change.key)).collect();
        (transaction.snapshot, list.join(", "))
    };
    let heard: Vec<_> = told.borrow().iter().map(summary).collect();
    let expected = [(true, "insert a"), (false, "updated a, insert b"), (false, "delete b")];
    assert_eq!(heard, expected.map(|(snapshot, list)| (snapshot, list.to_owned())));
    assert_eq!(told.borrow()[2].changes[0].action, Action::Delete);
    assert_eq!((count.get(), read.get()), (3, Some(false)));

    drop(first);
    rig.world.send(&(put("a", 4, "{\"on\":true}") + &transferred(4)));
    moved(&rig.store, |store| store.version_of("flag", "a") == Some(4)).await;
    assert_eq!((told.borrow().len(), count.get()), (3, 4));
    drop(second);
}

#[wasm_bindgen_test]
async fn a_listener_may_unsubscribe_others_and_drop_the_store() {
    let Rig { world, store, .. } = Rig::start();
    let count = Rc::new(Cell::new(0));
    let other = Rc::new(RefCell::new(None));
    let last = Rc::new(RefCell::new(Some(store.clone())));
    let ready = store.ready();
    let first = store.subscribe({
        let (other, last) = (Rc::clone(&other), Rc::clone(&last));
        move |_| {
            drop(other.take());
            drop(last.take());
        }
    });
    let second = store.subscribe({
        let count = Rc::clone(&count);
        move |_| count.set(count.get() + 1)
    });
    other.replace(Some(second));
    drop(store);
    until(&world, "asked", || world.log().contains("fetch")).await;
    world.answer();
    world.send(&snapshot());
    ready.await.expect("there was a state");
    assert_eq!(count.get(), 0, "it was unsubscribed before its turn");
    until(&world, "let go", || world.log().contains("abort 0")).await;
    drop(first);
}

#[wasm_bindgen_test]
async fn after_an_end_it_resumes_and_values_stay_the_same() {
    let rig = Rig::live(&snapshot()).await;
    let before = rig.flag("a").expect("there");
    rig.world.end();
    let asked = rig.asked().await;
    assert!(asked.contains("fetch http://world.test/stream?basis=e1.1"), "{asked}");
    assert_eq!(rig.store.status().phase, Phase::Stale);
    assert_eq!(rig.store.status().fault.expect("one").code(), "closed");
    assert!(Rc::ptr_eq(&before, &rig.flag("a").expect("it stays readable")));
    rig.answer(&(intent("xfer-changes") + &put("b", 1, "{\"on\":true}") + &transferred(2)));
    moved(&rig.store, |store| store.status().phase == Phase::Live).await;
    let status = rig.store.status();
    assert_eq!((status.resumed, status.fault.clone(), status.len), (Some(true), None, 2));
    assert_eq!((status.lag(), status.retry_in()), (Duration::ZERO, None));
    assert!(Rc::ptr_eq(&before, &rig.flag("a").expect("there")), "not parsed anew");
}

#[wasm_bindgen_test]
async fn closing_and_dropping_let_go_of_the_connection() {
    let rig = Rig::live(&snapshot()).await;
    rig.world.log();
    rig.store.close();
    assert_eq!(rig.world.log(), "abort 0");
    assert_eq!(rig.store.status().phase, Phase::Stopped);
    assert_eq!(rig.flag("a").as_deref(), Some(&Flag { on: true }), "it stays readable");
    rig.store.close();
    rig.store.reconnect();
    assert_eq!(rig.world.log(), "");

    let Rig { world, store, .. } = Rig::live(&snapshot()).await;
    world.log();
    let clone = store.clone();
    drop(store);
    assert_eq!(world.log(), "", "one handle is left");
    drop(clone);
    assert_eq!(world.log(), "abort 0");
}

#[wasm_bindgen_test]
async fn who_waits_for_a_store_that_stops_is_told() {
    let rig = Rig::start();
    let ready = rig.store.ready();
    rig.store.close();
    assert_eq!(ready.await, Err(Error::Stopped { fault: None }));

    let rig = Rig::start();
    rig.asked().await;
    rig.world.answer_status(403, "{}");
    let Err(Error::Stopped { fault: Some(fault) }) = rig.store.ready().await else {
        panic!("a fault that trying again cannot heal");
    };
    assert_eq!((fault.code(), fault.number()), ("status", Some(403)));

    // A future that outlives the store does not keep it alive.
    let rig = Rig::start();
    let ready = rig.store.ready();
    drop(rig);
    assert_eq!(ready.await, Err(Error::Stopped { fault: None }));
}

#[wasm_bindgen_test]
async fn headers_are_asked_for_and_once_more_after_a_401() {
    let asked: Rc<RefCell<Vec<bool>>> = Rc::default();
    let options = StoreOptions::new().headers({
        let asked = Rc::clone(&asked);
        move |context| {
            asked.borrow_mut().push(context.expired);
            let token = if context.expired { "new" } else { "old" };
            async move { Ok(vec![("x-token".into(), token.into())]) }
        }
    });
    let rig = Rig::with(options);
    let first = rig.asked().await;
    assert!(first.ends_with("fetch http://world.test/stream, x-token: old"), "{first}");
    rig.world.answer_status(401, "{}");
    let second = rig.asked().await;
    assert!(second.ends_with("fetch http://world.test/stream, x-token: new"), "{second}");
    rig.answer(&snapshot());
    rig.store.ready().await.expect("it is up");
    assert_eq!(*asked.borrow(), [false, true]);
}

#[wasm_bindgen_test]
async fn headers_that_fail_are_a_fault_in_their_own_words() {
    let rig = Rig::with(StoreOptions::new().headers(|_| async { Err("no token".into()) }));
    moved(&rig.store, |store| store.status().fault.is_some()).await;
    let fault = rig.store.status().fault.expect("one");
    assert_eq!((fault.code(), fault.what()), ("network", "no headers: no token"));
}

#[wasm_bindgen_test]
async fn the_query_of_the_application_stays_as_it_wrote_it() {
    let world = World::new();
    let options = StoreOptions::new().fetch(world.fetch()).configure(|session| {
        session.profile.factor = Duration::from_millis(5);
    });
    let address = "http://world.test/stream?kind=flag&basis=e0.1&x=%7e+1#top";
    let store = Store::<Flag>::connect(address, options).expect("a good address");
    until(&world, "asked", || world.log().contains("stream?kind=flag&basis=e0.1&x=%7e+1")).await;
    world.answer();
    world.send(&snapshot());
    store.ready().await.expect("it is up");
    world.end();
    let log = RefCell::new(String::new());
    until(&world, "asked again", || {
        log.borrow_mut().push_str(&world.log());
        log.borrow().contains("fetch")
    })
    .await;
    let log = log.into_inner();
    assert!(log.ends_with("&basis=e1.1") && log.matches("basis").count() == 1, "{log}");
}

#[wasm_bindgen_test]
fn mistakes_are_named_before_anything_happens() {
    let refused = |url: &str, options: StoreOptions| {
        Store::<Flag>::connect(url, options).expect_err("it is wrong").to_string()
    };
    assert_eq!(
        refused("ftp://x.test/", StoreOptions::new()),
        "bad address: 'ftp' is not http or https"
    );
    assert_eq!(refused("http://", StoreOptions::new()), "bad address: 'http://' is not a URL");
    assert_eq!(
        refused("http://me:pw@x.test/", StoreOptions::new()),
        "bad address: credentials belong in a header, not in the address"
    );
    assert_eq!(
        refused("http://x.test/", StoreOptions::new().header("a b", "c")),
        "no request can carry the header 'a b'"
    );
    assert_eq!(
        refused("http://x.test/", StoreOptions::new().poll_url("file:///x")),
        "bad address: 'file' is not http or https"
    );
}

fn object(json: &str) -> JsValue {
    JSON::parse(json).expect("it is JSON")
}

fn fdv2() -> Protocol {
    Protocol::named("fdv2").expect("it is known")
}

#[wasm_bindgen_test]
fn options_by_name_take_effect() {
    let options =
        object(r#"{ "maxBytes": 64, "validate": "ingest", "tombstones": { "count": 0 } }"#);
    let materializer =
        Materializer::with_options(fdv2(), options.unchecked_ref(), None).expect("good options");
    materializer.push(0.0, snapshot().as_bytes()).expect("it is not busy");
    let deleted = gone("a", 2) + &transferred(2);
    materializer.push(0.0, deleted.as_bytes()).expect("it is not busy");
    assert_eq!(find(&materializer.inspect(None).expect("not busy"), "tombstones.remembered"), "0");

    let options = object(
        r#"{ "retry": { "first": 100, "jitter": 0, "min": 0, "freeFailures": 0 }, "idle": false }"#,
    );
    let session =
        Session::with_options(fdv2(), options.unchecked_ref(), None).expect("good options");
    session.command(0.0, 0).expect("it is not busy");
    session.failed(0.0, 1, Some("no route".into()), None).expect("it is not busy");
    let found = session.inspect(None).expect("it is not busy");
    assert_eq!(find(&found, "status.retryAt"), "100");
    assert_eq!(find(&found, "status.error.code"), "\"network\"");
}

#[wasm_bindgen_test]
fn mistakes_in_options_are_named() {
    let mistake = |json: &str| {
        let refused = Session::with_options(fdv2(), object(json).unchecked_ref(), None);
        let error = refused.err().unwrap_or_else(|| panic!("{json} is a mistake"));
        assert!(error.is_instance_of::<js_sys::TypeError>());
        String::from(js_sys::Error::from(error).message())
    };
    for (json, words) in [
        (r#"{ "idel": 3 }"#, "options: 'idel' is none of validate, refill"),
        (r#"{ "retry": { "frist": 3 } }"#, "option retry: 'frist' is none of first, min"),
        (r#"{ "retry": 3 }"#, "option retry: not an object"),
        (r#"{ "retry": { "first": -1 } }"#, "option retry.first: -1 is not a number from 0 on"),
        (r#"{ "retry": { "healthy": "often" } }"#, "option retry.healthy: 'often' is neither"),
        (r#"{ "idle": true }"#, "option idle: true is neither a number nor false"),
        (r#"{ "maxBytes": "64" }"#, "option maxBytes: invalid type"),
        (r#"{ "validate": "never" }"#, "option validate: unknown variant `never`"),
        ("[]", "options: not an object"),
        ("3", "options: not an object"),
    ] {
        let found = mistake(json);
        assert!(found.starts_with(words), "{json}: {found}");
    }
    let options = object(r#"{ "idle": 3 }"#);
    let refused = Materializer::with_options(fdv2(), options.unchecked_ref(), None);
    assert!(refused.is_err(), "a materializer has no such option");
}

#[wasm_bindgen_test]
fn inspect_shows_state_status_and_counts_as_a_plain_object() {
    let session = Session::with_options(fdv2(), JsValue::UNDEFINED.unchecked_ref(), None)
        .expect("no options");
    session.command(0.0, 0).expect("it is not busy");
    session.opened(0.0, 1, 200, Some("text/event-stream".into()), f64::NAN).expect("not busy");
    let big = (1_i64 << 53) + 1;
    let text = intent("xfer-full")
        + &put("a", big, "{\"on\":true}")
        + &put("b", 1, "2")
        + &put("c", 1, "nope")
        + &transferred(1);
    session.bytes(0.0, 1, text.as_bytes()).expect("it is not busy");
    let found = session.inspect(None).expect("it is not busy");
    let prototype =
        Object::get_prototype_of(&Reflect::get(&found, &"state".into()).expect("there"));
    assert_eq!(prototype, Object::get_prototype_of(&Object::new()), "a plain object");
    for (path, json) in [
        ("protocol", "\"fdv2\""),
        ("cursor", "\"e1.1\""),
        ("items", "3"),
        ("state.flag.a.value", "{\"on\":true}"),
        ("state.flag.b.value", "2"),
        ("state.flag.b.version", "1"),
        ("recent.transactions", "1"),
        ("recent.snapshots", "1"),
        ("recent.inserted", "3"),
        ("recent.deleted", "0"),
        ("status.phase", "\"live\""),
        ("status.resumed", "false"),
        ("status.error", "undefined"),
    ] {
        assert_eq!(find(&found, path), json, "{path}");
    }
    let version = reach(&found, "state.flag.a.version");
    assert_eq!(i64::try_from(version), Ok(big), "exactly");
    assert!(reach(&found, "state.flag.c.error").is_string(), "a value that is not JSON");
    let few = session.inspect(Some(1)).expect("it is not busy");
    assert_eq!((find(&few, "items"), find(&few, "state.flag.b")), ("3".into(), "undefined".into()));
}

fn reach(value: &JsValue, path: &str) -> JsValue {
    path.split('.').fold(value.clone(), |value, name| {
        Reflect::get(&value, &name.into()).expect("there is an object before it")
    })
}

/// What stands at a path, as JSON.
fn find(value: &JsValue, path: &str) -> String {
    let found = reach(value, path);
    if found.is_undefined() {
        "undefined".into()
    } else {
        String::from(JSON::stringify(&found).expect("it is JSON"))
    }
}
