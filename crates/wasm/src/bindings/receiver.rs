//! The rule of versions alone, over values of JavaScript.

use highwater_core::{Known, MessageReceiver as Core};
use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::report;

/// Makes a reliable sequence of actions out of messages that repeat, come late or out of order.
#[wasm_bindgen]
#[derive(Default)]
pub struct MessageReceiver(Core<JsValue>);

#[wasm_bindgen]
impl MessageReceiver {
    /// A receiver that has seen nothing.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// The item is there at this version.
    pub fn upsert(&mut self, id: &str, item: JsValue, version: i64) -> String {
        report::action(self.0.upsert(id, item, version)).into()
    }

    /// The item is gone since this version.
    pub fn delete(&mut self, id: &str, version: i64) -> String {
        report::action(self.0.delete(id, version)).into()
    }

    /// Forgets all about the id.
    pub fn forget(&mut self, id: &str) -> String {
        report::action(self.0.forget(id)).into()
    }

    /// Forgets these ids, and returns those that were there, sorted.
    pub fn purge(&mut self, ids: &Array) -> Array {
        let mut ids: Vec<String> = ids.iter().filter_map(|id| id.as_string()).collect();
        ids.sort_unstable();
        let gone = self.0.purge(|id| ids.binary_search_by(|known| (**known).cmp(id)).is_ok());
        gone.into_iter().map(JsValue::from).collect()
    }

    /// The item, if it is there.
    pub fn get(&self, id: &str) -> JsValue {
        self.0.get(id).cloned().unwrap_or(JsValue::UNDEFINED)
    }

    /// All that is known: `[id, version, tombstone, item, …]`.
    pub fn entries(&self) -> Array {
        let list = Array::new();
        for (id, known, item) in self.0.iter() {
            list.push(&id.into());
            list.push(&known.version().unwrap_or_default().into());
            list.push(&matches!(known, Known::Tombstone(_)).into());
            list.push(&item.cloned().unwrap_or(JsValue::UNDEFINED));
        }
        list
    }
}
