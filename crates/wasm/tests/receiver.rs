//! The bindings, in Node and in a browser: the same tests in both.
#![cfg(target_arch = "wasm32")]

use highwater_wasm::MessageReceiver;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_late_message_does_not_bring_an_item_back() {
    let mut receiver = MessageReceiver::new();
    assert_eq!(receiver.delete("a", 2), "noop");
    assert_eq!(receiver.upsert("a", JsValue::from_str("late"), 1), "noop");
    assert_eq!(receiver.upsert("a", JsValue::from_str("new"), 3), "insert");
    assert_eq!(receiver.get("a").as_string().as_deref(), Some("new"));
}
